"""What all readers have in common: files, limits, shuffling, broken records, reports."""

import random
import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path

from spacy.language import Language
from spacy.training import Example

from ..errors import Errors, Warnings
from .files import find_files
from .passage import Passage, make_example
from .read_report import ON_ERROR, ReadReport, check_choice


class CorpusReader(ABC):
    """Streams the Examples of a corpus, as `spacy.Corpus.v1` does.

    path (Union[str, Path]): File, directory or glob pattern; names may end in ".gz".
    limit (int): Read only the first so many passages; 0 for all.
    shuffle (bool): Yield the passages in another order on each call. This reads
        all of them into memory first.
    seed (int): Of the shuffling: the order is the same in each run.
    max_words (int): Leave out passages with more words (counted in the report);
        0 for no limit.
    on_error (str): "raise" stops at a broken record; "skip" leaves it out, counts it and
        warns once at the end (W201).
    dataset (Optional[str]): Name of the data set, for the prompt's `Dataset:` line.
    RAISES (ValueError): E201 (no path), E203 (unknown choice).

    The attribute `report` (ReadReport) counts what the last pass found.
    """

    suffixes: tuple[str, ...] = ()

    def __init__(
        self,
        path: str | Path | None,
        *,
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
        self.path = Path(path)
        self.limit = limit
        self.shuffle = shuffle
        self.seed = seed
        self.max_words = max_words
        self.on_error = on_error
        self.dataset = dataset
        self.report = ReadReport()
        self._n_calls = 0
        self._labels: list[str] | None = None

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
        report = self.report = ReadReport()
        passages = self._counted(nlp, report)
        if self.shuffle:
            order = list(passages)
            random.Random(f"{self.seed}/{self._n_calls}").shuffle(order)
            passages = iter(order)
        self._n_calls += 1
        yield from passages

    def labels(self) -> list[str]:
        """The union of the corpus's label inventories, sorted. The first call scans the
        files; the result is kept."""
        if self._labels is None:
            self._labels = sorted(self._scan_labels())
        return list(self._labels)

    def files(self) -> list[Path]:
        """The files of the corpus, sorted."""
        return find_files(self.path, self.suffixes)

    @abstractmethod
    def _passages(self, nlp: Language, report: ReadReport) -> Iterator[Passage]:
        """Read all passages, passing broken records to `report.handle`."""

    @abstractmethod
    def _scan_labels(self) -> set[str]:
        """Find all labels without tokenizing; broken records are passed over."""

    def _counted(self, nlp: Language, report: ReadReport) -> Iterator[Passage]:
        complete = True
        for passage in self._passages(nlp, report):
            if self.max_words and len(passage.words) > self.max_words:
                report.too_long += 1
                continue
            report.count(passage.entities, len(passage.missing))
            yield passage
            if self.limit and report.passages >= self.limit:
                complete = False
                break
        report.warn(self.path)
        if complete:
            report.check_losses(self.path)
        if complete and not report.entities:
            self.on_no_entities()

    def on_no_entities(self) -> None:
        """Complain about a whole corpus without an entity.

        RAISES (ValueError): E211; with `on_error = "skip"` it is a warning (W203).
        """
        if self.on_error == "raise":
            raise ValueError(Errors.E211.format(path=self.path))
        warnings.warn(Warnings.W203.format(path=self.path), stacklevel=2)
