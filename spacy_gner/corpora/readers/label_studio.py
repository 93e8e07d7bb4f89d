"""Tasks of Label Studio: annotations by people, else predictions."""

from collections.abc import Iterator, Mapping
from typing import Any

from ...errors import Errors
from ..document import Document, TextSpan
from ..read_report import CorpusError
from .offsets import find_text, read_origin
from .options import ReadOptions
from .units import fit_offsets


def is_label_studio(item: Any) -> bool:
    """Whether an item is a task of Label Studio."""
    return (
        isinstance(item, Mapping)
        and isinstance(item.get("data"), Mapping)
        and ("annotations" in item or "predictions" in item or "completions" in item)
    )


def read_label_studio(item: Any, place: str, options: ReadOptions) -> Document | None:
    """Read a task of Label Studio. Of several annotations the first that was not canceled
    counts; without any, the first prediction.

    item (Any): The decoded JSON.
    place (str): File and line, for the errors.
    options (ReadOptions): Not needed.
    RETURNS (Document | None): The document; None if its annotators skipped it.
    RAISES (CorpusError): E232 for a task without text or with results of another form.
    """
    if not is_label_studio(item):
        raise CorpusError(Errors.E232.format(place=place, error='no "data"'))
    data = item["data"]
    done = item.get("annotations") or item.get("completions") or []
    kept = [a for a in done if isinstance(a, Mapping) and not a.get("was_cancelled")]
    if done and not kept:
        return None
    answers = kept or item.get("predictions") or []
    results = answers[0].get("result", []) if answers and isinstance(answers[0], Mapping) else []
    if not isinstance(results, list):
        raise CorpusError(Errors.E232.format(place=place, error='"result" is not a list'))
    field = find_text(data)
    if field is None:
        texts = [key for key, value in data.items() if isinstance(value, str)]
        field = texts[0] if len(texts) == 1 else None
    if field is None:
        raise CorpusError(Errors.E232.format(place=place, error='no "text" in "data"'))
    meta = {key: value for key, value in data.items() if key != field}
    spans = fit_offsets(data[field], list(_spans(results, place)), place)
    return Document(data[field], spans, place, **read_origin(meta))


def _spans(results: list[Any], place: str) -> Iterator[tuple[TextSpan, str | None]]:
    """RETURNS (Iterator[tuple[TextSpan, str | None]]): Entities, and what they read."""
    for result in results:
        value = result.get("value") if isinstance(result, Mapping) else None
        if not isinstance(value, Mapping):
            raise CorpusError(Errors.E232.format(place=place, error=f"{result!r} has no value"))
        if "labels" not in value:
            continue  # choices, ratings, relations: not entities
        try:
            (label,) = value["labels"]
            span = TextSpan(int(value["start"]), int(value["end"]), label, result.get("score"))
        except (KeyError, TypeError, ValueError, OverflowError):
            error = f"{value!r} is not start, end and one label of an entity"
            raise CorpusError(Errors.E232.format(place=place, error=error)) from None
        mention = value.get("text")
        yield span, mention if isinstance(mention, str) else None
