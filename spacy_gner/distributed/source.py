"""The files of a run, cut into parts that workers read independently."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import pyarrow as pa
from pyarrow import fs
from ray.data import Datasource, ReadTask
from ray.data.block import BlockMetadata

from ..errors import Errors
from .reading import SUFFIXES, InputFile, Part, PartReader, locate


def list_files(paths: Sequence[str]) -> list[InputFile]:
    """Find the files to read.

    paths (Sequence[str]): Files and directories, local or as URIs (s3://, gs://, hdfs://).
    RETURNS (list[InputFile]): In the order given, directories by name; each file once.
    RAISES (ValueError): E028 for what is not there, E701 for a directory without texts.
    """
    found: list[InputFile] = []
    for path in paths:
        filesystem, place = locate(path)
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
    return list(dict.fromkeys(found))


class TextSource(Datasource):
    """Documents for Ray Data. Texts: one a line. JSONL: the objects' text, labels of their own
    in "gner_labels", the rest in "meta". CSV and TSV: with a header. Parquet: all columns."""

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
        RAISES (ValueError): E028 and E703 for files that cannot be read, or not so; E704 for
            Parquet mixed with others, E705 for ids in plain text, E713 for other kinds of files.
        """
        super().__init__()  # type: ignore[no-untyped-call]
        kinds = {file.kind for file in files}
        if "parquet" in kinds and len(kinds) > 1:
            raise ValueError(Errors.E704.format(kinds=", ".join(sorted(kinds))))
        if "text" in kinds and id_column is not None:
            raise ValueError(Errors.E705.format(column=id_column))
        self._reader = PartReader(text_column, id_column)
        for file in files:
            self._reader.check(file)
        self._files = list(files)
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
                partial(_read_blocks, self._reader, part),
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
        metadata = self._reader.metadata(file)
        first = 0
        for group in range(metadata.num_row_groups):
            info = metadata.row_group(group)
            bytes_per_row = max(1, info.total_byte_size // max(1, info.num_rows))
            step = max(1, self._part_bytes // bytes_per_row)
            for start in range(first, first + info.num_rows, step):
                end = min(start + step, first + info.num_rows)
                yield Part(file, number, start, end, group, first)
            first += info.num_rows

    def read(self, part: Part) -> pa.Table:
        """RETURNS (pa.Table): The documents of a part."""
        return self._reader.read(part)


def _read_blocks(reader: PartReader, part: Part) -> list[pa.Table]:
    return [reader.read(part)]
