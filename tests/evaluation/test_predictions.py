import gzip
import json

import pytest

from spacy_gner.evaluation.data import Selection
from spacy_gner.evaluation.outputs import Reading, read_predictions
from spacy_gner.evaluation.records import Mention
from spacy_gner.formats import BIO, BIOES, Guidelines, MultiRound, SingleRound


def _line(dataset="x", labels=("person", "city"), prediction="Marie(B-person) in(O) Paris(B-city)"):
    return {
        "dataset": dataset,
        "label_list": list(labels),
        "instance": {"words": ["Marie", "in", "Paris"], "labels": ["B-person", "O", "B-city"]},
        "prediction": prediction,
    }


def _write(path, lines):
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


@pytest.mark.parametrize(
    "labels", [["person", "city"], ["B-person", "I-person", "B-city", "I-city", "O"]]
)
def test_read_predictions_reads_the_authors_format(tmp_path, labels):
    path = _write(tmp_path / "p.jsonl", [_line(labels=labels), _line("y", labels, "Marie(O)")])
    read = read_predictions(path)
    assert read["x"][0].predicted == (Mention(0, 1, "person"), Mention(2, 3, "city"))
    assert read["x"][0].labels == ("person", "city")
    assert read["y"][0].predicted == ()


def test_read_predictions_drops_labels_on_both_sides(tmp_path):
    path = _write(tmp_path / "p.jsonl", [_line()])
    sentence = read_predictions(path, Selection(drop_labels=("city",)))["x"][0]
    assert sentence.gold == sentence.predicted == (Mention(0, 1, "person"),)


def test_read_predictions_takes_other_names(tmp_path):
    path = _write(tmp_path / "p.jsonl", [_line()])
    names = {"person": "human", "city": "place"}
    selection = Selection(drop_labels=("place",), label_names=names)
    sentence = read_predictions(path, selection)["x"][0]
    assert sentence.labels == ("human",)
    assert sentence.gold == sentence.predicted == (Mention(0, 1, "human"),)


def test_read_predictions_draws_as_for_data(tmp_path):
    lines = [_line(prediction=f"Marie(B-person) {i}") for i in range(30)]
    path = _write(tmp_path / "p.jsonl", lines)

    def draw(seed):
        read = read_predictions(path, Selection(limit=5, seed=seed))["x"]
        return [sentence.outputs[0].generation.text for sentence in read]

    assert draw(1) == draw(1) and len(draw(1)) == 5
    assert draw(1) != draw(2)


def test_read_predictions_limits_each_data_set(tmp_path):
    path = _write(tmp_path / "p.jsonl", [_line(), _line(), _line("y")])
    assert [len(part) for part in read_predictions(path, Selection(limit=1)).values()] == [1, 1]


def test_read_predictions_uses_the_back_tokenizer(tmp_path):
    line = _line(prediction="Mari(B-person) in(O) Paris(B-city)")
    path = _write(tmp_path / "p.jsonl", [line])
    assert len(read_predictions(path)["x"][0].predicted) == 1
    reading = Reading(back_tokenizer=lambda words: [w.replace("Marie", "Mari") for w in words])
    read = read_predictions(path, reading=reading)
    assert len(read["x"][0].predicted) == 2


@pytest.mark.parametrize(
    "change, code",
    [
        ({"label_list": ["city"]}, "E304"),
        ({"instance": {"words": ["x"], "labels": ["city"]}}, "E207"),
        ({"instance": {"words": ["x"], "labels": [3]}}, "E207"),
        ({"instance": {"words": ["x"], "labels": ["-"]}}, "E306"),
        ({"instance": {"words": ["x"], "labels": []}}, "E309"),
        ({"instance": {"words": ["x"]}}, "E309"),
        ({"prediction": None}, "E309"),
        ({"dataset": 3}, "E309"),
    ],
)
def test_read_predictions_names_what_is_wrong(tmp_path, change, code):
    path = _write(tmp_path / "p.jsonl", [_line(), {**_line(), **change}])
    with pytest.raises(ValueError, match=rf"\[GNER-{code}\].*p.jsonl:2"):
        read_predictions(path)


def test_read_predictions_refuses_an_empty_or_missing_file(tmp_path):
    with pytest.raises(ValueError, match=r"\[GNER-E303\]"):
        read_predictions(_write(tmp_path / "p.jsonl", []))
    with pytest.raises(ValueError, match=r"\[GNER-E305\].*no such file: .*no\.jsonl\.$"):
        read_predictions(tmp_path / "no.jsonl")
    (tmp_path / "p.jsonl").write_text("[1]\n")
    with pytest.raises(ValueError, match=r"\[GNER-E309\]"):
        read_predictions(tmp_path / "p.jsonl")


def test_read_predictions_reads_a_list_gzipped_and_gold_in_bioes(tmp_path):
    gold = {"words": ["Marie", "Curie", "in"], "labels": ["B-person", "E-person", "O"]}
    line = {**_line(prediction="Marie(B-person) Curie(I-person)"), "instance": gold}
    path = tmp_path / "p.json.gz"
    path.write_bytes(gzip.compress(json.dumps([line, line]).encode()))
    first, _ = read_predictions(path)["x"]
    assert first.gold == first.predicted == (Mention(0, 2, "person"),)


def test_read_predictions_skips_broken_lines_when_told(tmp_path):
    lines = [
        json.dumps(_line()),
        "{no json",
        "[" * 100_000,
        json.dumps(_line()),
        json.dumps(_line()),
    ]
    path = tmp_path / "p.jsonl"
    path.write_text("\n".join(lines))
    with pytest.raises(ValueError, match=r"\[GNER-E249\].*p.jsonl:2"):
        read_predictions(path)
    assert len(read_predictions(path, Selection(on_error="skip"))["x"]) == 3
    path.write_text("\n".join(lines[:3]))
    with pytest.raises(ValueError, match=r"\[GNER-E228\]"):
        read_predictions(path, Selection(on_error="skip"))


ALL_FORMATS = [BIO(), BIOES(), SingleRound(), MultiRound(), Guidelines()]


@pytest.mark.parametrize("form", ALL_FORMATS, ids=lambda form: form.name)
def test_read_predictions_reads_every_format(tmp_path, form):
    words = ["Marie", "Curie", "in", "Paris"]
    spans = [(0, 2, "person"), (3, 4, "city")]
    instance = {"words": words, "labels": ["B-person", "I-person", "O", "B-city"]}
    lines = []
    for labels in (
        [["person", "city"]] if form.labels_per_prompt is None else [["person"], ["city"]]
    ):
        asked = [span for span in spans if span[2] in labels]
        line = {"dataset": "x", "label_list": labels, "instance": instance}
        lines.append({**line, "prediction": form.write(words, asked, labels)})
    # The same sentence again is another sentence.
    path = _write(tmp_path / "p.jsonl", lines * 2)
    read = read_predictions(path, reading=Reading(form))["x"]
    assert len(read) == 2
    for sentence in read:
        assert sentence.labels == ("person", "city")
        assert sentence.gold == sentence.predicted == tuple(Mention(*span) for span in spans)
        assert len(sentence.outputs) == len(lines)
