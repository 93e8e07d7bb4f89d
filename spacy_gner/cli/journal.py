"""What a run has annotated so far: JSON lines beside the output, from which a run goes on."""

import base64
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from ..corpora.document import Document
from ..corpora.read_report import CorpusError
from ..corpora.readers.offsets import read_offsets
from ..corpora.readers.options import ReadOptions
from ..corpora.writers.records import document_record, write_line
from ..errors import Errors
from .inputs import InputText
from .targets import beside

_HEADER = "annotate"
# Not fields of the documents: what single formats need beside them.
_WORDS, _SPACES, _PACKED = "_words", "_spaces", "_docbin"

Key = tuple[str, int, str]


class Journal:
    """The documents of a run, one a line, each on disk before the next is begun.

    path (Path): The file, beside the output.
    settings (dict[str, Any]): Of the run; a run goes on only with the same.
    """

    def __init__(self, output: Path, settings: dict[str, Any]) -> None:
        """Open the journal of an output. Nothing is read or written yet.

        output (Path): The output.
        settings (dict[str, Any]): What must be the same when a run goes on.
        """
        self.path = beside(output, ".part")
        self.settings: dict[str, Any] = json.loads(json.dumps(settings))

    def exists(self) -> bool:
        """Whether an earlier run left a journal."""
        return self.path.is_file()

    def done(self) -> Counter[Key]:
        """Read what an earlier run has done, and cut off a line that it did not finish.

        RETURNS (Counter[Key]): Source, line and a hash of the text of each document.
        RAISES (ValueError): E244 for other settings, E245 for a file that is no journal.
        """
        found = self.header()
        for name, value in self.settings.items():
            if found.get(name) != value:
                raise ValueError(
                    Errors.E244.format(path=self.path, name=name, before=found.get(name), now=value)
                )
        data = self.path.read_bytes()
        end = data.rfind(b"\n") + 1
        if end < len(data):
            with self.path.open("r+b") as file:
                file.truncate(end)
        keys: Counter[Key] = Counter()
        for document in self.documents():
            keys[document.source, document.line, _hash(document.text)] += 1
        return keys

    def header(self) -> dict[str, Any]:
        """RETURNS (dict[str, Any]): The settings of the earlier run.
        RAISES (ValueError): E245 for a file that is no journal: it is not to be thrown away."""
        with self.path.open("rb") as file:
            try:
                return dict(json.loads(file.readline())[_HEADER])
            except (ValueError, KeyError, TypeError) as error:
                raise ValueError(Errors.E245.format(path=self.path, error=error)) from None

    def documents(self) -> Iterator[Document]:
        """Read the documents back.

        YIELDS (Document): With words or a packed Doc where they were kept.
        RAISES (ValueError): E245 for a line that is broken.
        """
        with self.path.open("rb") as file:
            next(file)
            for number, line in enumerate(file, 2):
                try:
                    yield _read(json.loads(line), f"{self.path}:{number}")
                except (ValueError, KeyError, TypeError, CorpusError) as error:
                    raise ValueError(Errors.E245.format(path=self.path, error=error)) from None

    def __enter__(self) -> "Journal":
        self.path.parent.mkdir(parents=True, exist_ok=True)
        is_new = not self.exists()
        self._file = self.path.open("ab")
        if is_new:
            write_line(self._file, {_HEADER: self.settings})
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def write(self, document: Document) -> None:
        """Write a document.

        document (Document): Its words, and the packed Doc, are kept if it has them.
        """
        record = document_record(document)
        if document.words is not None:
            record[_WORDS] = list(document.words)
            spaces = document.spaces or [True] * len(document.words)
            record[_SPACES] = [int(space) for space in spaces]
        if document.packed is not None:
            record[_PACKED] = base64.b64encode(document.packed).decode("ascii")
        write_line(self._file, record)

    def remove(self) -> None:
        """Remove the file, which may not exist."""
        self.path.unlink(missing_ok=True)


def key_of(text: InputText) -> Key:
    """RETURNS (Key): What a text is known by when a run goes on."""
    return text.source, text.line, _hash(text.text)


def _hash(text: str) -> str:
    return sha256(text.encode("utf8", "surrogatepass")).hexdigest()


def _read(record: dict[str, Any], place: str) -> Document:
    words, spaces = record.pop(_WORDS, None), record.pop(_SPACES, None)
    packed = record.pop(_PACKED, None)
    document = read_offsets(record, place, ReadOptions())
    assert document is not None
    return replace(
        document,
        words=words,
        spaces=None if spaces is None else list(map(bool, spaces)),
        packed=None if packed is None else base64.b64decode(packed),
    )
