import gzip
import json
import sys

import pytest
import spacy
from spacy.tokens import Doc, DocBin, Span
from typer.testing import CliRunner

from spacy_gner.cli import app
from spacy_gner.evaluation.metrics import load_metrics
from spacy_gner.formats import BIO
from spacy_gner.pipeline.gner import GNER

from ..models import SHORT, build_tiny_causal, overfit, prompt_of, save_tiny
from ..pipeline.test_nested import LABELS as NESTED_LABELS
from ..pipeline.test_nested import NESTED, WORDS
from ..pipeline.test_nested import model as nested_model  # noqa: F401

LABELS = ["award", "city", "person"]  # sorted, as evaluate asks for them
SENTENCES = [
    (
        "Marie Curie won the Nobel Prize in Paris .",
        [(0, 2, "person"), (4, 6, "award"), (7, 8, "city")],
    ),
    ("Angela Merkel lives in New York .", [(0, 2, "person"), (4, 6, "city")]),
    ("The company met on Tuesday .", []),
    ("London won .", [(0, 1, "city")]),
]
# Short, as in `prompt_of`: tiny models see short prompts.
FORMAT = {"@misc": "spacy_gner.BIO.v1", **SHORT}


def run(command, *arguments):
    return CliRunner().invoke(app, [command, *map(str, arguments)])


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory):
    """A saved pipeline whose tiny model knows the sentences by heart."""
    folder = tmp_path_factory.mktemp("evaluate")
    backbone, pairs = build_tiny_causal(hidden=64), []
    for text, spans in SENTENCES:
        words = text.split()
        pieces = [piece.text for piece in BIO().target(words, spans, LABELS)]
        pairs.append((prompt_of(words, LABELS).text, pieces))
    overfit(backbone, pairs, steps=250)
    model = {
        "@architectures": "spacy_gner.Transformer.v1",
        "name": str(save_tiny(backbone, folder / "lm")),
    }
    nlp = spacy.blank("en")
    nlp.add_pipe("gner", config={"model": model, "format": FORMAT})
    nlp.to_disk(folder / "pipeline")
    return folder / "pipeline"


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "test.jsonl"
    lines = []
    for text, spans in SENTENCES:
        words = text.split()
        lines.append(json.dumps({"words": words, "labels": BIO().encode(len(words), spans)}))
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def predictions(tmp_path):
    def write(lines):
        path = tmp_path / "predictions.jsonl"
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        return path

    return write


LINE = {
    "dataset": "mit_movie",
    "label_list": ["person", "city"],
    "instance": {"words": ["Marie", "in", "Paris"], "labels": ["B-person", "O", "B-city"]},
    "prediction": "Marie(B-person) in(O) Paris(B-person)",
}


def test_evaluate_a_pipeline(pipeline, data, tmp_path):
    output = tmp_path / "out"
    result = run("evaluate", "--model", pipeline, "--data", f"mine={data}", "--output", output)
    assert result.exit_code == 0, result.output
    metrics = load_metrics(output)
    (dataset,) = metrics["datasets"]
    # The tiny model knows them by heart: whatever is lost is lost on the way.
    assert dataset["strict"]["f"] == dataset["uniner"]["f"] == 1.0
    assert dataset["outputs"]["any"] == 0.0
    assert dataset["labels"] == LABELS
    assert dataset["speed"]["forward_passes_per_sentence"] > 0
    assert 0 <= dataset["calibration"]["ece"] <= 1
    assert metrics["system"]["parameters"] > 10_000
    assert {path.name for path in output.iterdir()} == {
        "metrics.json",
        "report.md",
        "report.html",
        "predictions.jsonl",
    }


def test_evaluate_continues_and_starts_afresh(pipeline, data, tmp_path):
    arguments = ["--model", pipeline, "--data", f"mine={data}", "--output", tmp_path, "--no-html"]
    store = tmp_path / "predictions.jsonl"
    assert run("evaluate", *arguments, "--limit", 3).exit_code == 0
    whole = store.read_text().splitlines()
    assert len(whole) == 1 + 3
    store.write_text("\n".join(whole[:2]) + "\n" + whole[2][:30])  # as if it was killed there
    result = run("evaluate", *arguments, "--limit", 3)
    assert result.exit_code == 0 and "Continuing: 1 sentences" in result.output
    again = store.read_text().splitlines()
    assert again[:2] == whole[:2] and len(again) == len(whole)
    result = run("evaluate", *arguments, "--limit", 2)
    assert result.exit_code == 0 and "configuration changed" in result.output
    assert len(store.read_text().splitlines()) == 1 + 2
    assert (tmp_path / "predictions-1.jsonl").read_text().splitlines() == again


