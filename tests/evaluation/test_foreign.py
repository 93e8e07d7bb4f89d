import json

import pytest

from spacy_gner.evaluation.foreign import read_predictions
from spacy_gner.evaluation.records import Mention
from spacy_gner.evaluation.repair import Reading


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
    sentence = read_predictions(_write(tmp_path / "p.jsonl", [_line()]), ["city"])["x"][0]
    assert sentence.gold == sentence.predicted == (Mention(0, 1, "person"),)


def test_read_predictions_takes_other_names(tmp_path):
    path = _write(tmp_path / "p.jsonl", [_line()])
    names = {"person": "human", "city": "place"}
    sentence = read_predictions(path, ["place"], label_names=names)["x"][0]
    assert sentence.labels == ("human",)
    assert sentence.gold == sentence.predicted == (Mention(0, 1, "human"),)


def test_read_predictions_draws_as_for_data(tmp_path):
    lines = [_line(prediction=f"Marie(B-person) {i}") for i in range(30)]
    path = _write(tmp_path / "p.jsonl", lines)
    drawn = [s.outputs[0].text for s in read_predictions(path, limit=5, seed=1)["x"]]
    assert drawn == [s.outputs[0].text for s in read_predictions(path, limit=5, seed=1)["x"]]
    assert drawn != [s.outputs[0].text for s in read_predictions(path, limit=5, seed=2)["x"]]


def test_read_predictions_limits_each_data_set(tmp_path):
    path = _write(tmp_path / "p.jsonl", [_line(), _line(), _line("y")])
    assert [len(part) for part in read_predictions(path, limit=1).values()] == [1, 1]


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
        ({"instance": {"words": ["x"], "labels": ["S-city"]}}, "E301"),
        ({"instance": {"words": ["x"], "labels": ["city"]}}, "E302"),
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
    with pytest.raises(ValueError, match=r"\[GNER-E305\]"):
        read_predictions(tmp_path / "no.jsonl")
    (tmp_path / "p.jsonl").write_text("[1]\n")
    with pytest.raises(ValueError, match=r"\[GNER-E309\]"):
        read_predictions(tmp_path / "p.jsonl")
