"""Documents from files, in parts that workers read independently, each with its id."""

import csv
import gzip
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs
from ray.data import Datasource, ReadTask
from ray.data.block import BlockMetadata

from ..errors import Errors
from .records import ENTITIES, ERROR, ID, LABELS, META, POSITION, SOURCE, document_id, text_schema

# What a directory is searched for.
SUFFIXES = (".txt", ".jsonl", ".ndjson", ".csv", ".parquet")


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
        """RETURNS (str): "parquet", "csv", "jsonl" or "text", by the name's ending."""
        name = self.path.lower().removesuffix(".gz")
        if name.endswith(".parquet"):
            return "parquet"
        if name.endswith(".csv"):
            return "csv"
        return "jsonl" if name.endswith((".jsonl", ".ndjson")) else "text"

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


def list_files(paths: Sequence[str]) -> list[InputFile]:
    """Find the files to read.

    paths (Sequence[str]): Files and directories, local or as URIs (s3://, gs://, hdfs://).
    RETURNS (list[InputFile]): In the order given, directories by name.
    RAISES (ValueError): E028 for what is not there, E701 for a directory without texts.
    """
    found: list[InputFile] = []
    for path in paths:
        filesystem, place = _locate(path)
        try:
            info = filesystem.get_file_info(place)
        except OSError as error:
            raise ValueError(Errors.E028.format(path=path, reason=error)) from error
        if info.type == fs.FileType.File:
            found.append(InputFile(path, info.size))
        elif info.type == fs.FileType.Directory:
            below = filesystem.get_file_info(fs.FileSelector(place, recursive=True))
            files = [
                InputFile(f"{path.rstrip('/')}/{entry.path[len(place) :].lstrip('/')}", entry.size)
                for entry in below
                if entry.type == fs.FileType.File
                and entry.path.lower().removesuffix(".gz").endswith(SUFFIXES)
            ]
            if not files:
                raise ValueError(Errors.E701.format(path=path, suffixes=", ".join(SUFFIXES)))
            found += sorted(files, key=lambda file: file.path)
        else:
            raise ValueError(Errors.E028.format(path=path, reason="it does not exist"))
    return found


def _locate(path: str) -> tuple[Any, str]:
    if "://" in path:
        filesystem, place = fs.FileSystem.from_uri(path)
        return filesystem, str(place)
    return fs.LocalFileSystem(), path


