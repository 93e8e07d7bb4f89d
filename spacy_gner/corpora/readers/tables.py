"""CSV and TSV: an entity a row, a word a row, or a text with its entities a row."""

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

from ...errors import Errors
from ..document import Document, TextSpan, from_words, known_origin
from ..items import Item, iter_table
from ..read_report import CorpusError
from ..source import Source
from ..tags import read_tags
from .columns import check_words
from .offsets import is_offsets, read_offsets
from .options import ReadOptions, Results

# What `annotate --format csv` writes.
ENTITY_COLUMNS = (
    "document",
    "text",
    "start",
    "end",
    "label",
    "entity",
    "score",
    "source",
    "line",
    "meta",
)
# A word a row, as in a widespread copy of the Groningen Meaning Bank.
_SENTENCE = ("sentence #", "sentence_id", "sentence", "sent_id")
_WORD = ("word", "token")
_TAG = ("tag", "ner_tag", "label", "ner")


def read_csv(source: Source, options: ReadOptions) -> Results:
    """Read a table. Its header says which kind it is.

    - An entity a row: document, start, end, label, and the text in the document's first row.
    - A word a row: a sentence (its number in each row, or in its first one), a word, a tag.
    - A document a row: a text, and its entities as JSON.

    source (Source): The file.
    options (ReadOptions): Not needed.
    YIELDS (Document | CorpusError): A document.
    RAISES (CorpusError): E226 for a table of another kind, and what reading it raises.
    """
    items = iter_table(source, "\t" if source.suffix == ".tsv" else None)
    first = next(items, None)
    if first is None:
        return
    header = first.load()
    rows = itertools.chain([first], items)
    lower = {name.strip().lower(): name for name in header}
    if {"document", "text", "start", "end", "label"} <= set(header):
        yield from _grouped(rows, "document", source, _from_entities)
    elif columns := _word_columns(lower):
        yield from _grouped(rows, columns[0], source, lambda s, g: _from_tokens(s, g, columns))
    elif is_offsets(header):
        for item in rows:
            yield _from_row(source, item, options)
    else:
        error = f"no known columns (found: {', '.join(header)})"
        raise CorpusError(Errors.E226.format(place=f"{source.name}:1", error=error))


def _word_columns(lower: Mapping[str, str]) -> tuple[str, str, str] | None:
    found = [
        next((lower[name] for name in names if name in lower), None)
        for names in (_SENTENCE, _WORD, _TAG)
    ]
    return None if None in found else (str(found[0]), str(found[1]), str(found[2]))


_Group = list[tuple[Item, dict[str, str]]]


def _grouped(rows: Iterator[Item], key: str, source: Source, read: Any) -> Results:
    """Group rows of one value; an empty cell continues the group before."""
    group: _Group = []
    for item in rows:
        try:
            row = item.load()
        except CorpusError as error:
            yield error
            continue
        if group and row[key] and row[key] != group[0][1][key]:
            yield _checked(read, source, group)
            group = []
        group.append((item, row))
    if group:
        yield _checked(read, source, group)


def _checked(read: Any, source: Source, group: _Group) -> Document | CorpusError:
    try:
        document: Document = read(source, group)
        return document
    except CorpusError as error:
        return error


def _from_entities(source: Source, group: _Group) -> Document:
    item, first = group[0]
    entities = []
    for row_item, row in group:
        if not row["start"] and not row["label"]:
            continue  # a document without entities
        try:
            score = float(row["score"]) if row.get("score") else None
            entities.append(TextSpan(int(row["start"]), int(row["end"]), row["label"], score))
        except ValueError:
            error = f"{row['start']!r} to {row['end']!r} are no offsets"
            raise CorpusError(Errors.E232.format(place=row_item.place, error=error)) from None
    line = first.get("line") or ""
    is_number = line.isdecimal() and len(line) < 20
    own = known_origin({**first, "line": int(line)}) if is_number else None
    own = own or {"source": source.name, "line": item.number}
    return Document(first["text"], entities, item.place, **own)


def _from_tokens(source: Source, group: _Group, columns: tuple[str, str, str]) -> Document:
    places = [item.place for item, _ in group]
    words = [row[columns[1]].strip() for _, row in group]
    check_words(words, places)
    entities, missing = read_tags([row[columns[2]].strip() for _, row in group], places)
    return from_words(
        words, entities, missing, place=places[0], source=source.name, line=group[0][0].number
    )


def _from_row(source: Source, item: Item, options: ReadOptions) -> Document | CorpusError | None:
    try:
        return read_offsets(item.load(), item.place, options)
    except CorpusError as error:
        return error
