import pytest

from spacy_gner.evaluation.data import DataSet
from spacy_gner.evaluation.predict import run_predictions
from spacy_gner.evaluation.records import Mention, ScoredSentence
from spacy_gner.evaluation.store import PredictionStore

from .dictionary import DictionaryPredictor

ENTRIES = {"Paris": "city", "Rome": "city", "Curie": "person"}


def _datasets(n=10):
    labels = ("city",)
    one = [
        ScoredSentence(("in",) * i + ("Paris",), labels, (Mention(i, i + 1, "city"),))
        for i in range(n, 0, -1)
    ]
    two = [ScoredSentence(("Curie",), ("city", "person"), (Mention(0, 1, "person"),))]
    return [DataSet("one", tuple(one), ("city",)), DataSet("two", tuple(two), ("city", "person"))]


def test_run_predictions_keeps_the_order_of_the_data(tmp_path):
    datasets = _datasets()
    store = PredictionStore(tmp_path / "p.jsonl", {})
    results = run_predictions(datasets, DictionaryPredictor(ENTRIES), store, 3, progress=False)
    for dataset in datasets:
        assert [s.words for s in results[dataset.name]] == [s.words for s in dataset.sentences]
        assert all(s.predicted == s.gold for s in results[dataset.name])
    first = results["one"][0]
    assert first.scores == (0.75,)
    assert first.outputs[0].generation.text.endswith("Paris(B-city)")
    assert first.outputs[0].generation.forward_passes == 2
    assert first.outputs[0].generation.cut_short is True


def test_run_predictions_continues_where_it_stopped(tmp_path):
    path = tmp_path / "p.jsonl"
    stopped = DictionaryPredictor(ENTRIES, stop_after=2)
    with pytest.raises(KeyboardInterrupt):
        run_predictions(_datasets(), stopped, PredictionStore(path, {}), 3, progress=False)
    again = DictionaryPredictor(ENTRIES)
    results = run_predictions(_datasets(), again, PredictionStore(path, {}), 3, progress=False)
    assert stopped.n_sentences == 6
    assert again.n_sentences == 11 - 6
    whole = PredictionStore(tmp_path / "whole.jsonl", {})
    at_once = run_predictions(_datasets(), DictionaryPredictor(ENTRIES), whole, progress=False)
    assert [s.predicted for s in results["one"]] == [s.predicted for s in at_once["one"]]


def test_run_predictions_shows_progress_on_stderr(tmp_path, capsys):
    store = PredictionStore(tmp_path / "p.jsonl", {})
    run_predictions(_datasets(), DictionaryPredictor(ENTRIES), store)
    captured = capsys.readouterr()
    assert "11/11" in captured.err and captured.out == ""


def test_run_predictions_refuses_a_predictor_that_loses_sentences(tmp_path):
    predict = DictionaryPredictor(ENTRIES)
    store = PredictionStore(tmp_path / "p.jsonl", {})
    with pytest.raises(ValueError, match=r"\[GNER-E308\]"):
        run_predictions(_datasets(), lambda asked: predict(asked)[1:], store, progress=False)
