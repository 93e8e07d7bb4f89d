import pytest
from hypothesis import given, settings

from spacy_gner.evaluation.records import (
    Mention,
    ScoredSentence,
    raw_output,
    sentence_from_json,
    sentence_to_json,
)
from spacy_gner.evaluation.store import PredictionStore, fingerprint, load_predictions

from .strategies import sentences

# A word that only an escape can write to a file.
HALF = ScoredSentence(("\ud800",), ("city",), ())
SENTENCE = ScoredSentence(
    ("in", "\n", "Zürich"),
    ("city",),
    (Mention(2, 3, "city"),),
    (Mention(2, 3, "city"),),
    (0.5,),
    (
        raw_output(
            ("in", "Zürich"),
            ("town",),
            "in(O) Zürich(B-town)",
            complete=False,
            forward_passes=3,
            forks=2,
            cut_short=True,
            log_prob=-0.5,
        ),
    ),
    0.25,
)


@settings(max_examples=100)
@given(sentences())
def test_sentence_json_is_lossless(sentence):
    assert sentence_from_json(sentence_to_json(sentence)) == sentence
    assert sentence_from_json(sentence_to_json(SENTENCE)) == SENTENCE


def test_store_remembers(tmp_path):
    path = tmp_path / "deep" / "predictions.jsonl"
    PredictionStore(path, {"a": 1}).add("x", {4: SENTENCE})
    PredictionStore(path, {"a": 1}).add("x", {5: HALF})
    again = PredictionStore(path, {"a": 1})
    assert again.done == {("x", 4): SENTENCE, ("x", 5): HALF}
    assert again.kept_as is None


def test_store_starts_afresh_when_the_configuration_changed(tmp_path):
    path = tmp_path / "predictions.jsonl"
    PredictionStore(path, {"a": 1}).add("x", {0: SENTENCE})
    changed = PredictionStore(path, {"a": 2})
    assert changed.done == {} and changed.kept_as == tmp_path / "predictions-1.jsonl"
    assert PredictionStore(path, {"a": 2}).kept_as is None
    # Nothing of an earlier run is lost.
    assert PredictionStore(changed.kept_as, {"a": 1}).done == {("x", 0): SENTENCE}
    assert PredictionStore(path, {"a": 3}).kept_as == tmp_path / "predictions-2.jsonl"


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
    assert store.done == {} and store.kept_as.read_text() == "something else\n"


def test_fingerprint_does_not_depend_on_the_order_of_keys():
    assert fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})
    assert fingerprint({"a": 1}) != fingerprint({"a": 2})


def test_predictions_of_a_finished_run_can_be_read(tmp_path):
    store = PredictionStore(tmp_path / "predictions.jsonl", {})
    store.add("x", {1: SENTENCE})
    store.add("x", {0: ScoredSentence(("Rome",), ("city",), ())})
    read = load_predictions(tmp_path)
    assert [sentence.words[0] for sentence in read["x"]] == ["Rome", "in"]
    assert read["x"][1] == SENTENCE


@pytest.mark.parametrize("content", ["", "{}\n", '{"fingerprint": ""}\n[]\n', "[" * 100_000 + "\n"])
def test_what_is_no_file_of_predictions_is_named(tmp_path, content):
    (tmp_path / "predictions.jsonl").write_text(content)
    with pytest.raises(ValueError, match=r"\[GNER-E310\]"):
        load_predictions(tmp_path)


def test_store_replaces_json_that_is_nested_too_deep(tmp_path):
    path = tmp_path / "predictions.jsonl"
    path.write_text("[" * 100_000 + "]" * 100_000 + "\n")
    assert PredictionStore(path, {}).kept_as is not None
