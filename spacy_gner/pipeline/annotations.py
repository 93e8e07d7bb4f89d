"""Predicted entities into a Doc: `doc.ents`, `doc.spans` and scores."""

from collections.abc import Mapping, Sequence
from typing import Any

from spacy.tokens import Doc, Span, SpanGroup

from .predictions import DocPrediction, Entity


def write_entities(doc: Doc, prediction: DocPrediction, settings: Mapping[str, Any]) -> None:
    """Write entities into a Doc.

    doc (Doc): The Doc, changed in place.
    prediction (DocPrediction): Its entities.
    settings (Mapping[str, Any]): "overwrite", "set_ents" and "spans_key", see `make_gner`.
    """
    # spaCy keeps extensions of spans by their boundaries, whatever the label: an entity
    # that stays must not get another's score, one that goes must not leave its own.
    stays = {(ent.start, ent.end) for ent in doc.ents}
    if settings["overwrite"] and settings["set_ents"]:
        for ent in doc.ents:
            ent._.gner_score = None
        stays = set()
    # Of several labels for the same tokens, that of `doc.ents` has its score.
    for entity in (*prediction.spans, *prediction.entities):
        if (entity.start, entity.end) not in stays:
            doc[entity.start : entity.end]._.gner_score = entity.score
    key = settings["spans_key"]
    if key is not None:
        scores = [entity.score for entity in prediction.spans]
        spans = _make_spans(doc, prediction.spans)
        doc.spans[key] = SpanGroup(doc, name=key, spans=spans, attrs={"scores": scores})
    if settings["set_ents"]:
        _set_ents(doc, _make_spans(doc, prediction.entities), settings["overwrite"])


def _make_spans(doc: Doc, entities: Sequence[Entity]) -> list[Span]:
    return [Span(doc, e.start, e.end, label=e.label) for e in entities]


def _set_ents(doc: Doc, spans: Sequence[Span], overwrite: bool) -> None:
    if overwrite:
        doc.set_ents(list(spans), default="outside")
        return
    # Entities of other components stay, and what they blocked stays blocked.
    blocked = [doc[t.i : t.i + 1] for t in doc if t.ent_iob == 3 and not t.ent_type]
    present = [ent for ent in doc.ents if ent.label]
    taken = {i for span in (*present, *blocked) for i in range(span.start, span.end)}
    new = [span for span in spans if taken.isdisjoint(range(span.start, span.end))]
    doc.set_ents([*present, *new], blocked=blocked, default="outside")
