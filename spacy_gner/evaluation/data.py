"""Annotated sentences to evaluate on."""

import random
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TypeVar

import spacy

from ..corpora.docbin import DocBinCorpus
from ..corpora.files import iter_lines, plain_name
from ..corpora.inline import InlineCorpus
from ..corpora.passage import Passage
from ..corpora.reader import CorpusReader
from ..corpora.sentences import guess_format, iter_records, parse_record
from ..errors import Errors
from .records import Mention

T = TypeVar("T")

_SUFFIXES = (".jsonl", ".jsonl.gz", ".conll", ".bio", ".tsv", ".txt", ".spacy")
_MARKUP = re.compile(rb"\[[^\]]+\]\([^)]+\)")
_TAG_AT_END = re.compile(rb"[\t ](?:O|-|[BI]-[^\t]*)\s*$")


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
    """

    name: str
    sentences: tuple[GoldSentence, ...]
    labels: tuple[str, ...]

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
) -> DataSet:
    """Read a data set: JSONL with "words" and "labels", CoNLL columns, passages with
    `[mention](type)`, these gzipped or not, or a `.spacy` file. In passages with open
    types, and in Docs that carry an inventory, each is asked for its own labels.

    name (str): As in the report.
    path (Path): The file, or a directory with one file per split.
    split (str): The split to take from a directory.
    limit (int | None): Take so many sentences, drawn at random, in their order.
    seed (int): Of the draw.
    drop_labels (Collection[str]): Labels that become O and are not asked for.
    label_names (Mapping[str, str] | None): Other names for labels of the file, such as
        "programlang" to "programming language"; `drop_labels` are among the new ones.
    RETURNS (DataSet): The sentences.
    RAISES (ValueError): E205 to E209 for broken sentences, E303 for an empty file, E304 for a
        Doc with a label outside its inventory, E305 when there is no such file, E306 for
        words without annotation, E307 when no label is left.
    """
    path = _find_file(name, path, split)
    dropped = set(drop_labels)
    names = label_names or {}
    sentences = [_relabeled(sentence, names, dropped) for sentence in _read(path)]
    if not sentences:
        raise ValueError(Errors.E303.format(name=f"{name} ({path})"))
    for number, sentence in enumerate(sentences, 1):
        unasked = {mention.label for mention in sentence.mentions} - set(sentence.labels or ())
        if unasked and sentence.labels is not None:
            raise ValueError(Errors.E304.format(name=name, number=number, labels=sorted(unasked)))
    labels = {mention.label for sentence in sentences for mention in sentence.mentions}
    if not labels:
        raise ValueError(Errors.E307.format(name=name, path=path))
    return DataSet(name, tuple(draw(sentences, limit, seed)), tuple(sorted(labels)))


def _read(path: Path) -> Iterator[GoldSentence]:
    if plain_name(path).endswith(".spacy"):
        return _from_corpus(DocBinCorpus(path))
    if _is_inline(path):
        return _from_corpus(InlineCorpus(path))
    return _from_records(path)


def _is_inline(path: Path) -> bool:
    """Whether a text has markup, and most of its first lines do not end with a tag, as lines of
    CoNLL columns do."""
    if not plain_name(path).endswith(InlineCorpus.suffixes):
        return False
    lines = (line for _, line in iter_lines(path) if line.strip())
    first = list(islice(lines, 1000))
    n_tagged = sum(bool(_TAG_AT_END.search(line)) for line in first)
    return any(map(_MARKUP.search, first)) and 2 * n_tagged < len(first)


def _from_records(path: Path) -> Iterator[GoldSentence]:
    file_format = guess_format(path)
    for record in iter_records(path, file_format):
        read = parse_record(path, record, file_format)
        if read.missing:
            raise ValueError(Errors.E306.format(place=read.place))
        mentions = tuple(Mention(*entity) for entity in read.entities)
        yield GoldSentence(tuple(read.words), mentions)


def _from_corpus(corpus: CorpusReader) -> Iterator[GoldSentence]:
    for number, passage in enumerate(corpus.passages(spacy.blank("en")), 1):
        if passage.missing:
            raise ValueError(Errors.E306.format(place=f"{corpus.path}, Doc {number}"))
        yield _without_spaces(passage)


def _without_spaces(passage: Passage) -> GoldSentence:
    """White-space tokens are no words: neither for the model nor for the measures."""
    position = [0]
    for word in passage.words:
        position.append(position[-1] + (not word.isspace()))
    return GoldSentence(
        tuple(word for word in passage.words if not word.isspace()),
        tuple(Mention(position[i], position[j], label) for i, j, label in passage.entities),
        tuple(passage.labels),
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
    candidates = [path / f"{split}{suffix}" for suffix in _SUFFIXES]
    for candidate in candidates:
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
