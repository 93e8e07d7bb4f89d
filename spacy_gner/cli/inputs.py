"""Texts to annotate, from files of every kind that people keep texts in."""

import glob
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spacy.tokens import Doc
from spacy.vocab import Vocab

from ..corpora.document import known_origin
from ..corpora.foreign import foreign_kind, is_markup
from ..corpora.items import (
    JSON_SUFFIXES,
    PARQUET_SUFFIXES,
    Item,
    iter_json,
    iter_parquet,
    iter_table,
)
from ..corpora.read_report import check_choice
from ..corpora.readers.docs import ORIGIN_KEY, is_docbin, load_docs
from ..corpora.readers.offsets import LABELS_FIELD
from ..corpora.source import Source
from ..errors import Errors
from ..formats.labels import LabelsInput
from .headers import guess_table
from .splitting import SPLITS, guess_split, split_text

KINDS = ("text", "json", "csv", "tsv", "docbin", "parquet")
_SUFFIXES = {
    "text": (".txt", ".text", ".md"),
    "json": JSON_SUFFIXES,
    "csv": (".csv",),
    "tsv": (".tsv",),
    "docbin": (".spacy",),
    "parquet": PARQUET_SUFFIXES,
}
_TEXT_FIELD = "text"
_JSON = re.compile(rb'\s*(?:\{\s*["}]|\[\s*[\[{"\]])')


@dataclass(frozen=True)
class InputText:
    """A text and where it came from.

    text (str): The text.
    source (str): The file's name, "-" for standard input.
    line (int): Its first line, its row, or its number in a list; from 1.
    labels (LabelsInput | None): Labels of its own, from the field `gner_labels`.
    meta (dict[str, Any]): What else the file had of it.
    doc (Doc | None): The Doc, if the file held Docs.
    """

    text: str
    source: str
    line: int
    labels: LabelsInput | None = None
    meta: dict[str, Any] = field(default_factory=dict)
    doc: Doc | None = None

    @property
    def n_words(self) -> int:
        """The number of words between white space."""
        return len(self.text.split())


def find_inputs(
    names: Sequence[str], encoding: str | None = None, others: Counter[str] | None = None
) -> list[Source]:
    """Find the files to read.

    names (Sequence[str]): Files, folders (searched for files of known kinds, also inside
        others), glob patterns; "-" is standard input.
    encoding (str | None): Of text.
    others (Counter[str] | None): Gets the endings of files in folders that are passed over.
    RETURNS (list[Source]): Each file once; those of folders and patterns sorted.
    RAISES (ValueError): E028 where there is nothing to read, E221 for the encoding.
    """
    found: dict[Path, Source] = {}
    for name in names:
        for path in _paths(name, Counter() if others is None else others):
            found.setdefault(path, Source(path, encoding))
    return list(found.values())


def _paths(name: str, others: Counter[str]) -> list[Path]:
    path = Path(name)
    if name == "-" or path.is_file():
        return [path]
    known = tuple(suffix for suffixes in _SUFFIXES.values() for suffix in suffixes)
    if path.is_dir():
        files = [f for f in path.rglob("*") if f.is_file() and not f.name.startswith(".")]
        paths = [file for file in files if Source(file).suffix in known]
        passed_over = [file for file in files if Source(file).suffix not in known]
        others.update(file.suffix or file.name for file in passed_over)
        reason = f"no file in the folder ends in {', '.join(known)} (or these with .gz)"
    elif path.exists():
        return [path]  # a pipe or a device
    else:
        paths = [Path(found) for found in glob.iglob(name, recursive=True)]
        paths = [file for file in paths if file.is_file()]
        reason = "there is no such file or folder"
    if not paths:
        raise ValueError(Errors.E028.format(path=name, reason=reason))
    return sorted(paths)


def _kind_by_name(source: Source) -> str | None:
    return next((kind for kind, ends in _SUFFIXES.items() if source.suffix in ends), None)


def guess_kind(source: Source, text_column: str | None = None) -> str:
    """Tell what a file is, by its name where that is enough, else by its content.

    source (Source): The file.
    text_column (str | None): The column of a table's texts; None is "text".
    RETURNS (str): One of `KINDS`.
    RAISES (ValueError): E241 for something else, E251 for a table without that column; E223 and
        E204 for text that is not UTF-8.
    """
    named = _kind_by_name(source)
    if named is not None:
        return named
    head = source.head()
    foreign = foreign_kind(head)
    if foreign is not None:
        raise ValueError(Errors.E241.format(path=source.name, found=foreign))
    if head.startswith(b"PAR1"):
        return "parquet"
    if is_docbin(head):
        return "docbin"
    encoding = source.text_encoding(head)
    try:
        # The last character may be cut off.
        head.decode(encoding or "utf-8", "strict" if len(head) < 1000 else "ignore")
        if encoding is None:
            head[: max(0, len(head) - 4)].decode("utf-8", "strict")
    except UnicodeDecodeError as error:
        if error.end < len(head) - 4:
            raise ValueError(Errors.E204.format(place=source.name, error=error)) from None
    if _JSON.match(head):
        return "json"
    if is_markup(head):
        raise ValueError(Errors.E241.format(path=source.name, found="HTML or XML"))
    return guess_table(source, text_column or _TEXT_FIELD) or "text"


