"""PubTator: title and abstract of an article, then its entities by offset."""

import re

from ...errors import Errors
from ..document import Document, TextSpan
from ..files import decode
from ..read_report import CorpusError
from ..source import Source
from .options import ReadOptions, Results

_PART = re.compile(r"(\w+)\|([ta])\|(.*)", re.DOTALL)


def is_pubtator(head: bytes) -> bool:
    """Whether a file begins as PubTator does: number, "|t|", title."""
    return re.match(rb"\s*\w+\|t\|", head) is not None


def read_pubtator(source: Source, options: ReadOptions) -> Results:
    """Read PubTator. The text is title and abstract, joined by a blank; of an article without
    abstract, the title. Lines of relations are passed over.

    source (Source): The file.
    options (ReadOptions): Not needed.
    YIELDS (Document | CorpusError): An article.
    """
    return (_read(source, block) for block in source.blocks())


def _read(source: Source, block: list[tuple[int, bytes]]) -> Document | CorpusError:
    parts: dict[str, str] = {}
    entities: list[tuple[str, TextSpan, str]] = []
    first = f"{source.name}:{block[0][0]}"
    identifier = ""
    try:
        for number, raw in block:
            place = f"{source.name}:{number}"
            line = decode(raw, place)
            if match := _PART.fullmatch(line):
                identifier, part, content = match.groups()
                parts[part] = content
                continue
            cells = line.split("\t")
            if len(cells) < 5 or not cells[1].isdecimal():
                continue  # relations
            try:
                start, end = int(cells[1]), int(cells[2])
            # No number, or one of thousands of digits.
            except ValueError as error:
                raise CorpusError(Errors.E232.format(place=place, error=error)) from None
            entities.append((place, TextSpan(start, end, cells[4]), cells[3]))
        if "t" not in parts:
            raise CorpusError(Errors.E232.format(place=first, error="no title"))
        text = " ".join(parts[part] for part in ("t", "a") if part in parts)
        for place, (start, end, *_), mention in entities:
            if text[start:end] != mention:
                reason = f"{mention!r} is not what stands at {start} to {end}: {text[start:end]!r}"
                raise CorpusError(Errors.E232.format(place=place, error=reason))
    except CorpusError as error:
        return error
    return Document(
        text,
        [span for _, span, _ in entities],
        first,
        source=source.name,
        line=block[0][0],
        meta={"id": identifier},
    )
