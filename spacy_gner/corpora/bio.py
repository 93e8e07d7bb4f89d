"""`spacy_gner.BIOCorpus.v1`: sentences that are split into words, with BIO tags."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from spacy import registry
from spacy.language import Language
from spacy.training import Example

from ..errors import Errors
from .labels import check_label
from .passage import Passage
from .read_report import CorpusError, ReadReport, check_choice
from .reader import CorpusReader
from .sentences import (
    CONLL_SUFFIXES,
    FORMATS,
    JSONL_SUFFIXES,
    Sentence,
    guess_format,
    iter_records,
    parse_record,
)


@registry.readers("spacy_gner.BIOCorpus.v1")
def make_bio_corpus(
    path: Path | None,
    format: str = "auto",
    labels: list[str] | None = None,
    ignore: list[str] | None = None,
    rename: dict[str, str] | None = None,
    limit: int = 0,
    shuffle: bool = False,
    seed: int = 0,
    max_words: int = 0,
    on_error: str = "raise",
    dataset: str | None = None,
) -> Callable[[Language], Iterable[Example]]:
    """Make a reader of JSONL (`{"words": [...], "labels": [...]}` lines) or CoNLL columns
    (word first, tag last, a blank line after each sentence). See `BIOCorpus`."""
    return BIOCorpus(
        path,
        format=format,
        labels=labels,
        ignore=ignore,
        rename=rename,
        limit=limit,
        shuffle=shuffle,
        seed=seed,
        max_words=max_words,
        on_error=on_error,
        dataset=dataset,
    )


class BIOCorpus(CorpusReader):
    """Reads sentences of words with BIO tags; the words become the tokens.

    path (Union[str, Path]): File, directory or glob pattern; names may end in ".gz".
    format (str): "jsonl", "conll", or "auto": by each file's name, else its content.
    labels (Optional[list[str]]): The inventory of the data set, in its order. A label
        outside it is a broken record (E210). None: all labels that occur in the files,
        sorted; the files are scanned once for that.
    ignore (Optional[list[str]]): Labels whose words become O and that are not in the
        inventory, such as CrossNER's "miscellaneous".
    rename (Optional[dict[str, str]]): Other names for labels of the files, such as
        `PER = "person"`. All other settings are about the names after that.
    kwargs: See `CorpusReader`.
    RAISES (ValueError): E201, E203, E209 (a label that cannot be prompted).
    """

    def __init__(
        self,
        path: str | Path | None,
        *,
        format: str = "auto",
        labels: list[str] | None = None,
        ignore: list[str] | None = None,
        rename: dict[str, str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(path, **kwargs)
        check_choice("format", format, FORMATS)
        for label in labels or []:
            check_label(label, "labels")
        self.format = format
        by_format = {"jsonl": JSONL_SUFFIXES, "conll": CONLL_SUFFIXES}
        self.suffixes = by_format.get(format, JSONL_SUFFIXES + CONLL_SUFFIXES)
        self.ignore = frozenset(ignore or [])
        self.rename = dict(rename or {})
        self.inventory = None if labels is None else list(dict.fromkeys(labels))

    def labels(self) -> list[str]:
        """The label inventory: as given, else all labels of the files, sorted."""
        return super().labels() if self.inventory is None else list(self.inventory)

    def _passages(self, nlp: Language, report: ReadReport) -> Iterator[Passage]:
        inventory = self.labels()
        for sentence in self._sentences(report, self.on_error, frozenset(inventory)):
            yield Passage(
                words=sentence.words,
                entities=sentence.entities,
                labels=inventory,
                missing=sentence.missing,
            )

    def _sentences(
        self, report: ReadReport, on_error: str, allowed: frozenset[str] | None
    ) -> Iterator[Sentence]:
        for path in self.files():
            file_format = guess_format(path) if self.format == "auto" else self.format
            for record in iter_records(path, file_format):
                try:
                    yield self._relabel(parse_record(path, record, file_format), allowed)
                except CorpusError as error:
                    report.handle(error, on_error)

    def _relabel(self, sentence: Sentence, allowed: frozenset[str] | None) -> Sentence:
        entities = []
        for start, end, name in sentence.entities:
            label = self.rename.get(name, name)
            if label in self.ignore:
                continue
            check_label(label, sentence.place)
            if allowed is not None and label not in allowed:
                inventory = ", ".join(sorted(allowed))
                raise CorpusError(
                    Errors.E210.format(place=sentence.place, label=label, inventory=inventory)
                )
            entities.append((start, end, label))
        return replace(sentence, entities=entities)

    def _scan_labels(self) -> set[str]:
        # Broken records are passed over here: the pass that yields Examples reports them.
        sentences = self._sentences(ReadReport(), on_error="skip", allowed=None)
        return {label for sentence in sentences for _, _, label in sentence.entities}

    def _on_no_entities(self) -> None:
        # With a given inventory, a corpus of negatives is legitimate.
        if not self.inventory:
            super()._on_no_entities()