class Inputs:
    """The texts of some files.

    sources (Sequence[Source]): The files.
    kind (str | None): One of `KINDS`; None tells it for each file by name, else content.
    split (str | None): How text files are cut, one of `SPLITS`; None tells it for each file.
    text_column (str | None): The field or column of the text; None is "text".
    RAISES (ValueError): E203 for an unknown kind or split.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        kind: str | None = None,
        split: str | None = None,
        text_column: str | None = None,
    ) -> None:
        if kind is not None:
            check_choice("input-format", kind, KINDS)
        if split is not None:
            check_choice("split", split, SPLITS)
        self.sources = list(sources)
        self.kind = kind
        self.split = split
        self.text_column = text_column
        self.splits: Counter[str] = Counter()
        self.kinds: Counter[str] = Counter()  # of files whose content told them
        self.n_nul = 0

    def read(
        self,
        report: Callable[[str], None],
        vocab: Vocab,
        guessed: Callable[[], None] = lambda: None,
    ) -> Iterator[InputText]:
        """Stream the texts.

        report (Callable[[str], None]): Gets a message for each text, and each file, that cannot
            be read.
        vocab (Vocab): Of the Docs in files of Docs.
        guessed (Callable[[], None]): Called when a file turns out to be of a kind, or is cut in a
            way, that no file before was.
        YIELDS (InputText): The texts.
        RAISES (ImportError): E224 for Parquet without pyarrow.
        """
        self.splits.clear()
        self.kinds.clear()
        self.n_nul = 0
        for source in self.sources:
            try:
                known = {*self.kinds, *self.splits}
                kind, split = self._guess(source)
                if known != {*self.kinds, *self.splits}:
                    guessed()
                yield from self._read(source, kind, split, report, vocab)
            except ValueError as error:
                report(str(error))

    def _guess(self, source: Source) -> tuple[str, str]:
        """RETURNS (tuple[str, str]): The kind, and the split of text ("" for other kinds)."""
        kind = self.kind or guess_kind(source, self.text_column)
        if self.kind is None and _kind_by_name(source) is None:
            self.kinds[kind] += 1
        if kind != "text":
            return kind, ""
        split = self.split or guess_split(source)
        self.splits[split] += 1
        return kind, split

    def _read(
        self,
        source: Source,
        kind: str,
        split: str,
        report: Callable[[str], None],
        vocab: Vocab,
    ) -> Iterator[InputText]:
        if kind == "docbin":
            for number, doc in enumerate(load_docs(source, vocab), 1):
                if doc.text.strip():
                    yield _from_doc(doc, source, number)
        elif kind == "text":
            for number, text in split_text(source, split):
                if isinstance(text, Exception):
                    report(str(text))
                else:
                    yield InputText(self._clean(text), source.name, number)
        else:
            for item in _items(kind, source):
                try:
                    found = self._from_item(item, source)
                except ValueError as error:
                    report(str(error))
                    continue
                if found.text.strip():
                    yield found

    def _from_item(self, item: Item, source: Source) -> InputText:
        value = item.load()
        if isinstance(value, str) and self.text_column is None:
            return InputText(self._clean(value), source.name, item.number)
        if isinstance(value, list) and len(value) == 2 and isinstance(value[1], Mapping):
            value = {_TEXT_FIELD: value[0], **value[1]}  # spaCy's pair of text and annotation
        name = self.text_column or _TEXT_FIELD
        if not isinstance(value, Mapping) or not isinstance(value.get(name), str):
            found = type(value).__name__
            if isinstance(value, Mapping):
                other = type(value[name]).__name__ if name in value else ""
                found = f"{name}: {other}" if other else ", ".join(map(str, value))
            raise ValueError(Errors.E027.format(place=item.place, field=name, found=found))
        meta = {key: member for key, member in value.items() if key != name}
        text = self._clean(value[name])
        return InputText(text, source.name, item.number, _labels(value), meta)

    def _clean(self, text: str) -> str:
        """RETURNS (str): With a blank for each NUL, which belongs to no word; offsets stay."""
        self.n_nul += text.count("\0")
        return text.replace("\0", " ")


def _items(kind: str, source: Source) -> Iterator[Item]:
    if kind == "json":
        return iter_json(source)
    if kind == "parquet":
        return iter_parquet(source)
    return iter_table(source, "\t" if kind == "tsv" else None)


def _labels(value: Mapping[str, Any]) -> LabelsInput | None:
    from ..pipeline.loading import read_labels  # here, since torch takes seconds

    labels = value.get(LABELS_FIELD)
    if isinstance(labels, str):  # in a cell of a table
        labels = read_labels(labels)
    if isinstance(labels, Mapping):
        # Arrow fills mappings up with the keys of other rows.
        labels = {name: wording for name, wording in labels.items() if wording is not None}
    if labels is not None and not isinstance(labels, list | dict):
        raise ValueError(Errors.E004.format(found=labels))
    return labels or None


def _from_doc(doc: Doc, source: Source, number: int) -> InputText:
    origin = known_origin(doc.user_data.get(ORIGIN_KEY))
    meta = origin["meta"] if origin else {}
    return InputText(doc.text, source.name, number, doc._.gner_labels, meta, doc)
