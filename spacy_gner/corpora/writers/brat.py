"""brat: a folder with a .txt and an .ann file for each document."""

import json
import re
from collections.abc import Container, Iterable, Iterator
from pathlib import Path
from typing import Any

from ..document import Document, TextSpan
from ..readers.brat import DOCUMENTS_FILE, TYPES_FILE
from .records import origin_of

_LINE_ENDS = re.compile(r"[\r\n]+")


def write_brat(documents: Iterable[Document], folder: Path) -> None:
    """Write a pair of files for each document, named after its source and line; annotation.conf
    and visual.conf (types have no blanks, so it names the labels); documents.conf with source,
    line and metadata.

    documents (Iterable[Document]): What to write.
    folder (Path): The folder, which exists.
    """
    types: dict[str, str] = {}
    origins: dict[str, dict[str, Any]] = {}
    for document in documents:
        stem = Path(document.source.removesuffix(".gz")).stem.strip("-.") or "text"
        stem = re.sub(r"[^\w-]+", "_", stem)
        name = _free_name(f"{stem}-{document.line}", "-", origins)
        origins[name] = origin_of(document)
        # The first byte order mark is none of the text.
        text = "\ufeff" * document.text.startswith("\ufeff") + document.text
        _write(folder / f"{name}.txt", text)
        _write(folder / f"{name}.ann", "".join(_lines(document, types)))
    labels = sorted(types.items(), key=lambda pair: pair[1])
    entities = "".join(f"{type_}\n" for _, type_ in labels)
    _write(
        folder / "annotation.conf", f"[entities]\n{entities}[relations]\n[events]\n[attributes]\n"
    )
    shown = "".join(f"{type_} | {label}\n" for label, type_ in labels)
    _write(folder / TYPES_FILE, f"[labels]\n{shown}")
    _write(folder / DOCUMENTS_FILE, json.dumps(origins, indent=1, default=str) + "\n")


def _free_name(name: str, separator: str, taken: Container[str]) -> str:
    """RETURNS (str): The name; with a number behind it where others have it already."""
    free, number = name, 1
    while free in taken:
        number += 1
        free = f"{name}{separator}{number}"
    return free


def _lines(document: Document, types: dict[str, str]) -> Iterator[str]:
    for number, span in enumerate(document.entities, 1):
        if span.label not in types:
            name = re.sub(r"[^\w-]+", "_", span.label) or "_"
            types[span.label] = _free_name(name, "_", types.values())
        parts = ";".join(f"{start} {end}" for start, end in _parts(document.text, span))
        mention = " ".join(document.text[span.start : span.end].split())
        yield f"T{number}\t{types[span.label]} {parts}\t{mention}\n"
        if span.score is not None:
            yield f"#{number}\tAnnotatorNotes T{number}\tscore={span.score:.4f}\n"


def _parts(text: str, span: TextSpan) -> Iterator[tuple[int, int]]:
    """RETURNS (Iterator[tuple[int, int]]): The lines of an entity, which brat keeps apart."""
    start = span.start
    for match in _LINE_ENDS.finditer(text, span.start, span.end):
        if match.start() > start:
            yield start, match.start()
        start = match.end()
    if start < span.end:
        yield start, span.end


def _write(path: Path, text: str) -> None:
    path.write_bytes(text.encode("utf8", "replace"))