def test_evaluate_says_how_to_go_on_when_it_is_stopped(pipeline, data, tmp_path, monkeypatch):
    arguments = ["--model", pipeline, "--data", f"mine={data}", "--output", tmp_path, "--no-html"]
    arguments += ["--batch-size", 1]
    predict = GNER.predict
    asked = []

    def stop_at_the_third(self, docs):
        asked.append(docs)
        if len(asked) == 3:
            raise KeyboardInterrupt
        return predict(self, docs)

    monkeypatch.setattr(GNER, "predict", stop_at_the_third)
    result = run("evaluate", *arguments)
    assert result.exit_code == 130 and "the same command goes on" in result.output
    result = run("evaluate", *arguments)
    assert result.exit_code == 0 and "Continuing: 2 sentences" in result.output
    assert len(asked) == 3 + 2
    assert load_metrics(tmp_path)["datasets"][0]["strict"]["f"] == 1.0


def test_evaluate_takes_other_names_of_labels(pipeline, data, tmp_path):
    coded = tmp_path / "test.jsonl"
    coded.write_text(data.read_text().replace("-person", "-PER"))
    names = tmp_path / "names.json"
    arguments = ["--model", pipeline, "--data", f"mine={coded}", "--output", tmp_path, "--no-html"]
    names.write_text('{"PER": "person", "LOC": "location"}')
    result = run("evaluate", *arguments, "--label-names", names)
    assert result.exit_code == 0, result.output
    (dataset,) = load_metrics(tmp_path)["datasets"]
    assert dataset["labels"] == LABELS and dataset["strict"]["f"] == 1.0
    for text in ("{", '["person"]', '{"PER": 1}'):
        names.write_text(text)
        result = run("evaluate", *arguments, "--label-names", names)
        assert result.exit_code == 2 and "[GNER-E320]" in result.output


def test_evaluate_reads_outputs_in_the_wordings_of_the_pipeline(pipeline, data, tmp_path):
    nlp = spacy.load(pipeline)
    nlp.get_pipe("gner").set_labels({"PER": "person", "LOC": "city"})
    nlp.to_disk(tmp_path / "coded")
    text = data.read_text().replace("-person", "-PER").replace("-city", "-LOC")
    (tmp_path / "test.jsonl").write_text(text)
    arguments = ["--model", tmp_path / "coded", "--data", f"mine={tmp_path}", "--no-html"]
    result = run("evaluate", *arguments, "--output", tmp_path / "out")
    assert result.exit_code == 0, result.output
    (dataset,) = load_metrics(tmp_path / "out")["datasets"]
    assert dataset["strict"]["f"] == 1.0 and dataset["outputs"]["unmatched"] == 0.0
    # Other labels behind the same path are another configuration.
    nlp.get_pipe("gner").set_labels({"PER": "city", "LOC": "person"})
    nlp.to_disk(tmp_path / "coded")
    result = run("evaluate", *arguments, "--output", tmp_path / "out")
    assert "configuration changed" in result.output
    assert load_metrics(tmp_path / "out")["datasets"][0]["strict"]["f"] < 0.5


def test_evaluate_compares_several_models_in_one_run(pipeline, data, tmp_path):
    nlp = spacy.load(pipeline)
    nlp.get_pipe("gner").threshold = 1.0  # nothing is as certain as that
    (tmp_path / "other").mkdir()
    nlp.to_disk(tmp_path / "other" / "pipeline")
    models = ["--model", pipeline, "--model", tmp_path / "other" / "pipeline"]
    out = tmp_path / "out"
    result = run("evaluate", *models, "--data", f"mine={data}", "-o", out, "--no-html")
    assert result.exit_code == 0, result.output
    f1 = [load_metrics(out / name)["average"]["strict"]["f"] for name in ("pipeline", "pipeline-2")]
    assert f1[0] == 1.0 and f1[1] < 1.0
    assert "pipeline-2 against pipeline" in result.output
    found = json.loads((out / "compare.json").read_text())
    assert found["first"] == "pipeline" and set(found["against"]) == {"pipeline-2"}


