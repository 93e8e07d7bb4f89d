"""Documents from a part of a file, each with its id."""

import csv
import gzip
import io
import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from ..errors import Errors
from .records import ENTITIES, ERROR, ID, LABELS, META, POSITION, SOURCE, document_id, text_schema

# By the name's ending. All other files are text, but those that are known to be something else.
_KINDS = {
    "parquet": (".parquet", ".pq"),
    "csv": (".csv", ".tsv"),
    "jsonl": (".jsonl", ".ndjson"),
    "text": (".txt",),
}
_REFUSED = (".json", ".spacy")
# What a directory is searched for.
SUFFIXES = tuple(suffix for suffixes in _KINDS.values() for suffix in suffixes)


@dataclass(frozen=True)
class InputFile:
    """A file to read.

    path (str): As given, or below the directory as given: a path or a URI.
    size (int): Bytes.
    """

    path: str
    size: int

    @property
    def kind(self) -> str:
        """RETURNS (str): "parquet", "csv" (also with other separators), "jsonl" or "text".
        RAISES (ValueError): E713 for what cannot be read here."""
        name = self.path.lower().removesuffix(".gz")
        if name.endswith(_REFUSED):
            raise ValueError(Errors.E713.format(path=self.path, suffixes=", ".join(SUFFIXES)))
        return next((kind for kind, ends in _KINDS.items() if name.endswith(ends)), "text")

    @property
    def is_compressed(self) -> bool:
        """RETURNS (bool): Whether it is read through gzip, and so from its beginning."""
        return self.path.lower().endswith(".gz")


@dataclass(frozen=True)
class Part:
    """What one task reads, and what becomes one shard.

    file (InputFile): The file.
    number (int): Its number in the list.
    start (int): The first row (Parquet), or the first byte.
    end (int | None): Behind the last of them; None is the end of the file.
    group (int): Parquet: the row group that has the rows.
    group_start (int): Parquet: the number of the group's first row in the file.
    """

    file: InputFile
    number: int
    start: int = 0
    end: int | None = None
    group: int = 0
    group_start: int = 0


def locate(path: str) -> tuple[Any, str]:
    """RETURNS (tuple[FileSystem, str]): Where a path or URI is, and its name there."""
    if "://" in path:
        filesystem, place = fs.FileSystem.from_uri(path)
        return filesystem, str(place)
    return fs.LocalFileSystem(), path


