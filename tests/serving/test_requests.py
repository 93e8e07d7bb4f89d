"""Definitions that come with a request: in force for its own texts, and for no others."""

import spacy

from spacy_gner.errors import Errors
from spacy_gner.pipeline.loading import find_component
from spacy_gner.serving.requests import RequestAnnotator


class Recorder:
    """Stands for an Annotator: notes which definitions its pipeline had for each text."""

    def __init__(self):
        self.nlp = spacy.blank("en")
        config = {
            "labels": ["person"],
            "label_definitions": {"person": "a human being"},
            "threshold": 0.3,
        }
        self.nlp.add_pipe("gner", config=config)
        self.component = find_component(self.nlp)
        self.seen = []

    def __call__(self, batch):
        definitions = dict(self.component.label_definitions)
        self.seen.append((list(batch["text"]), definitions))
        if "crash" in batch["text"]:
            raise RuntimeError("out of memory")
        n_rows = len(batch["text"])
        return {**batch, "entities": [[text] for text in batch["text"]], "error": [None] * n_rows}


def batch(texts, definitions):
    return {"text": texts, "gner_labels": [None] * len(texts), "gner_definitions": definitions}


USUAL = {"person": "a human being"}


def test_threshold_is_left_to_the_server():
    recorder = Recorder()
    assert RequestAnnotator(recorder).threshold == 0.3
    assert recorder.component.threshold is None


def test_rows_without_definitions_are_one_call():
    recorder = Recorder()
    found = RequestAnnotator(recorder)(batch(["a", "b"], [None, None]))
    assert recorder.seen == [(["a", "b"], USUAL)]
    assert found["entities"] == [["a"], ["b"]]
    assert "gner_definitions" not in found


def test_each_row_has_its_own_definitions_and_keeps_its_place():
    recorder = Recorder()
    own = {"person": "somebody in a film"}
    found = RequestAnnotator(recorder)(batch(["a", "b", "c"], [own, None, dict(own)]))
    assert recorder.seen == [(["a", "c"], own), (["b"], USUAL)]
    assert found["entities"] == [["a"], ["b"], ["c"]]
    assert dict(recorder.component.label_definitions) == USUAL


def test_definition_that_cannot_be_is_an_error_of_its_row():
    recorder = Recorder()
    found = RequestAnnotator(recorder)(batch(["a", "b"], [{"person": "  "}, None]))
    assert found["error"][0].startswith("[GNER-") and found["error"][1] is None
    assert found["entities"] == [[], ["b"]]
    assert dict(recorder.component.label_definitions) == USUAL


def test_failure_leaves_the_pipeline_as_it_was():
    recorder = Recorder()
    try:
        RequestAnnotator(recorder)(batch(["crash"], [{"person": "x"}]))
    except RuntimeError as error:
        assert "memory" in str(error)
    else:
        raise AssertionError(Errors.E609)
    assert dict(recorder.component.label_definitions) == USUAL
