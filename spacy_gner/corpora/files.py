"""Finding the files of a corpus, gzipped or not."""

import glob
from collections.abc import Sequence
from pathlib import Path

from ..errors import Errors
from .read_report import CorpusError


def find_files(path: Path, suffixes: Sequence[str]) -> list[Path]:
    """Find the files of a corpus.

    path (Path): A file (any name), a directory (searched for files with
        one of the suffixes, also in its subdirectories), or a glob pattern.
    suffixes (Sequence[str]): Such as ".jsonl"; a further ".gz" is always allowed.
    RETURNS (list[Path]): The files, sorted by name.
    RAISES (ValueError): E202 if there is no such file.
    """
    if str(path) == "-" or (path.exists() and not path.is_dir()):
        return [path]  # a file, or a stream
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
