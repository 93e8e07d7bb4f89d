"""A pipeline with a tiny model that knows a few sentences by heart."""

import pytest
import spacy

from ..models import SHORT, build_tiny_causal, build_tiny_seq2seq, overfit, prompt_of, save_tiny

LABELS = ["person", "city", "award"]
SENTENCES = [
    (
        "Marie Curie won the Nobel Prize in Paris .",
        [(0, 2, "person"), (4, 6, "award"), (7, 8, "city")],
    ),
    ("Angela Merkel lives in New York .", [(0, 2, "person"), (4, 6, "city")]),
    ("The company met on Tuesday .", []),
    ("Merkel said a city .", [(0, 1, "person")]),
    ("London won .", [(0, 1, "city")]),
]
TEXTS = [text for text, _ in SENTENCES]
# Short, so that tiny models see short prompts.
FORMAT = {"@misc": "spacy_gner.BIO.v1", **SHORT}


def gold_pairs(format):
    pairs = []
    for text, spans in SENTENCES:
        words = text.split()
        pieces = [piece.text for piece in format.target(words, spans, LABELS)]
        pairs.append((prompt_of(words, LABELS).text, pieces))
    return pairs


@pytest.fixture(scope="session", params=["causal", "seq2seq"])
def model_dir(request, tmp_path_factory):
    from spacy_gner.formats import BIO

    builders = {"causal": build_tiny_causal, "seq2seq": build_tiny_seq2seq}
    backbone = builders[request.param](hidden=64)
    overfit(backbone, gold_pairs(BIO()), steps=250)
    return save_tiny(backbone, tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="session")
def make_nlp(model_dir):
    def make(config=None, model=None, sentencizer=False, lang="en"):
        nlp = spacy.blank(lang)
        if sentencizer:
            nlp.add_pipe("sentencizer")
        settings = {
            "labels": LABELS,
            "format": FORMAT,
            "model": {
                "@architectures": "spacy_gner.Transformer.v1",
                "name": str(model_dir),
                **(model or {}),
            },
            **(config or {}),
        }
        nlp.add_pipe("gner", config=settings)
        return nlp

    return make


@pytest.fixture
def nlp(make_nlp):
    return make_nlp()


def ents(doc):
    return [(ent.text, ent.label_) for ent in doc.ents]


def spans(doc):
    return [(ent.start, ent.end, ent.label_) for ent in doc.ents]