class TextSource(Datasource):
    """Documents for Ray Data. Texts: one a line. JSONL: the objects' text, labels of their own
    in "gner_labels", the rest in "meta". CSV: with a header. Parquet: all columns."""

    def __init__(
        self,
        files: Sequence[InputFile],
        text_column: str = "text",
        id_column: str | None = None,
        part_bytes: int = 256 * 1024,
    ) -> None:
        """Read documents.

        files (Sequence[InputFile]): From `list_files`: their order is part of the ids.
        text_column (str): Where JSONL, CSV and Parquet have the text.
        id_column (str | None): Where they have an id, a string or an integer that no other
            document has; None makes ids from file and position.
        part_bytes (int): Files are cut into parts of about this size. CSV files and compressed
            ones cannot be cut: each is one part.
        RAISES (ValueError): E704 for Parquet mixed with others, E705 for ids in plain text.
        """
        super().__init__()  # type: ignore[no-untyped-call]
        kinds = {file.kind for file in files}
        if "parquet" in kinds and len(kinds) > 1:
            raise ValueError(Errors.E704.format(kinds=", ".join(sorted(kinds))))
        if "text" in kinds and id_column is not None:
            raise ValueError(Errors.E705.format(column=id_column))
        self._files = list(files)
        self._text_column = text_column
        self._id_column = id_column
        self._part_bytes = part_bytes

    def estimate_inmemory_data_size(self) -> int:
        """RETURNS (int): Bytes, for Ray's planning."""
        return sum(file.size for file in self._files)

    def get_read_tasks(
        self,
        parallelism: int,
        per_task_row_limit: int | None = None,
        data_context: Any = None,
    ) -> list[ReadTask]:
        """RETURNS (list[ReadTask]): One per part; how many there are depends on the files alone."""
        parts = self.parts()
        size = self.estimate_inmemory_data_size() // max(1, len(parts))
        return [
            ReadTask(
                partial(self._read_blocks, part),
                BlockMetadata(
                    num_rows=None,
                    size_bytes=max(1, size),
                    input_files=(part.file.path,),
                    exec_stats=None,
                ),
            )
            for part in parts
        ]

    def parts(self) -> list[Part]:
        """RETURNS (list[Part]): All files, cut where they can be."""
        parts: list[Part] = []
        for number, file in enumerate(self._files):
            if file.kind == "parquet":
                parts += self._parquet_parts(file, number)
            elif file.kind == "csv" or file.is_compressed:
                parts.append(Part(file, number))
            else:
                starts = range(0, max(file.size, 1), self._part_bytes)
                parts += [Part(file, number, s, s + self._part_bytes) for s in starts]
        return parts

    def _parquet_parts(self, file: InputFile, number: int) -> Iterator[Part]:
        filesystem, place = _locate(file.path)
        metadata = pq.read_metadata(place, filesystem=filesystem)
        first = 0
        for group in range(metadata.num_row_groups):
            info = metadata.row_group(group)
            bytes_per_row = max(1, info.total_byte_size // max(1, info.num_rows))
            step = max(1, self._part_bytes // bytes_per_row)
            for start in range(first, first + info.num_rows, step):
                end = min(start + step, first + info.num_rows)
                yield Part(file, number, start, end, group, first)
            first += info.num_rows

    def _read_blocks(self, part: Part) -> list[pa.Table]:
        return [self.read(part)]

    def read(self, part: Part) -> pa.Table:
        """RETURNS (pa.Table): The documents of a part."""
        if part.file.kind == "parquet":
            return self._read_parquet(part)
        rows: list[dict[str, Any]] = []
        for position, raw in self._raw(part):
            row = {**self._document(part, raw), SOURCE: part.file.path, POSITION: position}
            if self._id_column is None:
                row[ID] = document_id(part.number, position)
            rows.append(row)
        id_type = pa.int64() if self._id_column is None else pa.string()
        return pa.Table.from_pylist(rows, text_schema(self._text_column, id_type))

    def _raw(self, part: Part) -> Iterator[tuple[int, Any]]:
        filesystem, place = _locate(part.file.path)
        with filesystem.open_input_file(place) as file:
            stream: Any = io.BufferedReader(file, 1024**2)
            if part.file.is_compressed:
                stream = gzip.GzipFile(fileobj=stream)
            if part.file.kind == "csv":
                text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
                yield from enumerate(csv.DictReader(text))
            else:
                yield from _lines(stream, part)

    def _document(self, part: Part, raw: Any) -> dict[str, Any]:
        """RETURNS (dict): A row without its place. What cannot be read has an error."""
        try:
            if part.file.kind == "text":
                return {self._text_column: raw.decode("utf8").rstrip("\r\n")}
            record = dict(raw) if part.file.kind == "csv" else json.loads(raw.decode("utf8"))
            if not isinstance(record, dict) or not isinstance(record.get(self._text_column), str):
                raise ValueError(f'no "{self._text_column}"')
            row: dict[str, Any] = {self._text_column: record.pop(self._text_column)}
            row[self._text_column].encode("utf8")
            if self._id_column is not None:
                row[ID] = str(record.pop(self._id_column))
            if (own := record.pop(LABELS, None)) is not None:
                row[LABELS] = json.dumps(own)
            if record:
                # Escaped: half of a surrogate pair is no text for Arrow.
                row[META] = json.dumps(record)
            return row
        except (ValueError, KeyError, RecursionError) as error:
            if self._id_column is not None:
                # It could not be told from others after a restart.
                raise ValueError(
                    Errors.E702.format(path=part.file.path, column=self._id_column, reason=error)
                ) from error
            return {ERROR: Errors.E712.format(path=part.file.path, reason=error)}

    def _read_parquet(self, part: Part) -> pa.Table:
        filesystem, place = _locate(part.file.path)
        with filesystem.open_input_file(place) as file:
            reader = pq.ParquetFile(file)
            self._check_columns(part, reader.schema_arrow.names)
            table = reader.read_row_group(part.group)
        assert part.end is not None
        table = table.slice(part.start - part.group_start, part.end - part.start)
        if self._id_column is None:
            positions = range(part.start, part.end)
            ids = [document_id(part.number, position) for position in positions]
            table = table.append_column(ID, pa.array(ids, pa.int64()))
            sources = pa.array([part.file.path] * len(table), pa.string())
            table = table.append_column(SOURCE, sources)
            table = table.append_column(POSITION, pa.array(positions, pa.int64()))
        elif self._id_column != ID:
            table = table.append_column(ID, table.column(self._id_column))
        return table

    def _check_columns(self, part: Part, present: Sequence[str]) -> None:
        needed = [self._text_column, *([self._id_column] if self._id_column else [])]
        added = [ENTITIES, ERROR, *([] if self._id_column == ID else [ID])]
        added += [] if self._id_column else [SOURCE, POSITION]
        missing = [name for name in needed if name not in present]
        if wrong := missing or [name for name in added if name in present]:
            raise ValueError(Errors.E703.format(path=part.file.path, columns=", ".join(wrong)))


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
