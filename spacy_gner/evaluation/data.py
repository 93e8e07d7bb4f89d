"""Annotated sentences to evaluate on."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from typing import Any, TypeVar

import spacy
from spacy.language import Language
from spacy.vocab import Vocab

from ..corpora.corpus import Corpus
from ..corpora.labels import check_label
from ..corpora.read_report import CorpusError, ReadReport
from ..corpora.readers import ALL_SUFFIXES
from ..corpora.readers.docs import load_docs
from ..corpora.source import Source
from ..errors import Errors
from ..extensions import inventory_of
from .records import Mention, ScoredSentence

# Words, entities, and labels of its own to ask for (None: those of the data set).
Annotated = tuple[tuple[str, ...], tuple[Mention, ...], tuple[str, ...] | None]
T = TypeVar("T")


@dataclass(frozen=True)
class DataSet:
    """Annotated sentences and the labels to ask for.

    name (str): As in the report.
    sentences (tuple[ScoredSentence, ...]): At least one, none of them predicted yet.
    labels (tuple[str, ...]): The labels of the whole file without dropped ones, sorted:
        those that `limit` leaves without an example are asked for too.
    record (dict): What was read and what was dropped: see `ReadReport.to_dict`.
    """

    name: str
    sentences: tuple[ScoredSentence, ...]
    labels: tuple[str, ...]
    record: dict[str, Any] = field(default_factory=dict, compare=False)


@dataclass(frozen=True)
class Selection:
    """Which sentences are evaluated.

    split (str): The split to take from directories.
    limit (int | None): Sentences per data set, drawn at random, in their order; None takes all.
    seed (int): Of their draw.
    drop_labels (tuple[str, ...]): Labels that become O and are not asked for.
    label_names (Mapping[str, str]): Other names for labels of the data sets, such as
        "programlang" to "programming language"; `drop_labels` are among the new ones.
    on_error (str): What is done about a broken sentence, or one with words that nobody annotated:
        "raise" stops there, "skip" leaves it out and counts it.
    spans_key (str | None): The span group that holds the entities of Docs (.spacy), which may
        overlap there, and that the predictions are compared with.
    """

    split: str = "test"
    limit: int | None = None
    seed: int = 0
    drop_labels: tuple[str, ...] = ()
    label_names: Mapping[str, str] = field(default_factory=dict)
    on_error: str = "raise"
    spans_key: str | None = None


EVERYTHING = Selection()


def read_dataset(
    name: str, path: Path, selection: Selection = EVERYTHING, nlp: Language | None = None
) -> DataSet:
    """Read a data set in any of the formats of `spacy_gner.Corpus.v1`, told by name or content.
    In passages with open types, and in documents that carry an inventory, each is asked for its
    own labels.

    name (str): As in the report.
    path (Path): The file, or a directory with one file per split.
    selection (Selection): Which sentences, and how their labels are called.
    nlp (Language | None): Its tokenizer splits running text; None is English.
    RETURNS (DataSet): The sentences.
    RAISES (ValueError): E2xx for broken sentences, E228 where most are, E303 for an empty
        file, E304 for a Doc with a label outside its inventory, E305 when there is no such file,
        E306 for words without annotation, E307 when no label is left.
    """
    path = _find_file(name, path, selection.split)
    # The reader renames and drops before it looks whether a label can be asked for.
    corpus = Corpus(
        path,
        on_error=selection.on_error,
        rename=dict(selection.label_names),
        ignore=list(selection.drop_labels),
    )
    spans_key = selection.spans_key
    report = ReadReport()
    if spans_key is not None and path.name.lower().removesuffix(".gz").endswith(".spacy"):
        read = list(_read_groups(path, spans_key, corpus, report))
    else:
        read = list(_read(corpus, nlp or spacy.blank("en"), report))
    report.check_losses(path)
    if not read:
        raise ValueError(Errors.E303.format(name=f"{name} ({path})"))
    shared = tuple(sorted({mention.label for _, mentions, _ in read for mention in mentions}))
    if not shared:
        raise ValueError(Errors.E307.format(name=name, path=path))
    sentences = []
    for number, (words, mentions, own) in enumerate(read, 1):
        labels = shared if own is None else own
        unasked = sorted({mention.label for mention in mentions} - set(labels))
        if unasked:
            raise ValueError(Errors.E304.format(name=name, number=number, labels=unasked))
        sentences.append(ScoredSentence(words, labels, mentions))
    return DataSet(name, tuple(draw(sentences, selection)), shared, report.to_dict())


def _read(corpus: Corpus, nlp: Language, report: ReadReport) -> Iterator[Annotated]:
    for document, passage in corpus.aligned(nlp, report):
        if passage.missing:
            error = CorpusError(Errors.E306.format(place=document.place))
            report.handle(error, corpus.on_error)
            continue
        report.count(passage.entities)
        has_own = document.labels is not None or document.answers is not None
        labels = tuple(passage.labels) if has_own else None
        yield _without_spaces(passage.words, passage.entities, labels)


def _read_groups(
    path: Path, spans_key: str, corpus: Corpus, report: ReadReport
) -> Iterator[Annotated]:
    for doc in load_docs(Source(path), Vocab()):
        names = corpus.rename
        spans = doc.spans.get(spans_key, [])
        named = {(span.start, span.end, names.get(span.label_, span.label_)) for span in spans}
        entities = sorted(span for span in named if span[2] not in corpus.ignore)
        for _, _, label in entities:
            check_label(label, f"{path}, Doc {report.passages + 1}")
        report.count(entities)
        own = inventory_of(doc)
        if own is not None:
            renamed = dict.fromkeys(names.get(label, label) for label in own)
            own = tuple(label for label in renamed if label not in corpus.ignore)
        yield _without_spaces([token.text for token in doc], entities, own)


def _without_spaces(
    words: Sequence[str],
    entities: Sequence[tuple[int, int, str]],
    labels: tuple[str, ...] | None,
) -> Annotated:
    """White-space tokens are no words: neither for the model nor for the measures."""
    position = list(accumulate((not word.isspace() for word in words), initial=0))
    return (
        tuple(word for word in words if not word.isspace()),
        tuple(Mention(position[i], position[j], label) for i, j, label in entities),
        labels,
    )


def _find_file(name: str, path: Path, split: str) -> Path:
    if path.is_file():
        return path
    for suffix in ALL_SUFFIXES:
        for candidate in (path / f"{split}{suffix}", path / f"{split}{suffix}.gz"):
            if candidate.is_file():
                return candidate
    if any(path.glob("*.ann")):
        return path  # brat: a pair of files for each document
    reason = f"there is no such file: {path}"
    if path.is_dir():
        reason = f"the directory {path} has no file such as {split}.jsonl or {split}.jsonl.gz"
    raise ValueError(Errors.E305.format(name=name, reason=reason))


def draw(sentences: list[T], selection: Selection) -> list[T]:
    """Draw sentences at random.

    sentences (list): Of one data set.
    selection (Selection): How many, and the seed.
    RETURNS (list): The drawn ones, in their order.
    """
    if selection.limit is None or selection.limit >= len(sentences):
        return sentences
    chosen = random.Random(selection.seed).sample(range(len(sentences)), selection.limit)
    return [sentences[index] for index in sorted(chosen)]
