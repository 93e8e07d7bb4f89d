"""Annotated sentences to evaluate on."""

import random
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from ..corpora.sentences import guess_format, iter_records, parse_record
from ..errors import Errors
from ..scoring.records import Mention

_SUFFIXES = (".jsonl", ".jsonl.gz", ".conll", ".bio", ".tsv")


@dataclass(frozen=True)
class GoldSentence:
    """An annotated sentence.

    words (tuple[str, ...]): Its words.
    mentions (tuple[Mention, ...]): Its entities.
    """

    words: tuple[str, ...]
    mentions: tuple[Mention, ...]


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


def read_dataset(
    name: str,
    path: Path,
    split: str = "test",
    limit: int | None = None,
    seed: int = 0,
    drop_labels: Collection[str] = (),
) -> DataSet:
    """Read a data set: JSONL with "words" and "labels", or CoNLL columns, gzipped or not.

    name (str): As in the report.
    path (Path): The file, or a directory with one file per split.
    split (str): The split to take from a directory.
    limit (int | None): Take so many sentences, drawn at random, in their order.
    seed (int): Of the draw.
    drop_labels (Collection[str]): Labels that become O and are not asked for.
    RETURNS (DataSet): The sentences.
    RAISES (ValueError): E205 to E209 for broken sentences, E303 for an empty file, E305
        when there is no such file, E306 for words without annotation, E307 when no label
        is left.
    """
    path = _find_file(name, path, split)
    file_format = guess_format(path)
    dropped = set(drop_labels)
    sentences: list[GoldSentence] = []
    for record in iter_records(path, file_format):
        read = parse_record(path, record, file_format)
        if read.missing:
            raise ValueError(Errors.E306.format(place=read.place))
        mentions = tuple(
            Mention(start, end, label)
            for start, end, label in read.entities
            if label not in dropped
        )
        sentences.append(GoldSentence(tuple(read.words), mentions))
    if not sentences:
        raise ValueError(Errors.E303.format(name=f"{name} ({path})"))
    labels = {mention.label for sentence in sentences for mention in sentence.mentions}
    if not labels:
        raise ValueError(Errors.E307.format(name=name, path=path))
    return DataSet(name, tuple(_draw(sentences, limit, seed)), tuple(sorted(labels)))


def _find_file(name: str, path: Path, split: str) -> Path:
    if path.is_file():
        return path
    candidates = [path / f"{split}{suffix}" for suffix in _SUFFIXES]
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    raise ValueError(Errors.E305.format(name=name, path=path, split=split))


def _draw(sentences: list[GoldSentence], limit: int | None, seed: int) -> list[GoldSentence]:
    if limit is None or limit >= len(sentences):
        return sentences
    chosen = random.Random(seed).sample(range(len(sentences)), limit)
    return [sentences[index] for index in sorted(chosen)]
