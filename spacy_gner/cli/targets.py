"""Writing outputs so that nothing is lost: beside the target, and renamed at the end."""

import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from ..corpora.document import Document
from ..corpora.read_report import check_choice
from ..corpora.readers.brat import DOCUMENTS_FILE
from ..corpora.writers import WRITERS, writer_for
from ..errors import Errors


def output_format(given: str | None, output: Path | None, default: str | None = None) -> str:
    """Find out what to write.

    given (str | None): The format that the user named.
    output (Path | None): The output, whose name may tell it; None is standard output.
    default (str | None): Where neither does; a name with an unknown ending has no default.
    RETURNS (str): A name in `WRITERS`.
    RAISES (ValueError): E216 where nothing tells, E203 for an unknown name, E237 for a folder on
        standard output, E250 for what is no name.
    """
    if output is not None and not output.name:
        raise ValueError(
            Errors.E250.format(path=repr(str(output)), reason="it is no name of a file")
        )
    told = None if output is None else writer_for(output)
    ends = output is not None and bool(output.suffix)
    name = given or told or (None if ends else default)
    if name is None:
        raise ValueError(Errors.E216.format(output=output, formats=", ".join(WRITERS)))
    check_choice("format", name, tuple(WRITERS))
    if output is None and WRITERS[name].is_folder:
        raise ValueError(Errors.E237.format(format=name))
    return name


def check_output(output: Path, inputs: Iterable[Path], overwrite: bool) -> None:
    """Refuse an output that would destroy something.

    output (Path): Where to write.
    inputs (Iterable[Path]): The files that are read.
    overwrite (bool): Whether the user wants an existing output replaced.
    RAISES (ValueError): E235 for an output that exists, E236 for one that is an input or lies
        where a folder would be replaced that holds other things.
    """
    resolved = output.resolve()
    for file in inputs:
        if file.resolve() == resolved or resolved in file.resolve().parents:
            raise ValueError(Errors.E236.format(path=output))
    if output.is_dir():
        if any(output.iterdir()) and not (overwrite and (output / DOCUMENTS_FILE).is_file()):
            raise ValueError(Errors.E238.format(path=output))
    elif is_device(output):
        return
    elif output.exists() and not overwrite:
        raise ValueError(Errors.E235.format(path=output))


def is_device(output: Path) -> bool:
    """RETURNS (bool): Whether an output is neither a file nor a folder, such as /dev/stdout:
    what is written there cannot be taken back, nor can anything stand beside it."""
    return output.exists() and not output.is_file() and not output.is_dir()


def beside(output: Path, ending: str) -> Path:
    """RETURNS (Path): The name of a file beside an output."""
    return output.with_name(output.name + ending)


def write_documents(documents: Iterable[Document], format: str, output: Path | None) -> None:
    """Write documents, as they come, to a file beside the output that takes its place at the end.

    documents (Iterable[Document]): What to write.
    format (str): A name in `WRITERS`.
    output (Path | None): The file or folder; None is standard output.
    RAISES (OSError): If it cannot be written; what stood there before is as it was.
    """
    writer = WRITERS[format]
    if not writer.keeps_meta:
        documents = _say_what_is_left_out(documents, format)
    if output is None:
        stream = cast(BinaryIO, sys.stdout.buffer)
        writer.write(documents, stream)
        stream.flush()
    elif is_device(output):
        with output.open("wb") as device:
            writer.write(documents, device)
    else:
        with _replacing(output, writer.is_folder) as path:
            if writer.is_folder:
                writer.write(documents, path)
            else:
                with path.open("wb") as file:
                    writer.write(documents, file)
                    file.flush()
                    os.fsync(file.fileno())


def _say_what_is_left_out(documents: Iterable[Document], format: str) -> Iterator[Document]:
    """Say with the first document that has other fields that they are not written."""
    is_said = False
    for document in documents:
        if document.meta and not is_said:
            is_said = True
            fields = ", ".join(map(str, document.meta))
            print(
                f"The format {format} has no place for other fields of a text ({fields}): they are "
                "left out. jsonl keeps them.",
                file=sys.stderr,
            )
        yield document


@contextmanager
def _replacing(output: Path, is_folder: bool) -> Iterator[Path]:
    output.parent.mkdir(parents=True, exist_ok=True)
    new, old = beside(output, ".gner-new"), beside(output, ".gner-old")
    for leftover in (new, old):
        _remove(leftover)
    if is_folder:
        new.mkdir()
    try:
        yield new
    except BaseException:
        _remove(new)
        raise
    if is_folder and output.is_dir():
        output.rename(old)
    os.replace(new, output)
    _remove(old)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
