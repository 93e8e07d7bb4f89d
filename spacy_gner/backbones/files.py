"""Directories: replaced whole or not at all, checked, packed into bytes."""

import glob
import json
import os
import shutil
import stat
import tempfile
import time
import uuid
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import srsly

from ..errors import Errors

MAX_BYTES = 2**32 - 1
_CHECKSUMS = "checksums.json"


def read_object(path: Path) -> dict[str, Any]:
    """Read a file that holds a JSON object.

    path (Path): The file.
    RETURNS (dict[str, Any]): The object.
    RAISES (ValueError): E023 when it cannot be read, or holds something else.
    """
    try:
        found = json.loads(path.read_text(encoding="utf8"))
    # Nested a hundred thousand times, JSON exhausts the stack.
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(Errors.E023.format(path=path, reason=error)) from error
    if not isinstance(found, dict):
        reason = f"it holds a {type(found).__name__} instead of an object"
        raise ValueError(Errors.E023.format(path=path, reason=reason))
    return found


def write_object(path: Path, values: dict[str, Any]) -> None:
    """Write a file with a JSON object. A process that is killed leaves the old one or the new one.

    path (Path): The file.
    values (dict[str, Any]): The object.
    """
    new = path.with_name(f".{path.name}.new-{uuid.uuid4().hex}")
    try:
        new.write_text(json.dumps(values, indent=1), encoding="utf8")
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)
        for leftover in _beside(path, "new"):
            leftover.unlink(missing_ok=True)


@contextmanager
def folder_beside(target: Path) -> Iterator[Path]:
    """Make a directory beside another one, under a name of its own.

    target (Path): The other one, there or not.
    YIELDS (Path): The directory; it is removed afterwards, if it is still there.
    """
    # Not of `tempfile`, whose directories nobody else may read.
    folder = target.parent / f".{target.name}.new-{uuid.uuid4().hex}"
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def replaced_directory(path: Path) -> Iterator[Path]:
    """Write a directory anew. A process that is killed at any moment leaves the old one or
    the new one, see `recover_directory`; an error leaves the old one.

    path (Path): The directory, there or not. What earlier processes that were killed left
        beside it is removed.
    YIELDS (Path): Where to write; it takes the directory's place afterwards.
    """
    recover_directory(path)
    remove_leftovers(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with folder_beside(path) as new:
        yield new
        old = path.parent / f".{path.name}.old-{uuid.uuid4().hex}"
        # From here on nothing is written any more: each of the two is complete.
        if path.exists():
            path.rename(old)
        new.rename(path)
    remove_leftovers(path)


def recover_directory(path: Path) -> None:
    """Put a directory back that a process had put aside when it was killed.

    path (Path): The directory.
    """
    if path.exists():
        return
    for old in _beside(path, "old"):
        old.rename(path)
        return


def _beside(path: Path, kind: str) -> list[Path]:
    """RETURNS (list[Path]): What was put beside a file or directory: "new" or "old" ones."""
    # A name may hold characters that are signs of patterns.
    return sorted(path.parent.glob(f".{glob.escape(path.name)}.{kind}-*"))


def remove_leftovers(path: Path, min_age: float = 0.0) -> None:
    """Remove what processes that were killed left beside a directory.

    path (Path): The directory.
    min_age (float): Seconds since the folder was last written to; what is younger may be in use.
    """
    now = time.time()
    for kind in ("new", "old"):
        for folder in _beside(path, kind):
            # Another process may have been faster.
            with suppress(FileNotFoundError):
                if now - folder.lstat().st_mtime >= min_age:
                    shutil.rmtree(folder, ignore_errors=True)


def check_links(folder: Path) -> None:
    """Refuse files that are links to somewhere else: whoever made the folder could have meant any
    file of the one who loads it, to be copied into what is saved next.

    folder (Path): The folder of a model or a component. In a cache of the model hub, whose files
        are links, they may lead into its folder of contents ("blobs") as well.
    RAISES (ValueError): E045, with the file.
    """
    root = folder.resolve()
    allowed = [root]
    for parent in root.parents:
        if parent.name == "snapshots" and parent.parent.name.startswith("models--"):
            allowed.append(parent.parent / "blobs")
    for path in folder.rglob("*"):
        if path.is_symlink() and not any(map(path.resolve().is_relative_to, allowed)):
            raise ValueError(Errors.E045.format(path=path, folder=folder))


def write_checksums(folder: Path) -> None:
    """Write down sizes and checksums of the files in a folder, for `is_intact`.

    folder (Path): The folder; its folders are not looked at.
    """
    files = sorted(p for p in folder.iterdir() if p.is_file() and p.name != _CHECKSUMS)
    found = {p.name: [p.stat().st_size, _checksum(p)] for p in files}
    (folder / _CHECKSUMS).write_text(json.dumps(found, indent=1) + "\n", encoding="utf8")


def is_intact(folder: Path) -> bool:
    """RETURNS (bool): Whether the files of a folder are those that `write_checksums` saw.

    folder (Path): The folder, there or not."""
    try:
        expected = read_object(folder / _CHECKSUMS)
        # Sizes first: most of what is broken is cut off.
        return (
            bool(expected)
            and all((folder / name).stat().st_size == size for name, (size, _) in expected.items())
            and all(_checksum(folder / name) == value for name, (_, value) in expected.items())
        )
    except (OSError, ValueError, TypeError):
        return False


def _checksum(path: Path) -> int:
    # Against damage, not against somebody: half of the time of sha256.
    value = 0
    with path.open("rb") as file:
        while block := file.read(2**20):
            value = zlib.crc32(block, value)
    return value


def make_world_readable(folder: Path) -> None:
    """Give all files of a directory the permissions that new files have: safetensors makes its
    own readable for their owner only, but pipelines and caches are for others too.

    folder (Path): With a configuration in JSON among its files.
    """
    mode = next(folder.glob("*config.json")).stat().st_mode
    for file in folder.rglob("*"):
        if file.is_file():
            file.chmod(stat.S_IMODE(mode))


def directory_to_bytes(path: Path) -> bytes:
    """Pack a directory.

    path (Path): The directory. Links are left out.
    RETURNS (bytes): Relative names and contents of its files, as msgpack.
    RAISES (ValueError): E022 above 4 GiB, which msgpack cannot hold.
    """
    files = sorted(p for p in path.rglob("*") if p.is_file() and not p.is_symlink())
    size = sum(p.stat().st_size for p in files)
    if size > MAX_BYTES:
        raise ValueError(Errors.E022.format(size=size / 2**30))
    contents = {p.relative_to(path).as_posix(): p.read_bytes() for p in files}
    return bytes(srsly.msgpack_dumps(contents))


@contextmanager
def bytes_to_directory(data: bytes) -> Iterator[Path]:
    """Unpack what `directory_to_bytes` packed into a temporary directory.

    data (bytes): The packed directory.
    YIELDS (Path): The directory; it is removed afterwards.
    RAISES (ValueError): E023 for anything else.
    """
    with tempfile.TemporaryDirectory(prefix="spacy-gner-") as folder:
        root = Path(os.path.realpath(folder))
        try:
            packed = srsly.msgpack_loads(data)
            if not isinstance(packed, dict):
                raise TypeError("they are no packed directory")
            for name, content in packed.items():
                _unpack(root, name, content)
        # msgpack raises all sorts of things.
        except Exception as error:
            raise ValueError(Errors.E023.format(path="bytes", reason=error)) from error
        yield root


def _unpack(root: Path, name: str, content: bytes) -> None:
    target = (root / name).resolve()
    if root not in target.parents:
        raise ValueError(f"the name {name!r} leads out of it")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)
