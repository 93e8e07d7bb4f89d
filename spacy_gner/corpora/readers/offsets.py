"""Items with a text and character offsets: doccano, Prodigy, spaCy, and what `annotate` writes."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ...errors import Errors
from ..document import Document, TextSpan, known_origin
from ..read_report import CorpusError
from .options import ReadOptions
from .units import fit_offsets, in_characters

TEXT_FIELDS = ("text", "content", "sentence", "data")
# doccano: label, labels, entities; Prodigy: spans; Label Studio's short form: label, ner.
_ENTITY_FIELDS = ("entities", "spans", "ents", "labels", "label", "ner", "annotations")
_START = ("start", "start_offset", "begin", "start_char")
_END = ("end", "end_offset", "end_char")
_LABEL = ("label", "labels", "type", "tag", "entity", "entity_group")
_REJECTED = ("reject", "ignore")
# Labels that a document is asked for, instead of those of the run or of the corpus.
LABELS_FIELD = "gner_labels"
# Where doccano has its entities. It counts UTF-16 units, so `annotate` does too for it.
DOCCANO_FIELD = "label"


def is_offsets(item: Any) -> bool:
    """Whether an item is a text with entities by offset: an object, or spaCy's pair."""
    if isinstance(item, Sequence) and not isinstance(item, str):
        return len(item) == 2 and isinstance(item[0], str) and isinstance(item[1], Mapping)
    return isinstance(item, Mapping) and find_text(item) is not None and _has_entities(item)


def find_text(item: Mapping[str, Any]) -> str | None:
    """RETURNS (str | None): The field of an item that holds its text."""
    return next((key for key in TEXT_FIELDS if isinstance(item.get(key), str)), None)


def _has_entities(item: Mapping[str, Any]) -> bool:
    return any(_decoded(item.get(key)) is not None for key in _ENTITY_FIELDS)


def read_offsets(item: Any, place: str, options: ReadOptions) -> Document | None:
    """Read an item with a text and character offsets.

    item (Any): An object with a text and a list of entities, each of which is start, end and
        label, or an object with these; or spaCy's pair of a text and `{"entities": [...]}`.
    place (str): File and line, for the errors.
    options (ReadOptions): Not needed.
    RETURNS (Document | None): The document; None for one that Prodigy's user rejected or ignored.
    RAISES (CorpusError): E232 for another form.
    """
    if isinstance(item, Sequence) and not isinstance(item, str) and is_offsets(item):
        item = {"text": item[0], **item[1]}
    if not isinstance(item, Mapping):
        raise CorpusError(Errors.E232.format(place=place, error="not an object, nor a pair"))
    if item.get("answer") in _REJECTED:
        return None
    text_field = find_text(item)
    if text_field is None:
        raise CorpusError(Errors.E232.format(place=place, error="no text"))
    field = next((key for key in _ENTITY_FIELDS if _decoded(item.get(key)) is not None), None)
    if field is None:
        error = f"no list of entities (found: {sorted(map(str, item))})"
        raise CorpusError(Errors.E232.format(place=place, error=error))
    text, members = item[text_field], _decoded(item[field]) or []
    found = list(_spans(members, place))
    if field == DOCCANO_FIELD and known_origin(item) is not None:
        # Written for doccano by `annotate`.
        entities = in_characters(text, [span for span, _ in found])
    else:
        entities = fit_offsets(text, found, place)
    meta = {key: value for key, value in item.items() if key not in (text_field, field)}
    labels = meta.pop(LABELS_FIELD, None)
    return Document(
        text,
        entities,
        place,
        labels=labels if isinstance(labels, list | dict) else None,
        **read_origin(meta),
    )


def read_origin(fields: dict[str, Any]) -> dict[str, Any]:
    """Find out where a document came from.

    fields (dict[str, Any]): What an item has beside text and entities.
    RETURNS (dict): Source, line and metadata, where `annotate` wrote them; else all as metadata.
    """
    # Prodigy shows what stands in "meta", so it is kept there.
    return known_origin(fields) or known_origin(fields.get("meta")) or {"meta": fields}


def _spans(members: Sequence[Any], place: str) -> Iterator[tuple[TextSpan, str | None]]:
    """YIELDS (tuple[TextSpan, str | None]): Entities, and what they read."""
    for member in members:
        try:
            start, end, label, score = _parts(member)
        except (TypeError, ValueError, StopIteration):
            start = end = label = score = None
        # Not isinstance: a bool is no offset.
        if type(start) is not int or type(end) is not int or not isinstance(label, str):
            error = f"{member!r} is not start, end and label of an entity"
            raise CorpusError(Errors.E232.format(place=place, error=error))
        span = TextSpan(start, end, label, score if isinstance(score, float | int) else None)
        mention = member.get("text") if isinstance(member, dict) else None
        yield span, mention if isinstance(mention, str) else None


def _parts(member: Any) -> tuple[Any, Any, Any, Any]:
    if isinstance(member, Mapping):
        start = next(member[key] for key in _START if key in member)
        end = next(member[key] for key in _END if key in member)
        label = next(member[key] for key in _LABEL if key in member)
        if isinstance(label, list):
            (label,) = label
        return start, end, label, member.get("score")
    start, end, label = member[:3]
    return start, end, label, None


def _decoded(value: Any) -> list[Any] | None:
    """RETURNS (list | None): A list, also where a table keeps it as JSON; None for anything else,
    as for a list of names such as the labels of a whole text."""
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return None
    if not isinstance(value, list) or any(isinstance(member, str) for member in value):
        return None
    return value
