"""brat: a text in NAME.txt, its entities in NAME.ann."""

import itertools
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from ...errors import Errors
from ..document import Document, TextSpan, known_origin
from ..files import decode, plain_name
from ..read_report import CorpusError
from ..source import Source
from .options import ReadOptions, Results

Number = TypeVar("Number", int, float)

SUFFIX = ".ann"
# Files beside the pairs: how types are shown, and what `annotate` knows of its documents.
TYPES_FILE = "visual.conf"
DOCUMENTS_FILE = "documents.conf"
_ENTITY = re.compile(r"(T\S*)\t(\S+) (\d+ \d+(?:;\d+ \d+)*)(?:\t.*)?", re.DOTALL)
_NOTE = re.compile(r"#\S*\tAnnotatorNotes (T\S*)\tscore=([\d.]+)")
_TYPE = re.compile(r"(\S+) \| ([^|]*[^|\s])\s*")


def text_file(path: Path) -> Path | None:
    """RETURNS (Path | None): The .txt file of an .ann file (either may be gzipped), or None."""
    stem = path.name[: len(plain_name(path)) - len(SUFFIX)]
    candidates = (path.with_name(stem + end) for end in (".txt", ".txt.gz"))
    return next((file for file in candidates if file.is_file()), None)


def read_brat(source: Source, options: ReadOptions) -> Results:
    """Read a text of brat with its entities.

    An entity of several parts is one entity where only white space lies between the parts (so
    brat writes those that run over line ends). Others are left out and counted, and their words
    count as not annotated.

    source (Source): The .ann file, or the .txt file beside it.
    options (ReadOptions): Not needed.
    YIELDS (Document): The one document.
    RAISES (CorpusError): E232, E233, and what reading the files raises.
    """
    path = source.path
    if source.suffix != SUFFIX:
        path = path.with_name(path.name[: -len(source.suffix)] + SUFFIX)
    texts = text_file(path)
    if texts is None:
        raise CorpusError(Errors.E233.format(path=path))
    # Offsets count the characters of the file, line ends included.
    text = Source(texts, source.encoding).read_text()
    names = _type_names(path.parent)
    entities: dict[str, TextSpan] = {}
    missing: list[tuple[int, int]] = []
    n_discontinuous = 0
    for number, line in Source(path, source.encoding).lines():
        place = f"{path}:{number}"
        content = decode(line, place)
        if match := _NOTE.fullmatch(content):
            if match[1] in entities:
                span = entities[match[1]]
                entities[match[1]] = span._replace(score=_number(float, match[2], place))
            continue
        if not content.startswith("T"):
            continue  # relations, events, attributes, notes
        match = _ENTITY.fullmatch(content)
        if match is None:
            error = f"{content[:80]!r} is not an entity of brat"
            raise CorpusError(Errors.E232.format(place=place, error=error))
        numbers = [_number(int, number, place) for number in re.split("[ ;]", match[3])]
        parts = list(zip(numbers[::2], numbers[1::2], strict=True))
        if any(
            right < left or text[left:right].strip()
            for (_, left), (right, _) in itertools.pairwise(parts)
        ):
            n_discontinuous += 1
            missing.extend(parts)
            continue
        label = names.get(match[2], match[2])
        entities[match[1]] = TextSpan(parts[0][0], parts[-1][1], label)
    yield Document(
        text,
        list(entities.values()),
        str(path),
        missing=missing,
        n_discontinuous=n_discontinuous,
        **_origin(path, source),
    )


def _number(read: Callable[[str], Number], text: str, place: str) -> Number:
    try:
        return read(text)
    # Two points, or thousands of digits.
    except ValueError as error:
        raise CorpusError(Errors.E232.format(place=place, error=error)) from None


def _type_names(folder: Path) -> dict[str, str]:
    """RETURNS (dict[str, str]): Types, which have no blanks, to the names that brat shows."""
    file = folder / TYPES_FILE
    if not file.is_file():
        return {}
    lines = file.read_text(encoding="utf8", errors="replace").splitlines()
    return {match[1]: match[2] for line in lines if (match := _TYPE.fullmatch(line))}


def _origin(path: Path, source: Source) -> dict[str, Any]:
    try:
        documents = json.loads((path.parent / DOCUMENTS_FILE).read_text(encoding="utf8"))
        own = known_origin(documents[path.name.split(SUFFIX)[0]])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        own = None
    return own or {"source": str(path), "line": 1}