def test_evaluate_runs_a_model_with_each_format(pipeline, data, tmp_path):
    formats = ["--format", "spacy_gner.BIO.v1", "--format", "spacy_gner.BIOES.v1"]
    model = ["--model", pipeline.parent / "lm"]
    arguments = ["--data", f"mine={data}", "--limit", 1, "--no-html"]
    out = tmp_path / "out"
    result = run("evaluate", *model, *formats, *arguments, "--output", out)
    assert result.exit_code == 0, result.output
    names = [load_metrics(out / name)["system"]["format"] for name in ("lm-BIO", "lm-BIOES")]
    assert names == ["BIO", "BIOES"]
    result = run("evaluate", "--model", pipeline, *formats, *arguments, "--output", out)
    assert result.exit_code == 2 and "[GNER-E325]" in result.output


def test_evaluate_compares_formats_of_all_systems_in_one_run(pipeline, data, tmp_path):
    names = ["BIO", "SingleRound", "MultiRound", "Slimer", "Guidelines"]
    formats = [word for name in names for word in ("--format", f"spacy_gner.{name}.v1")]
    arguments = ["--model", pipeline.parent / "lm", "--data", f"mine={data}", "--limit", 1]
    result = run("evaluate", *arguments, *formats, "--no-html", "--output", tmp_path / "out")
    assert result.exit_code == 0, result.output
    decoders = [load_metrics(tmp_path / "out" / f"lm-{n}")["system"]["decoder"] for n in names]
    assert decoders == ["spacy_gner.ExactSearch.v1", *["spacy_gner.BeamSearch.v1"] * 4]
    found = json.loads((tmp_path / "out" / "compare.json").read_text())
    assert found["first"] == "lm-BIO" and len(found["against"]) == 4


def test_evaluate_splits_text_as_the_pipeline_does(pipeline, tmp_path):
    """One word for German is one word for the measure, not four."""
    text = tmp_path / "test.txt"
    text.write_text("Es war z.B. [London](city) .\n")

    def words_of(*arguments):
        result = run(
            "evaluate", *arguments, "--data", f"x={text}", "-o", tmp_path / "o", "--no-html"
        )
        assert result.exit_code == 0, result.output
        return load_metrics(tmp_path / "o")["datasets"][0]["sentences"][0]["words"]

    expected = [token.text for token in spacy.blank("de").make_doc("Es war z.B. London .")]
    assert expected != [token.text for token in spacy.blank("en").make_doc("Es war z.B. London .")]
    assert words_of("--model", pipeline.parent / "lm", "--lang", "de") == expected
    nlp = spacy.load(pipeline)
    nlp.tokenizer = spacy.blank("de").tokenizer
    nlp.to_disk(tmp_path / "german")
    assert words_of("--model", tmp_path / "german") == expected


def test_evaluate_skips_broken_sentences_when_told(pipeline, data, tmp_path):
    """As the official test set of WNUT17 has one: a word with a space in it."""
    broken = tmp_path / "test.jsonl"
    line = json.dumps({"words": ["New York"], "labels": ["B-city"]})
    broken.write_text(data.read_text() + line + "\n")
    arguments = ["--model", pipeline, "--data", f"x={broken}", "--output", tmp_path, "--no-html"]
    result = run("evaluate", *arguments)
    assert result.exit_code == 2 and "[GNER-E208]" in result.output
    result = run("evaluate", *arguments, "--on-error", "skip")
    assert result.exit_code == 0 and "x: 1 broken records skipped" in result.output
    metrics = load_metrics(tmp_path)
    assert metrics["datasets"][0]["n_sentences"] == 4
    assert metrics["read"]["x"]["dropped"] == {"broken records skipped": 1}


def test_evaluate_reads_directories_of_any_format(pipeline, tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "test.conll.gz").write_bytes(gzip.compress(b"London B-city\nwon O\n. O\n"))
    result = run(
        "evaluate", "--model", pipeline, "--data", f"x={folder}", "-o", tmp_path / "o", "--no-html"
    )
    assert result.exit_code == 0, result.output
    assert load_metrics(tmp_path / "o")["datasets"][0]["n_gold"] == 1


def test_evaluate_finds_bad_labels_before_it_loads_a_model(tmp_path):
    path = tmp_path / "test.jsonl"
    path.write_text(json.dumps({"words": ["Rome"], "labels": ["B-PER(x)"]}))
    names = tmp_path / "names.json"
    names.write_text('{"PER(x)": "person"}')
    arguments = ["--model", "no/such/model", "--data", f"x={path}", "-o", tmp_path, "--no-html"]
    result = run("evaluate", *arguments)
    assert result.exit_code == 2 and "[GNER-E209]" in result.output
    assert "--label-names" in result.output
    # With another name the label is fine, and only now the model is looked for.
    result = run("evaluate", *arguments, "--label-names", names)
    assert result.exit_code == 2 and "[GNER-E010]" in result.output


