"""Readers of annotated files: a table of formats, and how a file's format is told."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import Any

from ...errors import Errors
from ..document import Document
from ..foreign import foreign_kind
from ..items import PARQUET_SUFFIXES, class_names, is_parquet, iter_items
from ..read_report import CorpusError
from ..source import Source
from . import brat, columns, conllu, conversations, docs, inline, pubtator, tables
from .label_studio import is_label_studio, read_label_studio
from .offsets import is_offsets, read_offsets
from .options import ReadOptions, Results
from .words import find_words, is_gliner, is_gner, read_gliner, read_gner, read_words

ReadFile = Callable[[Source, ReadOptions], Results]
ReadItem = Callable[[Any, str, ReadOptions], Document | None]

_ITEM_SUFFIXES = (".jsonl", ".ndjson", ".json", *PARQUET_SUFFIXES)
_NAMED_COLUMNS = (".conll", ".bio", ".iob", ".iob2", ".bioes")
_COLUMN_SUFFIXES = (*_NAMED_COLUMNS, ".tsv", ".txt")
# Types are short. Longer searches would take quadratic time.
_LONGEST_TYPE = 100
_MARKUP = re.compile(rb"\]\([^()\[\]\n]{1,%d}\)" % _LONGEST_TYPE)
_TAG_AT_END = re.compile(rb"[\t ](?:O|-|[BIESLUMW]-[^\t]*)\s*$")
_CONLLU = re.compile(rb"\d+(?:[-.]\d+)?(?:\t[^\t]*){9}")
# A whole page; text may begin with some other tag.
_PAGE = re.compile(rb"\s*<(?:!doctype|html|\?xml)", re.IGNORECASE)
# Each item of a list begins with a brace, bracket, or ends the list at once.
_JSON = re.compile(rb"\s*(?:\{|\[\s*[\[{\]])")


@dataclass(frozen=True)
class FileFormat:
    """A format of annotated files.

    read (ReadFile): Reads a file.
    suffixes (tuple[str, ...]): What directories are searched for.
    """

    read: ReadFile
    suffixes: tuple[str, ...]


# Formats of items (in JSON, JSON lines or Parquet): how an item is recognized, and how it is read.
# The first that recognizes an item is taken.
ITEM_FORMATS: dict[str, tuple[Callable[[Any], bool], ReadItem]] = {
    "pile-ner": (conversations.is_conversation, conversations.read_conversation),
    "label-studio": (is_label_studio, read_label_studio),
    "gner": (is_gner, read_gner),
    "gliner": (is_gliner, read_gliner),
    "words": (lambda item: find_words(item) is not None, read_words),
    "offsets": (is_offsets, read_offsets),
}


def _read_items(source: Source, options: ReadOptions, read: ReadItem | None) -> Results:
    for item in iter_items(source):
        try:
            value = item.load()
            if read is None:
                known = (own for recognizes, own in ITEM_FORMATS.values() if recognizes(value))
                # Where nothing recognizes it, the reader of the plainest form says what is missing.
                read = next(known, read_words)
                options = _with_names(source, options, value)
            document = read(value, item.place, options)
        except CorpusError as error:
            yield error
            continue
        if document is not None and not document.source:
            document = replace(document, source=source.name, line=item.number)
        yield document


def _with_names(source: Source, options: ReadOptions, item: Any) -> ReadOptions:
    """RETURNS (ReadOptions): With the names of integer tags that a Parquet file brings."""
    fields = find_words(item)
    if options.tag_names is not None or fields is None or not is_parquet(source):
        return options
    names = class_names(source).get(fields[1])
    return replace(options, tag_names=None if names is None else tuple(names))


FORMATS: dict[str, FileFormat] = {
    "conll": FileFormat(columns.read_columns, _COLUMN_SUFFIXES),
    "conllu": FileFormat(conllu.read_conllu, (".conllu",)),
    "ontonotes": FileFormat(columns.read_ontonotes, (".conll", "_conll")),
    **{
        name: FileFormat(partial(_read_items, read=read), _ITEM_SUFFIXES)
        for name, (_, read) in ITEM_FORMATS.items()
    },
    "json": FileFormat(partial(_read_items, read=None), _ITEM_SUFFIXES),
    "csv": FileFormat(tables.read_csv, (".csv", ".tsv")),
    "brat": FileFormat(brat.read_brat, (brat.SUFFIX,)),
    "pubtator": FileFormat(pubtator.read_pubtator, (".txt", ".pubtator")),
    "inline": FileFormat(inline.read_inline, (".txt", ".md")),
    "docbin": FileFormat(docs.read_docs, (".spacy",)),
}
FORMAT_NAMES = tuple(FORMATS)
ALL_SUFFIXES = tuple(dict.fromkeys(s for form in FORMATS.values() for s in form.suffixes))


def guess_format(source: Source) -> str:
    """Tell the format of a file by its name where that is enough, else by its content.

    source (Source): The file.
    RETURNS (str): A name in `FORMATS`.
    RAISES (CorpusError): E234 for content that is of none, and what reading the source raises.
    """
    suffix = source.suffix
    by_name = {".spacy": "docbin", brat.SUFFIX: "brat", ".conllu": "conllu", ".csv": "csv"}
    if suffix in by_name:
        return by_name[suffix]
    if suffix in _ITEM_SUFFIXES:
        return "json"
    head = source.head()
    if is_parquet(source):
        return "json"
    if docs.is_docbin(head):
        return "docbin"
    foreign = foreign_kind(head)
    if foreign is None and _PAGE.match(head):
        foreign = "HTML or XML"
    if foreign is None and source.text_encoding(head) is None and b"\0" in head[:1024]:
        foreign = "no text"
    if foreign is not None:
        raise _unknown(source, foreign)
    if suffix == ".txt" and brat.text_file(source.path.with_suffix(brat.SUFFIX)) is not None:
        if source.path.with_suffix(brat.SUFFIX).is_file():
            return "brat"
    if pubtator.is_pubtator(head):
        return "pubtator"
    lines = [line for line in islice(source.first_lines(), 1000) if line.strip()]
    if lines and lines[0].startswith(b"#begin document"):
        return "ontonotes"
    if _is_conllu(lines):
        return "conllu"
    n_tagged = sum(map(_has_tag, lines))
    if 2 * n_tagged < len(lines):
        if any(map(_has_markup, lines)) and not _is_json(lines):
            return "inline"
        if _is_json(lines):
            return "json"
        if _is_table(lines):
            return "csv"
    if lines and not n_tagged and suffix not in _NAMED_COLUMNS and not _has_columns(lines):
        raise _unknown(source, "text without annotation")
    return "conll"


def _unknown(source: Source, found: str) -> CorpusError:
    formats = ", ".join(FORMATS)
    return CorpusError(Errors.E234.format(path=source.name, found=found, formats=formats))


def read_file(source: Source, format: str = "auto", options: ReadOptions | None = None) -> Results:
    """Read the documents of a file.

    source (Source): The file.
    format (str): A name in `FORMATS`, or "auto": see `guess_format`.
    options (ReadOptions | None): What the user said about it.
    YIELDS (Document | CorpusError | None): A document; an error for a broken one; None for one
        that its annotator rejected.
    """
    try:
        name = guess_format(source) if format == "auto" else format
        yield from FORMATS[name].read(source, options or ReadOptions())
    except CorpusError as error:
        yield error


def _is_conllu(lines: list[bytes]) -> bool:
    words = [line for line in lines if not line.startswith(b"#")]
    return bool(words) and all(map(_CONLLU.fullmatch, words))


def _has_columns(lines: list[bytes]) -> bool:
    """Whether all lines have as many columns, which may hold tags that are wrong."""
    delimiter = b"\t" if b"\t" in lines[0] else None
    counts = {len(line.split(delimiter)) for line in lines if not line.startswith(b"#")}
    return len(counts) == 1 and counts != {1}


def _has_markup(line: bytes) -> bool:
    match = _MARKUP.search(line)
    return match is not None and b"[" in line[: match.start()]


def _has_tag(line: bytes) -> bool:
    return _TAG_AT_END.search(line.rstrip()[-_LONGEST_TYPE:]) is not None


def _is_json(lines: list[bytes]) -> bool:
    return bool(lines) and _JSON.match(b"\n".join(lines[:2])) is not None


def _is_table(lines: list[bytes]) -> bool:
    """Whether the first line is the header of a table that `read_csv` knows."""
    if not lines:
        return False
    names = {name.strip(b'" ').lower() for name in re.split(rb"[,;\t|]", lines[0])}
    return bool({b"text", b"word", b"token"} & names) and len(names) > 1


__all__ = [
    "ALL_SUFFIXES",
    "FORMATS",
    "FORMAT_NAMES",
    "FileFormat",
    "ReadOptions",
    "Results",
    "guess_format",
    "read_file",
]
