"""Columns of words and tags: CoNLL and its relatives, and the files of OntoNotes."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from ...errors import Errors
from ..document import Document, from_words, known_origin
from ..files import decode
from ..read_report import CorpusError
from ..source import Source
from ..tags import are_brackets, has_label, is_tag, read_brackets, read_tags
from .options import ReadOptions, Results

# The lines (number and bytes) of one sentence, and the comments above it.
_Block = tuple[list[tuple[int, bytes]], list[str]]

_COMMENT = re.compile(r"#\s*([\w.:/-]+) = (.*)", re.DOTALL)
# The phrases of CoNLL-2003's third column, which are tagged as entities are.
_CHUNKS = set("NP VP PP ADVP SBAR ADJP PRT CONJP INTJ LST UCP".split())
_ONTONOTES_WORD, _ONTONOTES_TAG = 3, 10


def read_columns(source: Source, options: ReadOptions) -> Results:
    """Read columns of words and tags, a blank line after each sentence.

    Columns are separated by tabs where a line has any (so that labels may contain blanks), else
    by blanks. Each line has as many as the first.

    source (Source): The file.
    options (ReadOptions): The columns of word and tag.
    YIELDS (Document | CorpusError): A sentence.
    """
    width: int | None = None
    for block in _blocks(source, options):
        try:
            rows = [_cells(source, number, line) for number, line in block[0]]
            width = width or len(rows[0])
            _check_widths(source, block, rows, width)
            yield _sentence(source, block, rows, options)
        except CorpusError as error:
            yield error


def read_ontonotes(source: Source, options: ReadOptions) -> Results:
    """Read the columns of CoNLL-2012 (OntoNotes), whose entities are brackets.

    source (Source): The file, which begins with "#begin document".
    options (ReadOptions): Not needed: word and tag have fixed places.
    YIELDS (Document | CorpusError): A sentence.
    """
    columns = ReadOptions(word_column=_ONTONOTES_WORD, tag_column=_ONTONOTES_TAG)
    for block in _blocks(source, columns):
        try:
            rows = [_cells(source, number, line) for number, line in block[0]]
            # The number of arguments differs from sentence to sentence.
            _check_widths(source, block, rows, len(rows[0]))
            yield _sentence(source, block, rows, columns)
        except CorpusError as error:
            yield error


def _blocks(source: Source, options: ReadOptions) -> Iterator[_Block]:
    block: list[tuple[int, bytes]] = []
    comments: list[str] = []
    for number, line in source.lines():
        ends = not line.strip() or line.startswith(b"-DOCSTART-")
        if not ends and _is_comment(line, not block, options):
            comments.append(line.decode("utf8", "replace"))
        elif not ends:
            block.append((number, line))
        if ends and block:
            yield block, comments
        if ends:
            block, comments = [], []
    if block:
        yield block, comments


def _is_comment(line: bytes, is_above: bool, options: ReadOptions) -> bool:
    """Whether a line such as "# id 7" is a comment; "# O" is the word "#"."""
    if not line.startswith(b"#"):
        return False
    text = line.decode("utf8", "replace")
    if is_above and _COMMENT.match(text):
        return True
    cells = _split(text)
    column = -1 if options.tag_column is None else options.tag_column
    try:
        tag: str | None = cells[column]
    except IndexError:
        return True
    is_tagged = is_tag(tag) or are_brackets([tag])
    return not is_tagged and (is_above or text[1:2] in ("", " ", "\t"))


def _split(line: str) -> list[str]:
    if "\t" in line:
        # An empty first cell is an empty word, not the next cell.
        return [cell.strip(" ") for cell in line.rstrip("\t ").split("\t")]
    return re.split(" +", line.strip(" "))


def _cells(source: Source, number: int, line: bytes) -> list[str]:
    place = f"{source.name}:{number}"
    cells = _split(decode(line, place))
    if len(cells) < 2:
        raise CorpusError(Errors.E229.format(place=place, error="less than two columns"))
    return cells


def _check_widths(source: Source, block: _Block, rows: list[list[str]], width: int) -> None:
    for (number, _), row in zip(block[0], rows, strict=True):
        if len(row) != width:
            error = f"{len(row)} columns, but {width} in the first line"
            raise CorpusError(Errors.E229.format(place=f"{source.name}:{number}", error=error))


def _sentence(
    source: Source, block: _Block, rows: list[list[str]], options: ReadOptions
) -> Document:
    places = [f"{source.name}:{number}" for number, _ in block[0]]
    if options.word_column is None:
        _refuse_counts(rows, places)
    if options.tag_column is None:
        _refuse_second_tags(rows, places)
    word_column = 0 if options.word_column is None else options.word_column
    tag_column = -1 if options.tag_column is None else options.tag_column
    try:
        words = [row[word_column] for row in rows]
        tags = [row[tag_column] for row in rows]
    except IndexError:
        error = f"no column {word_column} or {tag_column} among {len(rows[0])} (0 is the first)"
        raise CorpusError(Errors.E229.format(place=places[0], error=error)) from None
    check_words(words, places)
    entities: list[tuple[int, int, str]]
    missing: list[int] = []
    if are_brackets(tags):
        entities = read_brackets(tags, places)
    else:
        entities, missing = read_tags(tags, places)
    return from_words(
        words, entities, missing, place=places[0], **_origin(source, block[0][0][0], block[1])
    )


def check_words(words: Sequence[Any], places: Sequence[str]) -> None:
    """Raise unless all words are words.

    words (Sequence[Any]): N words, as they were read.
    places (Sequence[str]): File and line of each, length N.
    RAISES (CorpusError): E208 for a word that is empty or contains white space.
    """
    for word, place in zip(words, places, strict=True):
        if not isinstance(word, str) or not word or any(char.isspace() for char in word):
            raise CorpusError(Errors.E208.format(place=place, word=word))


def _refuse_counts(rows: list[list[str]], places: list[str]) -> None:
    first = [row[0] for row in rows]
    counts = (list(map(str, range(start, start + len(rows)))) for start in (0, 1))
    if len(first) > 1 and len(rows[0]) > 2 and first in counts:
        error = "the first column counts the words instead of holding them"
        raise CorpusError(Errors.E230.format(place=places[0], error=error, n=len(rows[0])))


def _refuse_second_tags(rows: list[list[str]], places: list[str]) -> None:
    """Two columns of entity tags leave open which is meant."""
    for column in range(1, len(rows[0]) - 1):
        tags = [row[column] for row in rows]
        labels = {tag.partition("-")[2] for tag in tags if has_label(tag)}
        if labels - _CHUNKS and all(is_tag(tag) for tag in tags):
            error = f"column {column} holds entity tags too, not only the last"
            raise CorpusError(Errors.E230.format(place=places[0], error=error, n=len(rows[0])))


def _origin(source: Source, line: int, comments: list[str]) -> dict[str, Any]:
    """RETURNS (dict): Source, line and metadata; those of the file that `annotate` read, where its
    comments name them."""
    matches = filter(None, map(_COMMENT.match, comments))
    found = {match[1]: match[2] for match in matches}
    own: dict[str, Any] = {"meta": "{}", **found}
    if own.get("line", "").isdecimal() and len(own["line"]) < 20:
        own["line"] = int(own["line"])
    return known_origin(own) or {"source": source.name, "line": line, "meta": found}
