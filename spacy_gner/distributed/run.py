"""The state of a run on disk: what it was asked for, what it has written."""

import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow.parquet as pq
from pyarrow import fs

from ..about import __version__
from ..errors import Errors
from .reading import InputFile, locate

MANIFEST, SUMMARY = "run.json", "summary.json"


@dataclass(frozen=True)
class Summary:
    """What a run has done, over all its starts.

    documents (int): Documents written.
    words (int): Their words, between white space.
    entities (int): Entities found.
    errors (dict[str, int]): Documents that failed, by the code of the error.
    """

    documents: int
    words: int
    entities: int
    errors: dict[str, int]


class RunDirectory:
    """The directory of a run: `shards/` with the results, `checkpoint/` with the ids of the
    documents that they have, run.json, and summary.json when all is done.

    The attributes `shards` and `checkpoint` (str) say where these two are.
    """

    def __init__(self, path: str) -> None:
        """Use a directory.

        path (str): Local, or a URI; every node of the cluster must reach it.
        """
        self.path = path.rstrip("/")
        self.shards = f"{self.path}/shards"
        self.checkpoint = f"{self.path}/checkpoint"
        self.filesystem, self._place = locate(self.path)

    def check_outside(self, paths: Sequence[str]) -> None:
        """Check that a later start will not find results among its inputs.

        paths (Sequence[str]): Of the inputs.
        RAISES (ValueError): E714 for an output inside of one of them.
        """
        own = _absolute(self.path)
        for path in paths:
            if f"{own}/".startswith(f"{_absolute(path)}/"):
                raise ValueError(Errors.E714.format(path=self.path, input=path))

    def begin(self, files: Sequence[InputFile], options: Mapping[str, Any]) -> bool:
        """Begin a run, or go on with one.

        files (Sequence[InputFile]): What is read.
        options (Mapping): What the results depend on; for JSON.
        RETURNS (bool): Whether there is something to go on with.
        RAISES (ValueError): E706 when the directory has other things in it.
        """
        wanted = {
            "version": __version__,
            "files": [[file.path, file.size] for file in files],
            "options": json.loads(json.dumps(options)),
        }
        found = self._read(MANIFEST)
        if found is None:
            selector = fs.FileSelector(self._place, allow_not_found=True)
            if self.filesystem.get_file_info(selector):
                raise ValueError(Errors.E706.format(path=self.path, reason="it has other files"))
            self.filesystem.create_dir(f"{self._place}/shards", recursive=True)
            self._write(MANIFEST, wanted)
            return False
        changed = [name for name in wanted if found.get(name) != wanted[name]]
        if changed:
            reason = f"with other {' and '.join(changed)}"
            raise ValueError(Errors.E706.format(path=self.path, reason=reason))
        return True

    def withdraw(self) -> None:
        """Forget that a run was begun, if it has written nothing."""
        if not self.shard_paths():
            self.filesystem.delete_file(f"{self._place}/{MANIFEST}")
            for name in ("shards", "checkpoint", "attempts"):
                self._remove(f"{self._place}/{name}")

    def finished(self) -> Summary | None:
        """RETURNS (Summary | None): The summary of a run that is done."""
        found = self._read(SUMMARY)
        return None if found is None else Summary(**found)

    def finish(self, summary: Summary) -> None:
        """Mark the run as done. The ids of its documents are not needed any more."""
        self._write(SUMMARY, asdict(summary))
        for name in ("checkpoint", "attempts"):
            self._remove(f"{self._place}/{name}")

    def new_folder(self, name: str) -> str:
        """RETURNS (str): An empty folder in the directory, in the form of the file system."""
        path = f"{self._place}/{name}"
        self._remove(path)
        self.filesystem.create_dir(path)
        return path

    def _remove(self, path: str) -> None:
        if self.filesystem.get_file_info(path).type == fs.FileType.Directory:
            self.filesystem.delete_dir(path)

    def shard_paths(self) -> list[str]:
        """RETURNS (list[str]): The files with results, in the form of the file system."""
        selector = fs.FileSelector(f"{self._place}/shards", recursive=True, allow_not_found=True)
        found = self.filesystem.get_file_info(selector)
        return sorted(entry.path for entry in found if entry.type == fs.FileType.File)

    def _read(self, name: str) -> dict[str, Any] | None:
        path = f"{self._place}/{name}"
        if self.filesystem.get_file_info(path).type == fs.FileType.NotFound:
            return None
        try:
            with self.filesystem.open_input_stream(path) as stream:
                read: dict[str, Any] = json.loads(stream.read())
                return read
        except ValueError as error:
            reason = f"its {name} cannot be read: {error}"
            raise ValueError(Errors.E706.format(path=self.path, reason=reason)) from error

    def _write(self, name: str, content: Mapping[str, Any]) -> None:
        # Written beside and renamed: a killed driver leaves no half of it.
        path = f"{self._place}/{name}"
        with self.filesystem.open_output_stream(f"{path}.new") as stream:
            stream.write(json.dumps(content, indent=1).encode())
        self.filesystem.move(f"{path}.new", path)


def _absolute(path: str) -> str:
    return path.rstrip("/") if "://" in path else os.path.realpath(path)


def count_shard(filesystem: Any, path: str, text_column: str) -> Summary:
    """Count what is in a file of results.

    filesystem (pyarrow.fs.FileSystem): Where it is.
    path (str): The file.
    text_column (str): Where the texts are.
    RETURNS (Summary): Of this file.
    """
    documents = words = entities = 0
    errors: Counter[str] = Counter()
    with filesystem.open_input_file(path) as file:
        if path.endswith(".parquet"):
            columns = [text_column, "entities", "error"]
            batches = pq.ParquetFile(file).iter_batches(columns=columns)
            rows: Any = (row for batch in batches for row in batch.to_pylist())
        else:
            rows = (json.loads(line) for line in file.read().splitlines())
        for row in rows:
            documents += 1
            words += len((row[text_column] or "").split())
            entities += len(row["entities"])
            if row["error"] is not None:
                errors[row["error"].partition("]")[0].lstrip("[")] += 1
    return Summary(documents, words, entities, dict(errors))


def add_up(parts: Sequence[Summary]) -> Summary:
    """RETURNS (Summary): Of all parts."""
    errors: Counter[str] = Counter()
    for part in parts:
        errors.update(part.errors)
    return Summary(
        sum(part.documents for part in parts),
        sum(part.words for part in parts),
        sum(part.entities for part in parts),
        dict(sorted(errors.items())),
    )
