"""Docs with nested entities, in a span group, for the tests of training."""

from spacy.tokens import Doc, Span

from .examples import NLP

GROUP = "entities"
NESTED_LABELS = ("organization", "country", "city")
SENTENCES = (
    ("The Bank of China grew", [(1, 4, "organization"), (3, 4, "country")]),
    ("the University of Paris", [(1, 4, "organization"), (3, 4, "city")]),
    ("Bank of London in China", [(0, 3, "organization"), (2, 3, "city"), (4, 5, "country")]),
    ("London and China met", [(0, 1, "city"), (2, 3, "country")]),
    ("the bank grew", []),
)


def nested_docs() -> list[Doc]:
    """RETURNS (list[Doc]): All sentences; `doc.ents` are not set."""
    docs = []
    for text, entities in SENTENCES:
        doc = Doc(NLP.vocab, words=text.split())
        spans = [Span(doc, start, end, label) for start, end, label in entities]
        doc.spans[GROUP] = spans
        doc._.gner_labels = list(NESTED_LABELS)
        docs.append(doc)
    return docs
