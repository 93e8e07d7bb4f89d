"""The files that the authors of other systems write: their outputs can be scored and compared."""

import json

import pytest
from typer.testing import CliRunner

from spacy_gner.cli import app
from spacy_gner.evaluation.data import Selection
from spacy_gner.evaluation.native import format_of
from spacy_gner.evaluation.outputs import Reading, read_predictions
from spacy_gner.evaluation.records import Mention
from spacy_gner.formats import BIO, Guidelines, MultiRound, SingleRound

SENTENCES = ("did george clooney make a musical", "Who made it?")
LABELS = ("actor", "genre")
GOLD = ((Mention(1, 3, "actor"), Mention(5, 6, "genre")), ())
# What the system says: one entity of the first sentence, nothing about the second.
FOUND = ((Mention(1, 3, "actor"),), ())


def write_lines(path, records):
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def gner(folder):
    lines = []
    for words, gold, found in zip(map(str.split, SENTENCES), GOLD, FOUND, strict=True):
        tags = BIO().encode(len(words), gold)
        instance = {"id": "0", "words": words, "labels": tags}
        raw = BIO().write(words, found, LABELS)
        record = {"dataset": "films", "split": "test", "label_list": list(LABELS)}
        lines.append({**record, "instance": instance, "prediction": raw})
    return write_lines(folder / "gner.jsonl", lines), None


def instruct_uie(folder):
    lines = []
    for sentence, gold, found in zip(SENTENCES, GOLD, FOUND, strict=True):
        words = sentence.split()
        prompt = SingleRound().prompt(["{0}"], LABELS).text
        label = " " + SingleRound().write(words, gold, LABELS)
        instance = {"id": "0", "sentence": sentence, "label": label, "ground_truth": label}
        instance["instruction"] = prompt
        raw = SingleRound().write(words, found, LABELS)
        record = {"Task": "NER", "Dataset": "films", "Instance": instance, "Prediction": raw}
        # Its models do other tasks too.
        lines += [record, {**record, "Task": "RE", "Prediction": "acts in: george clooney, x"}]
    return write_lines(folder / "predict_eval_predictions.jsonl", lines), None


def universal_ner(folder):
    records, outputs = [], []
    for sentence, gold, found in zip(SENTENCES, GOLD, FOUND, strict=True):
        for label in LABELS:
            own, answer = (
                json.dumps([" ".join(sentence.split()[s:e]) for s, e, own in spans if own == label])
                for spans in (gold, found)
            )
            values = [f"Text: {sentence}", "I've read this text."]
            values += [f"What describes {label} in the text?", own]
            senders = ("human", "gpt", "human", "gpt")
            turns = [{"from": f, "value": v} for f, v in zip(senders, values, strict=True)]
            records.append({"id": "films_0", "conversations": turns})
            outputs.append(answer)
    (folder / "films.json").write_text(json.dumps(records))
    (folder / "uniner.json").write_text(json.dumps(outputs))
    return folder / "uniner.json", folder / "films.json"


def gollie_lines():
    for sentence, gold, found in zip(SENTENCES, GOLD, FOUND, strict=True):
        words = sentence.split()
        prompt = Guidelines().prompt(words, LABELS).text
        yield sentence, prompt, *(Guidelines().write(words, s, LABELS) for s in (gold, found))


def gollie(folder):
    records, outputs = [], []
    for sentence, prompt, gold, found in gollie_lines():
        record = {"ids": ["0"], "task_id": "films_NER", "scorer_cls": "src.x", "labels": gold}
        records.append({**record, "text": f"{prompt} {gold}\n", "unlabelled_sentence": sentence})
        outputs.append({"model_prediction": f"{prompt} {found}"})
    gold = write_lines(folder / "films.ner.test.jsonl", records)
    return write_lines(folder / "films.ner.predictions.jsonl", outputs), gold


