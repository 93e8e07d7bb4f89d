"""Writers of annotated text: a table of formats. What they write, the readers read."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ..document import Document
from .brat import write_brat
from .columns import write_columns, write_inline, write_words
from .docs import write_docs
from .page import write_page
from .parquet import write_parquet
from .records import write_doccano, write_jsonl, write_label_studio, write_prodigy
from .tables import write_csv


@dataclass(frozen=True)
class FileWriter:
    """A format to write.

    write (Callable): Takes the documents, and the open file (or the folder).
    suffixes (tuple[str, ...]): Endings of names that mean it; the first is the usual one.
    needs_words (bool): Whether documents have to be split into words.
    is_folder (bool): Whether it writes a folder instead of a file.
    keeps_meta (bool): Whether it has a place for source, line and other fields of a document.
    """

    write: Callable[[Iterable[Document], Any], None]
    suffixes: tuple[str, ...] = ()
    needs_words: bool = False
    is_folder: bool = False
    keeps_meta: bool = True


WRITERS: dict[str, FileWriter] = {
    "jsonl": FileWriter(write_jsonl, (".jsonl", ".ndjson")),
    "csv": FileWriter(write_csv, (".csv",)),
    "tsv": FileWriter(partial(write_csv, delimiter="\t"), (".tsv",)),
    "docbin": FileWriter(write_docs, (".spacy",), needs_words=True),
    "html": FileWriter(write_page, (".html", ".htm")),
    "conll": FileWriter(write_columns, (".conll", ".bio", ".iob"), needs_words=True),
    "brat": FileWriter(write_brat, is_folder=True),
    "label-studio": FileWriter(write_label_studio, (".json",)),
    "prodigy": FileWriter(write_prodigy),
    "doccano": FileWriter(write_doccano),
    "parquet": FileWriter(write_parquet, (".parquet", ".pq")),
    "words": FileWriter(write_words, needs_words=True),
    "inline": FileWriter(write_inline, (".txt", ".md"), keeps_meta=False),
}


def writer_for(path: Path) -> str | None:
    """RETURNS (str | None): The format that the name of an output means, if any."""
    suffix = path.suffix.lower()
    return next((name for name, writer in WRITERS.items() if suffix in writer.suffixes), None)


__all__ = ["WRITERS", "FileWriter", "writer_for"]
