"""A pipeline that finds entities in a dictionary, in place of a model."""

from types import SimpleNamespace

import spacy
from spacy.tokens import Span

from spacy_gner.extensions import register_extensions

ENTITIES = {
    "Marie Curie": "person",
    "Ada": "person",
    "New\nYork": "city",
    "Paris": "city",
    "Zürich": "city",
    "Rome": "city",
}


class Dictionary:
    """Stands in for the component: finds `ENTITIES`, fails where a text says so."""

    set_ents = True
    spans_key = None
    planner = None
    labels = ("person", "city")

    def __init__(self, nlp, fails_after=None):
        self.nlp = nlp
        self.fails_after = fails_after
        self.texts = []

    def __call__(self, doc):
        if self.fails_after is not None and len(self.texts) >= self.fails_after:
            raise KeyboardInterrupt
        self.texts.append(doc.text)
        if "FAIL" in doc.text:
            raise ValueError("this text fails")
        spans = []
        for name, label in ENTITIES.items():
            start = doc.text.find(name)
            span = doc.char_span(start, start + len(name), label=label) if start >= 0 else None
            if span is not None:
                spans.append(span)
        doc.set_ents([Span(doc, s.start, s.end, label=s.label) for s in spans])
        for ent in doc.ents:
            ent._.gner_score = 0.875
        return doc

    def pipe(self, stream, batch_size):
        handler = self.nlp.default_error_handler
        for doc in stream:
            try:
                yield self(doc)
            except ValueError as error:
                handler("gner", self, [doc], error)


def make_pipeline(fails_after=None):
    """RETURNS (tuple): The pipeline and its component."""
    register_extensions()
    nlp = spacy.blank("en")
    component = Dictionary(nlp, fails_after)

    def pipe(texts, as_tuples, batch_size):
        def docs():
            for doc, context in texts:
                doc._context = context
                yield doc

        for doc in component.pipe(docs(), batch_size):
            yield doc, doc._context

    handlers = SimpleNamespace(handler=None)

    def set_error_handler(handler):
        handlers.handler = handler
        nlp.default_error_handler = handler

    fake = SimpleNamespace(
        pipe=pipe, make_doc=nlp.make_doc, vocab=nlp.vocab, set_error_handler=set_error_handler
    )
    nlp.default_error_handler = None
    return fake, component