@dataclass(frozen=True)
class PartReader:
    """Reads parts of files. It travels with every task, so it knows nothing of all the files.

    text_column (str): Where JSONL, tables and Parquet have the text.
    id_column (str | None): Where they have an id; None makes ids from file and position.
    """

    text_column: str
    id_column: str | None

    def check(self, file: InputFile) -> None:
        """Look at the columns of a file that names them at its beginning.

        file (InputFile): The file.
        RAISES (ValueError): E703 for columns that are missing, that hold no text, or that the
            results would replace; E028 for a file that cannot be read.
        """
        if file.kind == "parquet":
            schema = self.metadata(file).schema.to_arrow_schema()
            self._check_columns(file, schema.names, _replaced(self.id_column))
            kind = schema.field(self.text_column).type
            if not _is_text(kind):
                found = f"{self.text_column} (of type {kind}: no text)"
                raise ValueError(Errors.E703.format(path=file.path, columns=found))
        elif file.kind == "csv":
            # The first row names them; it may be the only one.
            next(self._raw(Part(file, 0)), None)

    def metadata(self, file: InputFile) -> Any:
        """RETURNS (FileMetaData): Of a Parquet file.
        RAISES (ValueError): E028 when it cannot be read."""
        filesystem, place = locate(file.path)
        try:
            return pq.read_metadata(place, filesystem=filesystem)
        except (OSError, pa.ArrowException) as error:
            raise ValueError(Errors.E028.format(path=file.path, reason=error)) from error

    def read(self, part: Part) -> pa.Table:
        """RETURNS (pa.Table): The documents of a part."""
        if part.file.kind == "parquet":
            return self._read_parquet(part)
        rows: list[dict[str, Any]] = []
        for position, raw in self._raw(part):
            row = {**self._document(part, raw), SOURCE: part.file.path, POSITION: position}
            if self.id_column is None:
                row[ID] = document_id(part.number, position)
            rows.append(row)
        id_type = pa.int64() if self.id_column is None else pa.string()
        return pa.Table.from_pylist(rows, text_schema(self.text_column, id_type))

    def _raw(self, part: Part) -> Iterator[tuple[int, Any]]:
        filesystem, place = locate(part.file.path)
        try:
            with filesystem.open_input_file(place) as file:
                stream: Any = io.BufferedReader(file, 1024**2)
                if part.file.is_compressed:
                    stream = gzip.GzipFile(fileobj=stream)
                if part.file.kind == "csv":
                    yield from enumerate(self._table(part.file, stream))
                else:
                    yield from _lines(stream, part)
        except (OSError, EOFError, zlib.error, csv.Error) as error:
            raise ValueError(Errors.E028.format(path=part.file.path, reason=error)) from error

    def _table(self, file: InputFile, stream: Any) -> Iterator[dict[Any, Any]]:
        csv.field_size_limit(2**31 - 1)
        first = stream.peek(1).lstrip(b"\r\n").partition(b"\n")[0]
        separator = max(("\t", ",", ";", "|"), key=lambda sign: first.count(sign.encode()))
        # Bytes that are no UTF-8 fail with their row.
        text = io.TextIOWrapper(stream, "utf-8-sig", "surrogateescape", newline="")
        header = next((row for row in csv.reader(text, delimiter=separator) if row), None)
        if header is not None:
            self._check_columns(file, header, ())
            yield from csv.DictReader(text, header, delimiter=separator)

    def _document(self, part: Part, raw: Any) -> dict[str, Any]:
        """RETURNS (dict): A row without its place. What cannot be read has an error."""
        try:
            if part.file.kind == "text":
                return {self.text_column: raw.decode("utf8").rstrip("\r\n")}
            record = raw if part.file.kind == "csv" else json.loads(raw.decode("utf8"))
            if part.file.kind == "csv" and (None in record or None in record.values()):
                raise ValueError("the row has more cells than the first one, or fewer")
            if not isinstance(record, dict) or not isinstance(record.get(self.text_column), str):
                raise ValueError(f'no "{self.text_column}"')
            row: dict[str, Any] = {self.text_column: record.pop(self.text_column)}
            row[self.text_column].encode("utf8")
            if self.id_column is not None:
                row[ID] = str(record.pop(self.id_column))
                row[ID].encode("utf8")
            if (own := record.pop(LABELS, None)) is not None:
                row[LABELS] = own if isinstance(own, str) else json.dumps(own)
                row[LABELS].encode("utf8")
            if record:
                # Escaped: half of a surrogate pair is no text for Arrow.
                row[META] = json.dumps(record)
            return row
        except (ValueError, KeyError, RecursionError) as error:
            if self.id_column is not None:
                # It could not be told from others after a restart.
                raise ValueError(
                    Errors.E702.format(path=part.file.path, column=self.id_column, reason=error)
                ) from error
            return {ERROR: Errors.E712.format(path=part.file.path, reason=error)}

    def _read_parquet(self, part: Part) -> pa.Table:
        filesystem, place = locate(part.file.path)
        with filesystem.open_input_file(place) as file:
            table = pq.ParquetFile(file).read_row_group(part.group)
        assert part.end is not None
        table = table.slice(part.start - part.group_start, part.end - part.start)
        if self.id_column is None:
            positions = range(part.start, part.end)
            ids = [document_id(part.number, position) for position in positions]
            table = table.append_column(ID, pa.array(ids, pa.int64()))
            sources = pa.array([part.file.path] * len(table), pa.string())
            table = table.append_column(SOURCE, sources)
            table = table.append_column(POSITION, pa.array(positions, pa.int64()))
        else:
            if table.column(self.id_column).null_count:
                raise ValueError(
                    Errors.E702.format(path=part.file.path, column=self.id_column, reason="null")
                )
            if self.id_column != ID:
                table = table.append_column(ID, table.column(self.id_column))
        return table

    def _check_columns(
        self, file: InputFile, present: Sequence[str], replaced: Sequence[str]
    ) -> None:
        needed = [self.text_column, *([self.id_column] if self.id_column else [])]
        missing = [name for name in needed if name not in present]
        if wrong := missing or [name for name in replaced if name in present]:
            raise ValueError(Errors.E703.format(path=file.path, columns=", ".join(wrong)))


def _replaced(id_column: str | None) -> list[str]:
    """RETURNS (list[str]): Columns that a run adds to those of a Parquet file."""
    added = [ENTITIES, ERROR, *([] if id_column == ID else [ID])]
    return added + ([] if id_column else [SOURCE, POSITION])


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        return _is_text(kind.value_type)
    # A column without one value that is not null has the type null.
    return bool(
        pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_string_view(kind)
        or pa.types.is_null(kind)
    )


def _lines(stream: Any, part: Part) -> Iterator[tuple[int, bytes]]:
    """YIELDS (tuple[int, bytes]): Offset and bytes of each line that begins in the part and is
    not blank."""
    position = part.start
    if part.start:
        # The line that runs over the beginning belongs to the part before.
        stream.seek(part.start - 1)
        position += len(stream.readline()) - 1
    while part.end is None or position < part.end:
        line = stream.readline()
        if not line:
            return
        if line.strip():
            yield position, line.removeprefix(b"\xef\xbb\xbf") if position == 0 else line
        position += len(line)
