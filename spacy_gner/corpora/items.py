"""Items of JSON, JSON lines, CSV and Parquet files, one after the other."""

import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..errors import Errors
from .files import decode
from .read_report import CorpusError
from .source import Source

JSON_SUFFIXES = (".jsonl", ".ndjson", ".json")
TABLE_SUFFIXES = (".csv", ".tsv")
PARQUET_SUFFIXES = (".parquet", ".pq")
_BLANKS = re.compile(r"\s*")
# Members of a JSON object that hold the list of items (annotators for spaCy write the first).
_LISTS = ("annotations", "data", "examples", "documents", "sentences", "items", "rows")


@dataclass(frozen=True)
class Item:
    """One item of a file.

    place (str): File and line (or number in a list), for messages.
    number (int): Line, row, or number in a list; from 1.
    value (Any): The item; a CorpusError (E204, E249, E226) if it is broken.
    """

    place: str
    number: int
    value: Any

    def load(self) -> Any:
        """RETURNS (Any): The item.
        RAISES (CorpusError): If it is broken."""
        if isinstance(self.value, CorpusError):
            raise self.value
        return self.value


def iter_json(source: Source) -> Iterator[Item]:
    """Iterate over the items of JSON: objects line by line or over several lines each, a list, or
    an object that holds one.

    source (Source): The file. JSON lines are streamed, a list is read into memory whole.
    YIELDS (Item): An item; where the file is one broken piece, the only item is broken.
    RAISES (CorpusError): What reading the source raises.
    """
    if not _is_one_value(source):
        for number, line in source.lines():
            if line.strip():
                place = f"{source.name}:{number}"
                yield Item(place, number, _load(line, place))
        return
    try:
        items = _load_members(source.read_text(), source.name)
    except CorpusError as error:
        # One broken record: raised, or skipped, where the caller decides about it.
        yield Item(source.name, 1, error)
        return
    for number, item in enumerate(items, 1):
        yield Item(f"{source.name}, item {number}", number, item)


def iter_table(source: Source, delimiter: str | None = None) -> Iterator[Item]:
    """Iterate over the rows of CSV or TSV with a header.

    source (Source): The file.
    delimiter (str | None): Between the columns; None: the one that the header has most of.
    YIELDS (Item): A mapping from column to cell (strings).
    RAISES (CorpusError): E226 for a row with other columns than the header, and what reading
        the source raises.
    """
    csv.field_size_limit(2**31 - 1)
    head = source.head()
    encoding = source.text_encoding(head) or "utf-8-sig"
    if delimiter is None:
        first = head.decode(encoding, "replace").lstrip("\r\n").splitlines() or [""]
        delimiter = max("\t,;|", key=first[0].count)
    number = 1
    with source.open() as file:
        text = io.TextIOWrapper(file, encoding, newline="")
        rows = csv.reader(text, delimiter=delimiter)
        try:
            header: list[str] = []
            for row in rows:
                place, number = f"{source.name}:{number}", rows.line_num + 1
                if not row:
                    continue
                if not header:
                    header = row
                elif len(row) != len(header):
                    error = f"{len(row)} cells, but {len(header)} columns in the header"
                    broken = CorpusError(Errors.E226.format(place=place, error=error))
                    yield Item(place, rows.line_num, broken)
                else:
                    yield Item(place, rows.line_num, dict(zip(header, row, strict=True)))
        except (csv.Error, UnicodeError) as error:
            message = Errors.E226 if isinstance(error, csv.Error) else Errors.E204
            place = f"{source.name}:{number}"
            raise CorpusError(message.format(place=place, error=error)) from None
        finally:
            if not file.closed:
                text.detach()


def iter_parquet(source: Source) -> Iterator[Item]:
    """Iterate over the rows of Parquet.

    source (Source): The file. Standard input is read into memory whole.
    YIELDS (Item): A mapping from column to value.
    RAISES (ImportError): E224 without pyarrow.
    RAISES (CorpusError): E225 for bytes that are something else.
    """
    number = 0
    with _open_parquet(source) as file:
        for batch in file.iter_batches(batch_size=256):
            for row in batch.to_pylist():
                number += 1
                yield Item(f"{source.name}, row {number}", number, row)


