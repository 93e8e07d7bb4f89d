"""Directories: written beside and renamed, packed into bytes, readable for others."""

import shutil
import stat
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import srsly

from ..errors import Errors

MAX_BYTES = 2**32 - 1


@contextmanager
def folder_beside(target: Path) -> Iterator[Path]:
    """Make a directory beside another one, under a name of its own.

    target (Path): The other one, there or not.
    YIELDS (Path): The directory; it is removed afterwards, if it is still there.
    """
    # Not of `tempfile`, whose directories nobody else may read.
    folder = target.parent / f".{target.name}-{uuid.uuid4().hex}"
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def share_files(folder: Path) -> None:
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

    path (Path): The directory.
    RETURNS (bytes): Relative names and contents of its files, as msgpack.
    RAISES (ValueError): E022 above 4 GiB, which msgpack cannot hold.
    """
    files = sorted(p for p in path.rglob("*") if p.is_file())
    size = sum(p.stat().st_size for p in files)
    if size > MAX_BYTES:
        raise ValueError(Errors.E022.format(size=size / 2**30))
    return srsly.msgpack_dumps({p.relative_to(path).as_posix(): p.read_bytes() for p in files})


@contextmanager
def bytes_to_directory(data: bytes) -> Iterator[Path]:
    """Unpack what `directory_to_bytes` packed into a temporary directory.

    data (bytes): The packed directory.
    YIELDS (Path): The directory; it is removed afterwards.
    """
    with tempfile.TemporaryDirectory(prefix="spacy-gner-") as folder:
        root = Path(folder).resolve()
        for name, content in srsly.msgpack_loads(data).items():
            target = (root / name).resolve()
            if root not in target.parents:
                reason = f"the name {name!r} leads out of it"
                raise ValueError(Errors.E023.format(path="bytes", reason=reason))
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        yield root
