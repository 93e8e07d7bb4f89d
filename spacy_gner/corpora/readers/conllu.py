"""CoNLL-U: entities as BIO tags in the MISC column."""

import re

from ...errors import Errors
from ..document import Document, from_words
from ..files import decode
from ..read_report import CorpusError
from ..source import Source
from ..tags import read_tags
from .columns import check_words
from .options import ReadOptions, Results

_WIDTH = 10
_FORM, _MISC = 1, 9
# The attributes that treebanks keep entity tags in: NER=B-PER, name=B-PER (NorNE), NE=B-PER.
_TAG = re.compile(r"(?:NER|NE|name|Entity_type)=(.+)", re.IGNORECASE)
_META = re.compile(r"#\s*(\w+) = (.*)")


def read_conllu(source: Source, options: ReadOptions) -> Results:
    """Read CoNLL-U. Entities are in the MISC column, as NER=B-PER, NE=B-PER or name=B-PER; a word
    without is outside. Lines of multiword tokens ("3-4") and empty nodes ("5.1") are passed over.

    source (Source): The file.
    options (ReadOptions): Not needed.
    YIELDS (Document | CorpusError): A sentence.
    """
    return (_read(source, lines) for lines in source.blocks())


def _read(source: Source, lines: list[tuple[int, bytes]]) -> Document | CorpusError:
    words: list[str] = []
    tags: list[str | None] = []
    spaces: list[bool] = []
    places: list[str] = []
    meta: dict[str, str] = {}
    try:
        for number, raw in lines:
            place = f"{source.name}:{number}"
            line = decode(raw, place)
            if line.startswith("#"):
                if match := _META.match(line):
                    meta[match[1]] = match[2]
                continue
            cells = line.split("\t")
            if len(cells) != _WIDTH:
                error = f"{len(cells)} columns, but CoNLL-U has {_WIDTH}"
                raise CorpusError(Errors.E229.format(place=place, error=error))
            if not cells[0].isdecimal():
                continue
            attributes = cells[_MISC].split("|")
            found = [match[1] for a in attributes if (match := _TAG.fullmatch(a.strip()))]
            words.append(cells[_FORM])
            tags.append(found[0] if found else "O")
            spaces.append("SpaceAfter=No" not in attributes)
            places.append(place)
        if not words:
            place = f"{source.name}:{lines[0][0]}"
            raise CorpusError(Errors.E229.format(place=place, error="no word"))
        check_words(words, places)
        entities, missing = read_tags(tags, places)
    except CorpusError as error:
        return error
    return from_words(
        words,
        entities,
        missing,
        spaces,
        place=places[0],
        source=source.name,
        line=lines[0][0],
        meta=meta,
    )
