import pytest

from spacy_gner.cli.annotate import _Run
from spacy_gner.pipeline import loading

from .dictionary import make_pipeline


@pytest.fixture
def model(monkeypatch):
    """What `annotate` loads, a dictionary; a test may replace the component."""
    made = {"nlp": make_pipeline(), "n_loads": 0}

    def load(*arguments, **options):
        made["n_loads"] += 1
        return made["nlp"][0]

    monkeypatch.setattr(loading, "load", load)
    monkeypatch.setattr(loading, "find_component", lambda nlp: made["nlp"][1])
    # A dictionary has no decoder, whose windows could be counted.
    monkeypatch.setattr(_Run, "_count_words", lambda run, bar: None)
    return made
