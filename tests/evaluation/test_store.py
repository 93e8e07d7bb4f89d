import pytest
from hypothesis import given, settings

from spacy_gner.evaluation.records import Mention, RawOutput, ScoredSentence
from spacy_gner.evaluation.store import (
    PredictionStore,
    fingerprint,
    sentence_from_json,
    sentence_to_json,
)

from .strategies import sentences

SENTENCE = ScoredSentence(
    ("in", "\n", "Zürich"),
    ("city",),
    (Mention(2, 3, "city"),),
    (Mention(2, 3, "city"),),
    (0.5,),
    (RawOutput(("in", "Zürich"), "in(O) Zürich(B-town)", False, 3.0, ("town",)),),
    0.25,
)


@settings(deadline=None, max_examples=100)
@given(sentences())
def test_sentence_json_is_lossless(sentence):
    assert sentence_from_json(sentence_to_json(sentence)) == sentence
    assert sentence_from_json(sentence_to_json(SENTENCE)) == SENTENCE


def test_store_remembers(tmp_path):
    path = tmp_path / "deep" / "predictions.jsonl"
    PredictionStore(path, {"a": 1}).add("x", {4: SENTENCE})
    again = PredictionStore(path, {"a": 1})
    assert again.done == {("x", 4): SENTENCE}
    assert not again.replaced


def test_store_starts_afresh_when_the_configuration_changed(tmp_path):
    path = tmp_path / "predictions.jsonl"
    PredictionStore(path, {"a": 1}).add("x", {0: SENTENCE})
    changed = PredictionStore(path, {"a": 2})
    assert changed.done == {} and changed.replaced
    assert not PredictionStore(path, {"a": 2}).replaced


@pytest.mark.parametrize("n_bytes", [1, 20, 60])
def test_store_drops_a_line_that_was_cut_off(tmp_path, n_bytes):
    path = tmp_path / "predictions.jsonl"
    PredictionStore(path, {}).add("x", {0: SENTENCE, 1: SENTENCE})
    path.write_bytes(path.read_bytes()[:-n_bytes])
    store = PredictionStore(path, {})
    assert set(store.done) == {("x", 0)}
    store.add("x", {1: SENTENCE})
    assert set(PredictionStore(path, {}).done) == {("x", 0), ("x", 1)}


def test_store_replaces_what_is_no_store(tmp_path):
    path = tmp_path / "predictions.jsonl"
    path.write_text("something else\n")
    store = PredictionStore(path, {})
    assert store.done == {} and store.replaced


def test_fingerprint_does_not_depend_on_the_order_of_keys():
    assert fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})
    assert fingerprint({"a": 1}) != fingerprint({"a": 2})