def test_evaluate_scores_span_groups(pipeline, tmp_path):
    nlp = spacy.load(pipeline)
    doc = nlp.make_doc(SENTENCES[0][0])
    nested = [(0, 1, "award"), (4, 5, "city")]
    doc.spans["gold"] = [Span(doc, *span) for span in SENTENCES[0][1] + nested]
    DocBin(docs=[doc], store_user_data=True).to_disk(tmp_path / "test.spacy")
    arguments = ["--model", pipeline, "--data", f"x={tmp_path}", "-o", tmp_path / "o", "--no-html"]
    result = run("evaluate", *arguments, "--spans-key", "gold")
    assert result.exit_code == 0, result.output
    (dataset,) = load_metrics(tmp_path / "o")["datasets"]
    assert dataset["n_gold"] == 5 and dataset["strict"]["p"] == 1.0
    assert dataset["strict"]["r"] == 3 / 5
    result = run("evaluate", *arguments)
    assert result.exit_code == 2 and "[GNER-E3" in result.output  # there are no entities


def test_evaluate_refuses_options_without_effect(predictions, tmp_path):
    path = predictions([LINE])
    result = run("evaluate", "--predictions", path, "--output", tmp_path, "--model", "x")
    assert result.exit_code == 2 and "[GNER-E321]" in result.output and "--model" in result.output


def test_evaluate_takes_decoder_and_options(pipeline, data, tmp_path):
    arguments = ["--model", pipeline, "--data", f"mine={data}", "--output", tmp_path, "--no-html"]
    decoder = ["--decoder", "spacy_gner.BeamSearch.v1"]
    result = run("evaluate", *arguments, *decoder, "--decoder-option", "num_beams=2")
    assert result.exit_code == 0, result.output
    system = load_metrics(tmp_path)["system"]
    assert system["decoder options"] == {"num_beams": 2} and system["num_beams"] == 2
    assert run("evaluate", *arguments, *decoder).exit_code == 0
    assert load_metrics(tmp_path)["system"]["num_beams"] == 4  # the decoder's own default
    result = run("evaluate", *arguments, *decoder, "--decoder-option", "color=2")
    assert result.exit_code == 2 and "[GNER-E317]" in result.output
    result = run("evaluate", *arguments, "--decoder-option", "num_beams=2")
    assert result.exit_code == 2 and "[GNER-E315]" in result.output


def test_evaluate_drops_labels(pipeline, data, tmp_path):
    arguments = ["--model", pipeline, "--data", f"mine={data}", "--output", tmp_path, "--no-html"]
    assert run("evaluate", *arguments, "--drop-label", "award").exit_code == 0
    (dataset,) = load_metrics(tmp_path)["datasets"]
    assert dataset["labels"] == ["city", "person"]
    assert "award" not in dataset["strict"]["per_type"]


def test_evaluate_predictions_of_another_system(predictions, tmp_path):
    path = predictions([LINE, {**LINE, "dataset": "other"}])
    seen = tmp_path / "seen.txt"
    seen.write_text("city\n")
    output = tmp_path / "out"
    result = run("evaluate", "--predictions", path, "--seen-labels", seen, "--output", output)
    assert result.exit_code == 0, result.output
    metrics = load_metrics(output)
    assert [dataset["name"] for dataset in metrics["datasets"]] == ["mit_movie", "other"]
    assert metrics["average"]["strict"]["f"] == 0.5
    assert metrics["datasets"][0]["mistakes"]["noisy"] == 0.5
    assert metrics["datasets"][0]["by_seen"]["seen"]["r"] == 0.0
    assert metrics["datasets"][0]["calibration"] is None


