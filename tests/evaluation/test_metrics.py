import json

import pytest

from spacy_gner.evaluation.metrics import load_metrics, save_metrics
from spacy_gner.evaluation.records import sentence_from_json

from .results import make_metrics


def test_metrics_survive_the_file(tmp_path):
    metrics = make_metrics(seen=["city"])
    save_metrics(metrics, tmp_path / "metrics.json")
    expected = json.loads(json.dumps(metrics))
    assert load_metrics(tmp_path) == load_metrics(tmp_path / "metrics.json") == expected


def test_metrics_hold_the_sentences():
    dataset = make_metrics()["datasets"][0]
    sentence = sentence_from_json(dataset["sentences"][0])
    assert sentence.gold == sentence.predicted == ((1, 2, "city"),)
    assert dataset["sentences"][0]["predicted"] == [[1, 2, "city", 0.8]]
    assert dataset["strict"]["p"] == 0.5 and dataset["strict"]["r"] == 2 / 6


@pytest.mark.parametrize("content", ["", "[]", "{}", json.dumps({"format": 99}), "[" * 100_000])
def test_load_metrics_names_what_is_no_result(tmp_path, content):
    (tmp_path / "metrics.json").write_text(content)
    with pytest.raises(ValueError, match=r"\[GNER-E310\]"):
        load_metrics(tmp_path)
    with pytest.raises(ValueError, match=r"\[GNER-E310\]"):
        load_metrics(tmp_path / "nothing.json")
