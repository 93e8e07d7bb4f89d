"""Finding the files of a corpus and reading their lines, gzipped or not."""

import glob
import gzip
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, cast

from ..errors import Errors
from .read_report import CorpusError


def find_files(path: str | Path | None, suffixes: Sequence[str]) -> list[Path]:
    """Find the files of a corpus.

    path (Union[str, Path]): A file (any name), a directory (searched for files with
        one of the suffixes, also in its subdirectories), or a glob pattern.
    suffixes (Sequence[str]): Such as ".jsonl"; a further ".gz" is always allowed.
    RETURNS (list[Path]): The files, sorted by name.
    RAISES (ValueError): E201 without a path, E202 if there is no such file.
    """
    if path is None or not str(path):
        raise ValueError(Errors.E201)
    path = Path(path)
    if path.is_file():
        return [path]
    if path.is_dir():
        candidates = path.rglob("*")
    else:
        candidates = (Path(name) for name in glob.iglob(str(path), recursive=True))
    # A pattern says itself which files are meant; a directory may hold others too.
    wanted = tuple(suffixes) if path.is_dir() else ("",)
    files = [
        file
        for file in candidates
        if file.is_file() and not file.name.startswith(".") and plain_name(file).endswith(wanted)
    ]
    if not files:
        raise ValueError(Errors.E202.format(path=path, suffixes=", ".join(suffixes)))
    return sorted(files)


def plain_name(path: Path) -> str:
    """The lower-case name of a file without a final ".gz"."""
    return path.name.lower().removesuffix(".gz")


def open_binary(path: Path) -> BinaryIO:
    """Open a file for reading bytes; a name that ends in ".gz" is decompressed."""
    if path.name.lower().endswith(".gz"):
        return cast(BinaryIO, gzip.open(path, "rb"))
    return open(path, "rb")


def iter_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Iterate over the lines of a file, without their line ends.

    Only "\\n" and "\\r\\n" end a line, so that other separators may stand in texts.

    path (Path): The file; ".gz" is decompressed.
    YIELDS (tuple[int, bytes]): The number of the line (from 1) and its bytes.
    RAISES (CorpusError): E220 for a compressed file that is broken.
    """
    try:
        with open_binary(path) as file:
            for number, line in enumerate(file, 1):
                if number == 1:
                    line = line.removeprefix(b"\xef\xbb\xbf")
                yield number, line.rstrip(b"\r\n")
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise CorpusError(Errors.E220.format(path=path, error=error)) from None


def decode(line: bytes, place: str) -> str:
    """Decode a line.

    line (bytes): UTF-8.
    place (str): File and line, for the error.
    RETURNS (str): The text.
    RAISES (CorpusError): E204.
    """
    try:
        return line.decode("utf8")
    except UnicodeDecodeError as error:
        raise CorpusError(Errors.E204.format(place=place, error=error)) from None