def is_parquet(source: Source) -> bool:
    """Whether a file is Parquet, by its name or its first bytes."""
    return source.suffix in PARQUET_SUFFIXES or source.head().startswith(b"PAR1")


def class_names(source: Source) -> dict[str, list[str]]:
    """The names of integer classes that Hugging Face's datasets keep in a Parquet file.

    source (Source): The file.
    RETURNS (dict[str, list[str]]): Column to the names of 0, 1, 2 …
    """
    with _open_parquet(source) as file:
        metadata = file.schema_arrow.metadata or {}
    try:
        features = json.loads(metadata[b"huggingface"])["info"]["features"]
    except (KeyError, TypeError, ValueError):
        return {}
    names: dict[str, list[str]] = {}
    for column, feature in features.items():
        inner = feature[0] if isinstance(feature, list) and feature else feature
        if isinstance(inner, dict) and isinstance(inner.get("feature"), dict):
            inner = inner["feature"]
        if isinstance(inner, dict) and isinstance(inner.get("names"), list):
            names[column] = inner["names"]
    return names


def iter_items(source: Source) -> Iterator[Item]:
    """RETURNS (Iterator[Item]): The items of any of these files, told by name, else content."""
    if is_parquet(source):
        return iter_parquet(source)
    if source.suffix in TABLE_SUFFIXES:
        return iter_table(source, "\t" if source.suffix == ".tsv" else None)
    return iter_json(source)


def _open_parquet(source: Source) -> Any:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise ImportError(Errors.E224.format(path=source.name)) from error
    try:
        if source.is_stream or source.suffix not in PARQUET_SUFFIXES:
            with source.open() as file:
                return pq.ParquetFile(pa.BufferReader(file.read()))
        return pq.ParquetFile(source.path)
    except (pa.ArrowInvalid, OSError) as error:
        raise CorpusError(Errors.E225.format(path=source.name, error=error)) from None


def _is_one_value(source: Source) -> bool:
    """Whether a file is one JSON value: its first line alone is none, or is all there is."""
    lines = (line for line in source.first_lines() if line.strip())
    first = next(lines, b"")
    if not first.lstrip().startswith((b"[", b"{")):
        return False
    try:
        value = json.loads(first)
    except (ValueError, RecursionError):
        # A list or an object over several lines; or lines, the first of which is broken.
        return first.lstrip().startswith(b"[") or not _begins_line_by_line(next(lines, b""))
    if isinstance(value, list):
        # spaCy's pair of text and annotation is an item, one a line.
        is_pair = len(value) == 2 and isinstance(value[0], str) and isinstance(value[1], dict)
        return not is_pair and next(lines, None) is None
    return next(lines, None) is None and _list_in(value) is not None


def _begins_line_by_line(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        # The second line of an object over several lines is a member: "key": value,
        return line.lstrip().startswith(b"{")


def _load_members(text: str, place: str) -> list[Any]:
    """RETURNS (list[Any]): The items of a value; or several values, one after the other."""
    values: list[Any] = []
    decoder = json.JSONDecoder()
    at = _BLANKS.match(text).end()  # type: ignore[union-attr]
    while at < len(text):
        try:
            value, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError) as error:
            raise CorpusError(Errors.E249.format(place=place, error=error)) from None
        values.append(value)
        at = _BLANKS.match(text, end).end()  # type: ignore[union-attr]
    return _members(values[0]) if len(values) == 1 else values


def _members(value: Any) -> list[Any]:
    if isinstance(value, list):
        return value
    members = _list_in(value)
    return [value] if members is None else [member for member in members if member is not None]


def _list_in(value: Any) -> list[Any] | None:
    """RETURNS (list | None): The items inside an object, unless it is an item itself."""
    if not isinstance(value, dict) or isinstance(value.get("data"), dict):
        return None
    if {"text", "words", "tokens"} & set(value):
        return None
    return next((value[key] for key in _LISTS if isinstance(value.get(key), list)), None)


def _load(line: bytes, place: str) -> Any:
    try:
        return json.loads(decode(line, place))
    except CorpusError as error:
        return error
    except (ValueError, RecursionError) as error:
        return CorpusError(Errors.E249.format(place=place, error=error))