@pytest.mark.parametrize(
    "arguments, code",
    [
        ([], "E313"),
        (["--data", "x=a.jsonl", "--predictions", "p.jsonl"], "E313"),
        (["--data", "nothing"], "E312"),
        (["--data", "x=a.jsonl", "--data", "x=b.jsonl"], "E312"),
        (["--data", "x=a.jsonl"], "E305"),
        (["--data", "x=a.jsonl", "--on-error", "best"], "E203"),
        (["--predictions", "p.jsonl"], "E305"),
        (["--predictions", "p.jsonl", "--seen-labels", "none.txt"], "E316"),
        (["--predictions", "p.jsonl", "--tokenizer", "./none"], "E319"),
    ],
)
def test_evaluate_names_what_is_wrong(arguments, code, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run("evaluate", *arguments, "--output", "out")
    assert result.exit_code == 2
    assert f"[GNER-{code}]" in result.output


@pytest.mark.parametrize(
    "instance, label_list, code",
    [
        ({"words": ["x"], "labels": ["city"]}, ["city"], "E207"),
        ({"words": ["x"], "labels": ["B-city"]}, ["person"], "E304"),
    ],
)
def test_evaluate_names_bad_gold(predictions, tmp_path, instance, label_list, code):
    path = predictions([{**LINE, "instance": instance, "label_list": label_list}])
    result = run("evaluate", "--predictions", path, "--output", tmp_path / "out")
    assert result.exit_code == 2 and f"[GNER-{code}]" in result.output


def test_evaluate_says_at_once_that_matplotlib_is_missing(predictions, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    arguments = ["--predictions", predictions([LINE]), "--output", tmp_path / "out"]
    result = run("evaluate", *arguments)
    assert result.exit_code == 2 and "[GNER-E311]" in result.output
    assert run("evaluate", *arguments, "--no-html").exit_code == 0


def test_compare_two_evaluations(predictions, tmp_path):
    better = {**LINE, "prediction": "Marie(B-person) in(O) Paris(B-city)"}
    for name, line in (("a", LINE), ("b", better)):
        arguments = ["--predictions", predictions([line] * 30), "--output", tmp_path / name]
        assert run("evaluate", *arguments, "--no-html").exit_code == 0
    out = tmp_path / "out"
    result = run("compare", tmp_path / "a", tmp_path / "b" / "metrics.json", "--output", out)
    assert result.exit_code == 0, result.output
    assert "+50.00" in result.output and "better" in result.output
    found = json.loads((out / "compare.json").read_text())
    (comparison,) = found["against"].values()
    assert comparison["changed"]["mit_movie"]["better"] == 30
    assert comparison["bootstrap"]["average"]["p"] < 0.01
    # The terminal has the same without markup.
    assert "| data set |" in (out / "compare.md").read_text()
    assert "mit\\_movie" in (out / "compare.md").read_text()
    assert "\\_" not in result.output and "&" not in result.output and "|" not in result.output


def test_compare_names_what_is_wrong(tmp_path):
    result = run("compare", tmp_path)
    assert result.exit_code == 2 and "[GNER-E318]" in result.output
    result = run("compare", tmp_path, tmp_path / "b")
    assert result.exit_code == 2 and "[GNER-E310]" in result.output


def test_an_output_that_cannot_be_written_is_no_traceback(predictions, tmp_path):
    path = predictions([LINE])
    (tmp_path / "file").write_text("in the way")
    for arguments in (["--no-html"], []):
        result = run("evaluate", "--predictions", path, "-o", tmp_path / "file", *arguments)
        assert result.exit_code == 2 and "file" in result.output
    assert (tmp_path / "file").read_text() == "in the way"
    for name in "ab":
        assert run("evaluate", "--predictions", path, "-o", tmp_path / name).exit_code == 0
    result = run("compare", tmp_path / "a", tmp_path / "b", "--output", tmp_path / "file")
    assert result.exit_code == 2 and "file" in result.output


def test_evaluate_scores_nested_entities(nested_model, tmp_path):  # noqa: F811
    nlp = spacy.blank("en")
    config = {
        "labels": NESTED_LABELS,
        "model": {"name": str(nested_model), "device": "cpu"},
        "format": {"@misc": "spacy_gner.BIO.v1", "labels_per_prompt": 1, **SHORT},
    }
    nlp.add_pipe("gner", config=config)
    nlp.to_disk(tmp_path / "pipeline")
    doc = Doc(nlp.vocab, words=WORDS)
    doc.spans["gold"] = [Span(doc, *span) for span in NESTED]
    doc._.gner_labels = NESTED_LABELS
    DocBin(docs=[doc], store_user_data=True).to_disk(tmp_path / "test.spacy")
    data = ["--data", f"x={tmp_path}", "--spans-key", "gold", "--output", tmp_path / "out"]
    result = run("evaluate", "--model", tmp_path / "pipeline", *data, "--no-html")
    assert result.exit_code == 0, result.output
    (dataset,) = load_metrics(tmp_path / "out")["datasets"]
    assert dataset["n_gold"] == dataset["n_predicted"] == 2
    assert dataset["strict"]["f"] == 1.0
