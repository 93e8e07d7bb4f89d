"""What offsets count: characters, or the 16-bit units in which JavaScript holds a text."""

from collections.abc import Sequence
from itertools import accumulate

from ...errors import Errors
from ..document import TextSpan
from ..read_report import CorpusError


def in_characters(text: str, spans: Sequence[TextSpan]) -> list[TextSpan]:
    """Turn offsets that count UTF-16 units into offsets that count characters.

    text (str): The text.
    spans (Sequence[TextSpan]): Its entities, by UTF-16 units.
    RETURNS (list[TextSpan]): The same by characters; an offset inside of a character, or outside
        the text, becomes one outside the text.
    """
    position = {unit: i for i, unit in enumerate(_units(text))}
    outside = len(text) + 1
    return [
        span._replace(start=position.get(span.start, outside), end=position.get(span.end, outside))
        for span in spans
    ]


def in_units(text: str, spans: Sequence[TextSpan]) -> list[TextSpan]:
    """RETURNS (list[TextSpan]): Entities whose offsets count UTF-16 units instead of characters."""
    units = _units(text)
    return [span._replace(start=units[span.start], end=units[span.end]) for span in spans]


def _units(text: str) -> list[int]:
    """RETURNS (list[int]): Where each character begins in UTF-16 units, and where the text ends."""
    return list(accumulate((1 + (ord(char) > 0xFFFF) for char in text), initial=0))


def fit_offsets(
    text: str, found: Sequence[tuple[TextSpan, str | None]], place: str
) -> list[TextSpan]:
    """Find out what the offsets of a file count, in a text where that makes a difference.

    Annotation tools that run in a browser count UTF-16 units, so that all offsets behind an emoji
    are one too many. Where a file says what its entities read, that decides; else the offsets
    count characters, unless they cut through words and would not by units.

    text (str): The text.
    found (Sequence[tuple[TextSpan, str | None]]): Its entities, and what each reads according to
        the file; None if it does not say.
    place (str): File and line, for the error.
    RETURNS (list[TextSpan]): Their offsets count characters.
    RAISES (CorpusError): E232 for an entity that reads otherwise, whatever the offsets count.
    """
    spans, mentions = [span for span, _ in found], [mention for _, mention in found]
    # Emoji, for example, take two units.
    by_units = in_characters(text, spans) if any(char > "\uffff" for char in text) else spans
    wrong = _first_wrong(text, spans, mentions)
    if wrong is None and by_units is not spans and not any(mentions):
        if not _all_clean(text, spans) and _all_clean(text, by_units):
            return by_units
    if wrong is None:
        return spans
    if by_units is not spans and _first_wrong(text, by_units, mentions) is None:
        return by_units
    span, mention = wrong
    there = text[max(0, span.start) : max(0, span.end)]
    error = f"{mention!r} is not what stands at {span.start} to {span.end}: {there!r}"
    raise CorpusError(Errors.E232.format(place=place, error=error))


def _first_wrong(
    text: str, spans: Sequence[TextSpan], mentions: Sequence[str | None]
) -> tuple[TextSpan, str] | None:
    for span, mention in zip(spans, mentions, strict=True):
        if mention is not None and _bare(text[span.start : span.end]) != _bare(mention):
            return span, mention
    return None


def _bare(mention: str) -> str:
    # Tools differ in what they make of line ends and of white space at the ends.
    return "".join(mention.split()).casefold()


def _all_clean(text: str, spans: Sequence[TextSpan]) -> bool:
    """Whether all entities lie in the text and neither start nor end inside a word."""
    return all(
        0 <= start < end <= len(text)
        and not text[start].isspace()
        and not text[end - 1].isspace()
        and not (text[start - 1 : start].isalnum() and text[start].isalnum())
        and not (text[end - 1].isalnum() and text[end : end + 1].isalnum())
        for start, end, _, _ in spans
    )
