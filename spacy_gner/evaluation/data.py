"""Annotated sentences to evaluate on."""

import random
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import spacy

from ..corpora.corpus import Corpus
from ..corpora.passage import Passage
from ..corpora.read_report import CorpusError, ReadReport
from ..corpora.readers import ALL_SUFFIXES
from ..errors import Errors
from .records import Mention

T = TypeVar("T")


@dataclass(frozen=True)
class GoldSentence:
    """An annotated sentence.

    words (tuple[str, ...]): Its words.
    mentions (tuple[Mention, ...]): Its entities.
    labels (tuple[str, ...] | None): Its own labels to ask for; None: those of the data set.
    """

    words: tuple[str, ...]
    mentions: tuple[Mention, ...]
    labels: tuple[str, ...] | None = None


@dataclass(frozen=True)
class DataSet:
    """Annotated sentences and the labels to ask for.

    name (str): As in the report.
    sentences (tuple[GoldSentence, ...]): At least one.
    labels (tuple[str, ...]): The labels of the whole file without dropped ones, sorted:
        those that `limit` leaves without an example are asked for too.
    record (dict): What was read and what was dropped: see `ReadReport.to_dict`.
    """

    name: str
    sentences: tuple[GoldSentence, ...]
    labels: tuple[str, ...]
    record: dict[str, Any] = field(default_factory=dict, compare=False)

    def labels_of(self, sentence: GoldSentence) -> tuple[str, ...]:
        """RETURNS (tuple[str, ...]): The labels to ask for in a sentence."""
        return self.labels if sentence.labels is None else sentence.labels


def read_dataset(
    name: str,
    path: Path,
    split: str = "test",
    limit: int | None = None,
    seed: int = 0,
    drop_labels: Collection[str] = (),
    label_names: Mapping[str, str] | None = None,
    on_error: str = "raise",
) -> DataSet:
    """Read a data set in any of the formats of `spacy_gner.Corpus.v1`, told by name or content.
    In passages with open types, and in documents that carry an inventory, each is asked for its
    own labels.

    name (str): As in the report.
    path (Path): The file, or a directory with one file per split.
    split (str): The split to take from a directory.
    limit (int | None): Take so many sentences, drawn at random, in their order.
    seed (int): Of the draw.
    drop_labels (Collection[str]): Labels that become O and are not asked for.
    label_names (Mapping[str, str] | None): Other names for labels of the file, such as
        "programlang" to "programming language"; `drop_labels` are among the new ones.
    on_error (str): "raise" stops at a broken sentence, or one with words that nobody annotated;
        "skip" leaves it out and counts it.
    RETURNS (DataSet): The sentences.
    RAISES (ValueError): E2xx for broken sentences, E228 where most are, E303 for an empty
        file, E304 for a Doc with a label outside its inventory, E305 when there is no such file,
        E306 for words without annotation, E307 when no label is left.
    """
    path = _find_file(name, path, split)
    dropped = set(drop_labels)
    names = label_names or {}
    report = ReadReport()
    read = _read(path, on_error, report)
    sentences = [_relabeled(sentence, names, dropped) for sentence in read]
    report.check_losses(path)
    if not sentences:
        raise ValueError(Errors.E303.format(name=f"{name} ({path})"))
    for number, sentence in enumerate(sentences, 1):
        unasked = {mention.label for mention in sentence.mentions} - set(sentence.labels or ())
        if unasked and sentence.labels is not None:
            raise ValueError(Errors.E304.format(name=name, number=number, labels=sorted(unasked)))
    labels = {mention.label for sentence in sentences for mention in sentence.mentions}
    if not labels:
        raise ValueError(Errors.E307.format(name=name, path=path))
    drawn = tuple(draw(sentences, limit, seed))
    return DataSet(name, drawn, tuple(sorted(labels)), report.to_dict())


def _read(path: Path, on_error: str, report: ReadReport) -> Iterator[GoldSentence]:
    corpus = Corpus(path, on_error=on_error)
    for document, passage in corpus.aligned(spacy.blank("en"), report):
        if passage.missing:
            error = CorpusError(Errors.E306.format(place=document.place))
            report.handle(error, on_error)
            continue
        report.count(passage.entities)
        is_own = document.labels is not None or document.answers is not None
        yield _without_spaces(passage, is_own)


def _without_spaces(passage: Passage, has_own_labels: bool) -> GoldSentence:
    """White-space tokens are no words: neither for the model nor for the measures."""
    position = [0]
    for word in passage.words:
        position.append(position[-1] + (not word.isspace()))
    return GoldSentence(
        tuple(word for word in passage.words if not word.isspace()),
        tuple(Mention(position[i], position[j], label) for i, j, label in passage.entities),
        tuple(passage.labels) if has_own_labels else None,
    )


def _relabeled(
    sentence: GoldSentence, names: Mapping[str, str], dropped: Collection[str]
) -> GoldSentence:
    """RETURNS (GoldSentence): With other names; dropped labels are neither gold nor asked for."""
    mentions = (m._replace(label=names.get(m.label, m.label)) for m in sentence.mentions)
    labels = sentence.labels
    if labels is not None:
        renamed = dict.fromkeys(names.get(label, label) for label in labels)
        labels = tuple(label for label in renamed if label not in dropped)
    return replace(
        sentence, mentions=tuple(m for m in mentions if m.label not in dropped), labels=labels
    )


def _find_file(name: str, path: Path, split: str) -> Path:
    if path.is_file():
        return path
    for suffix in ALL_SUFFIXES:
        for candidate in (path / f"{split}{suffix}", path / f"{split}{suffix}.gz"):
            if candidate.is_file():
                return candidate
    raise ValueError(Errors.E305.format(name=name, path=path, split=split))


def draw(sentences: list[T], limit: int | None, seed: int) -> list[T]:
    """Draw sentences at random.

    sentences (list): Of one data set.
    limit (int | None): How many; None takes all.
    seed (int): Of the draw.
    RETURNS (list): The drawn ones, in their order.
    """
    if limit is None or limit >= len(sentences):
        return sentences
    chosen = random.Random(seed).sample(range(len(sentences)), limit)
    return [sentences[index] for index in sorted(chosen)]