def gollie_scored(folder):
    path = folder / "films.ner.eval_file.json"
    with path.open("w") as file:
        for sentence, _, gold, found in gollie_lines():
            # As Python writes objects.
            gold, found = (text.replace('"', "'").replace("\n    ", "") for text in (gold, found))
            json.dump({sentence: {"golds": gold, "predictions": found}}, file, indent=4)
            file.write("\n")
    return path, None


SYSTEMS = [gner, instruct_uie, universal_ner, gollie, gollie_scored]
FORMATS = [BIO(), SingleRound(), MultiRound(), Guidelines(), Guidelines()]


@pytest.mark.parametrize("write", SYSTEMS)
def test_files_of_the_authors_are_read(write, tmp_path):
    format = FORMATS[SYSTEMS.index(write)]
    path, gold = write(tmp_path)
    assert format_of(path, gold) == format
    ((name, (first, second)),) = read_predictions(path, gold=gold, reading=Reading(format)).items()
    assert name == "films"
    labels = {"Actor": "actor", "Genre": "genre"}

    def plain(mentions):
        return tuple(m._replace(label=labels.get(m.label, m.label)) for m in mentions)

    assert (plain(first.gold), plain(first.predicted)) == (GOLD[0], FOUND[0])
    assert (second.gold, second.predicted) == ((), ())
    assert len(first.labels) == 2
    # Running text is split into words.
    if write is not gner:
        assert second.words == ("Who", "made", "it", "?")


def test_evaluate_and_compare_score_them_alike(tmp_path):
    folders = []
    for write in SYSTEMS:
        (tmp_path / write.__name__).mkdir()
        path, gold = write(tmp_path / write.__name__)
        folders.append(tmp_path / write.__name__ / "report")
        names = tmp_path / "names.json"
        names.write_text(json.dumps({"Actor": "actor", "Genre": "genre"}))
        arguments = ["--predictions", path, "--output", folders[-1], "--label-names", names]
        arguments += ["--no-html", *([] if gold is None else ["--gold", gold])]
        done = CliRunner().invoke(app, ["evaluate", *map(str, arguments)])
        assert done.exit_code == 0, done.output
        metrics = json.loads((folders[-1] / "metrics.json").read_text())
        (films,) = metrics["datasets"]
        strict = films["strict"]
        assert (strict["p"], strict["r"]) == (1.0, 0.5)
    # Those that have the same words: GNER's were not split.
    done = CliRunner().invoke(app, ["compare", *map(str, folders[1:4])])
    assert done.exit_code == 0, done.output


@pytest.mark.parametrize("write", [universal_ner, gollie])
def test_outputs_alone_need_what_they_answer(write, tmp_path):
    path, gold = write(tmp_path)
    with pytest.raises(ValueError, match="E327.*--gold"):
        read_predictions(path)
    with pytest.raises(ValueError, match="E305"):
        read_predictions(path, gold=tmp_path / "none.json")
    more = write_lines(tmp_path / "more.jsonl", [{"prediction": "x"}] * 9)
    with pytest.raises(ValueError, match=r"E326.*9 outputs"):
        read_predictions(more, gold=gold)


def test_an_annotation_that_is_not_in_the_sentence_is_an_error(tmp_path):
    path, _ = instruct_uie(tmp_path)
    lines = path.read_text().splitlines()
    broken = json.loads(lines[0])
    broken["Instance"]["label"] = "actor: brad pitt"
    path.write_text("\n".join([json.dumps(broken), *lines * 3]))
    reading = Reading(SingleRound())
    with pytest.raises(ValueError, match="E309.*:1.*'brad pitt'"):
        read_predictions(path, reading=reading)
    assert len(read_predictions(path, Selection(on_error="skip"), reading)["films"]) == 6


def test_a_broken_output_is_named_although_its_record_is_whole(tmp_path):
    path, gold = gollie(tmp_path)
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], "{no json"]))
    with pytest.raises(ValueError, match=r"E249.*predictions.jsonl:2"):
        read_predictions(path, gold=gold, reading=Reading(Guidelines()))
