"""`spacy_gner.Corpus.v1` and its relatives for one family of formats each."""

import random
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from spacy.language import Language
from spacy.training import Example
from spacy.util import registry

from ..errors import Errors, Warnings
from .document import Document, TextSpan, to_passage
from .files import find_files
from .labels import check_label, is_usable_label
from .passage import Passage, make_example
from .read_report import ON_ERROR, CorpusError, ReadReport, check_choice
from .readers import FORMAT_NAMES, FORMATS, ReadOptions, guess_format, read_file
from .source import Source


@registry.readers("spacy_gner.Corpus.v1")
class Corpus:
    """Reads annotated text of any known format, and streams Examples as `spacy.Corpus.v1` does.

    Words that a file brings become the tokens. Running text is split by the tokenizer of the
    pipeline; an entity that starts or ends inside a token is counted and left out, and its words
    count as not annotated. Of entities that overlap the longest is taken.

    path (Union[str, Path]): File, directory or glob pattern; files may be gzipped.
    format (str): One of `FORMAT_NAMES`, or "auto": told for each file by name or content.
    labels (Optional[list[str]]): The inventory of the data set, in its order. A label
        outside it is a broken record (E210). None: the inventory that a document has of its own
        (open types, `label_list`, Docs with `gner_labels`), else all labels that occur in the
        other documents, sorted; the files are scanned once for that.
    ignore (Optional[list[str]]): Labels whose words become O and that are not in the
        inventory, such as CrossNER's "miscellaneous".
    rename (Optional[dict[str, str]]): Other names for labels of the files, such as
        `PER = "person"`. All other settings are about the names after that.
    word_column (Optional[int]): Column of the word in files of columns; 0 is the first, -1 the
        last. None: the first.
    tag_column (Optional[int]): Column of the tag. None: the last.
    tag_names (Optional[list[str]]): The tags that integers 0, 1, 2 … stand for.
    encoding (Optional[str]): Of text. None: UTF-8, or UTF-16 with a byte order mark.
    limit (int): Read only the first so many passages; 0 for all.
    shuffle (bool): Yield the passages in another order on each call. This reads
        all of them into memory first.
    seed (int): Of the shuffling: the order is the same in each run.
    max_words (int): Leave out passages with more words (counted in the report);
        0 for no limit.
    on_error (str): "raise" stops at a broken record; "skip" leaves it out, counts it and
        warns once at the end (W201).
    dataset (Optional[str]): Name of the data set, for the prompt's `Dataset:` line.
    RAISES (ValueError): E201 (no path), E203 (unknown choice), E209 (a label that cannot be
        prompted), E221.

    The attribute `report` (ReadReport) counts what the last pass found.
    """

    formats: tuple[str, ...] = FORMAT_NAMES

    def __init__(
        self,
        path: str | Path | None,
        *,
        format: str = "auto",
        labels: list[str] | None = None,
        ignore: list[str] | None = None,
        rename: dict[str, str] | None = None,
        word_column: int | None = None,
        tag_column: int | None = None,
        tag_names: list[str] | None = None,
        encoding: str | None = None,
        limit: int = 0,
        shuffle: bool = False,
        seed: int = 0,
        max_words: int = 0,
        on_error: str = "raise",
        dataset: str | None = None,
    ) -> None:
        check_choice("on_error", on_error, ON_ERROR)
        if path is None or not str(path):
            raise ValueError(Errors.E201)
        check_choice("format", format, ("auto", *self.formats))
        for label in labels or []:
            check_label(label, "labels")
        Source("", encoding)
        self.path = Path(path)
        self.limit = limit
        self.shuffle = shuffle
        self.seed = seed
        self.max_words = max_words
        self.on_error = on_error
        self.dataset = dataset
        self.report = ReadReport()
        self.format = format
        chosen = self.formats if format == "auto" else (format,)
        self.suffixes = tuple(dict.fromkeys(s for name in chosen for s in FORMATS[name].suffixes))
        self.ignore = frozenset(ignore or [])
        self.rename = dict(rename or {})
        self.inventory = None if labels is None else list(dict.fromkeys(labels))
        names = None if tag_names is None else tuple(tag_names)
        self.options = ReadOptions(word_column, tag_column, names)
        self.encoding = encoding
        self._n_calls = 0
        self._streams: dict[str, list[Document | CorpusError | None]] = {}

    def __call__(self, nlp: Language) -> Iterator[Example]:
        """Stream the Examples.

        nlp (Language): Its tokenizer splits running text; data that is split into words
            keeps its words.
        YIELDS (Example): Predicted and reference Doc have the same words; both carry the
            label inventory in `doc._.gner_labels`.
        RAISES (ValueError): E202 (no file), E211 (no entity in the whole corpus),
            CorpusError for a broken record.
        """
        for passage in self.passages(nlp):
            yield make_example(nlp, passage, self.dataset)

    def passages(self, nlp: Language) -> Iterator[Passage]:
        """Stream what the Examples are made from, in about a seventh of their memory.

        nlp (Language): As for the Examples.
        YIELDS (Passage): Words, entities and inventory.
        RAISES (ValueError): As for the Examples.
        """
        passages: Iterator[Passage] = (passage for _, passage in self.counted(nlp))
        if self.shuffle:
            order = list(passages)
            random.Random(f"{self.seed}/{self._n_calls}").shuffle(order)
            passages = iter(order)
        self._n_calls += 1
        yield from passages

    def counted(self, nlp: Language) -> Iterator[tuple[Document, Passage]]:
        """Stream the documents in their order, within the limits, and report about them.

        nlp (Language): Its tokenizer splits running text.
        YIELDS (tuple[Document, Passage]): The document, and its words and entities.
        RAISES (ValueError): As for the Examples.
        """
        report = self.report = ReadReport()
        complete = True
        for document, passage in self.aligned(nlp, report):
            if self.max_words and len(passage.words) > self.max_words:
                report.too_long += 1
                continue
            report.count(passage.entities, len(passage.missing))
            yield document, passage
            if self.limit and report.passages >= self.limit:
                complete = False
                break
        report.warn(self.path)
        if complete:
            report.check_losses(self.path)
            if not report.entities:
                self._on_no_entities()

    def labels(self) -> list[str]:
        """The label inventory: as given, else the union of the inventories of the documents,
        sorted. The first call scans the files; the result is kept."""
        return list(self._found_labels[1] if self.inventory is None else self.inventory)

    def files(self) -> list[Path]:
        """The files of the corpus, sorted. Of brat's pairs, the .ann file."""
        files = find_files(self.path, self.suffixes)
        if len(files) == 1:
            return files
        annotated = {file.with_suffix("") for file in files if file.suffix == ".ann"}
        return [f for f in files if f.suffix == ".ann" or f.with_suffix("") not in annotated]

    def documents(self, report: ReadReport, on_error: str | None = None) -> Iterator[Document]:
        """Stream the documents, relabeled, but neither aligned with words nor limited.

        report (ReadReport): Counts the broken ones.
        on_error (str | None): As the setting of the same name; None: that.
        YIELDS (Document): The documents.
        RAISES (CorpusError): For a broken one.
        """
        on_error = on_error or self.on_error
        for path in self.files():
            for result in self._results(Source(path, self.encoding)):
                if result is None:
                    report.rejected += 1
                elif isinstance(result, CorpusError):
                    report.handle(result, on_error)
                else:
                    try:
                        document = self._relabeled(result)
                    except CorpusError as error:
                        report.handle(error, on_error)
                        continue
                    yield document

    def _results(self, source: Source) -> Iterable[Document | CorpusError | None]:
        if not source.is_stream:
            return read_file(source, self._format_of(source), self.options)
        if source.name not in self._streams:
            # Read once and kept, since the inventory needs a pass of its own.
            results = read_file(source, self._format_of(source), self.options)
            self._streams[source.name] = list(results)
        return self._streams[source.name]

    def _format_of(self, source: Source) -> str:
        if self.format != "auto" or self.formats is Corpus.formats:
            return self.format
        if len(self.formats) == 1:
            return self.formats[0]
        # Of the two that are left, JSON is what begins as JSON.
        return "words" if guess_format(source) == "json" else "conll"

    def aligned(self, nlp: Language, report: ReadReport) -> Iterator[tuple[Document, Passage]]:
        """Stream the documents, each with its words and entities; neither limited nor shuffled.

        nlp (Language): Its tokenizer splits running text.
        report (ReadReport): Counts what is broken or does not fit.
        YIELDS (tuple[Document, Passage]): The document and its passage.
        RAISES (CorpusError): For a broken document.
        """
        for document in self.documents(report):
            inventory = self._inventory_of(document)
            try:
                yield document, to_passage(nlp, document, inventory, report)
            except CorpusError as error:
                report.handle(error, self.on_error)

    def _inventory_of(self, document: Document) -> Sequence[str]:
        """The inventory of a document without its own: labels of all such documents."""
        if self.inventory is not None:
            return self.inventory
        if document.labels is not None or document.answers is not None:
            return ()
        return self._found_labels[0]

    def _relabeled(self, document: Document) -> Document:
        own = document.labels
        if self.inventory is not None:
            own = self.inventory
        elif isinstance(own, Mapping):
            renamed = {self._name(label): wording for label, wording in own.items()}
            own = {label: text for label, text in renamed.items() if label not in self.ignore}
        elif own is not None:
            names = dict.fromkeys(self._name(label) for label in own)
            own = [label for label in names if label not in self.ignore]
        return replace(
            document,
            entities=list(self._entities(document)),
            labels=own,
            answers=self._answers(document),
            is_open=document.is_open and self.inventory is None,
        )

    def _entities(self, document: Document) -> Iterator[TextSpan]:
        for span in document.entities:
            label = self._name(span.label)
            if label in self.ignore:
                continue
            self._check_inventory(label, document)
            yield span._replace(label=label)

    def _answers(self, document: Document) -> dict[str, list[str]] | None:
        if document.answers is None:
            return None
        answers: dict[str, list[str]] = {}
        for old, mentions in document.answers.items():
            label = self._name(old)
            if label not in self.ignore:
                self._check_inventory(label, document)
                answers.setdefault(label, []).extend(mentions)
        return answers

    def _name(self, label: str) -> str:
        return self.rename.get(label, label)

    def _check_inventory(self, label: str, document: Document) -> None:
        if self.inventory is not None and label not in self.inventory:
            check_label(label, document.place)
            inventory = ", ".join(sorted(self.inventory))
            raise CorpusError(
                Errors.E210.format(place=document.place, label=label, inventory=inventory)
            )

    @cached_property
    def _found_labels(self) -> tuple[list[str], list[str]]:
        """The labels of the documents that have no inventory of their own, and all labels. Both
        sorted; the files are scanned once for them."""
        # Broken records are passed over here: the pass that yields Examples reports them.
        shared: set[str] = set()
        own: set[str] = set()
        for document in self.documents(ReadReport(), on_error="skip"):
            if document.answers is not None:
                own.update(filter(is_usable_label, document.answers))
            elif document.labels is None:
                names = {span.label for span in document.entities}
                # One label that cannot be prompted makes its record broken.
                if all(map(is_usable_label, names)):
                    shared |= names
            else:
                own.update(document.labels)
        return sorted(shared), sorted(shared | own)

    def _on_no_entities(self) -> None:
        # With a given inventory, a corpus of negatives is legitimate.
        if self.inventory:
            return
        if self.on_error == "raise":
            raise ValueError(Errors.E211.format(path=self.path))
        warnings.warn(Warnings.W203.format(path=self.path), stacklevel=2)


@registry.readers("spacy_gner.BIOCorpus.v1")
class BIOCorpus(Corpus):
    """Reads sentences of words with BIO tags: JSON with `words` and `labels`, or columns. See
    `Corpus`."""

    formats = ("words", "conll")


@registry.readers("spacy_gner.InlineCorpus.v1")
class InlineCorpus(Corpus):
    """Reads running text with `[mention](type)`: a passage a line, open types. See `Corpus`."""

    formats = ("inline",)


@registry.readers("spacy_gner.PileNER.v1")
class PileNER(Corpus):
    """Reads the conversations of Pile-NER, with open types. See `Corpus`."""

    formats = ("pile-ner",)


@registry.readers("spacy_gner.DocBinCorpus.v1")
class DocBinCorpus(Corpus):
    """Reads what `python -m spacy_gner convert` or `DocBin.to_disk` wrote.

    As with `spacy.Corpus.v1`, but the predicted Doc has the words of the reference, and both
    carry the inventory: evaluation during training asks for the labels of the data
    set, not for those of the component. Only words, entities and the inventory are taken over:
    for the annotation of other components, read with `spacy.Corpus.v1`. See `Corpus`.
    """

    formats = ("docbin",)
