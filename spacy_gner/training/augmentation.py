"""Changes to training pairs that keep a model from learning one corpus by heart
(paper, 4.2: order of the labels, external labels)."""

import json
import random
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from spacy.util import registry

from ..errors import Errors
from ..formats import LabelSet
from .pairs import TrainingPair

_MAX_TRIES = 20


@registry.misc("spacy_gner.Augmentation.v1")
class Augmentation:
    """Changes training pairs at random. The changes are drawn anew each time that a sentence is
    seen, in the same way in each run; evaluation never sees them.

    shuffle_labels (bool): Whether the labels of the prompt stand in random order (paper, 4.2).
    external_labels (list[int] | None): How many labels are asked for that do not occur in
        the sentence: smallest and largest number, drawn for each sentence. From
        the rest of its inventory where that is closed; by frequency from all labels seen
        in open inventories where it is open (Pile-NER, inline corpora; paper, 4.2: "external
        entity sampling"). None: the whole inventory, and nothing else.
    label_dropout (float): The share of present labels that are not asked for: their words
        become O. In [0, 1]. One label always stays in the prompt.
    lower_case (float): The share of sentences that are written in lower case and without
        punctuation, as queries are. In [0, 1].
    synonyms (str | Path | dict[str, list[str]] | None): Other wordings of labels that mean
        the same; or the path of a JSON file with them.
    synonym_rate (float): The share of labels with synonyms that are reworded. In [0, 1].
    dataset_line (float): The share of prompts that name their data set, where it is
        known. Zero-shot prompts have no such line; 1 is the paper's for supervised training.
    seed (int): Of everything random here.
    RAISES (ValueError): E504 for values out of range; E001 to E005 for synonyms that
        cannot stand in a prompt.
    """

    def __init__(
        self,
        shuffle_labels: bool = True,
        external_labels: Sequence[int] | None = None,
        label_dropout: float = 0.0,
        lower_case: float = 0.0,
        synonyms: str | Path | dict[str, list[str]] | None = None,
        synonym_rate: float = 0.5,
        dataset_line: float = 0.0,
        seed: int = 0,
    ) -> None:
        shares: dict[str, float] = {
            "label_dropout": label_dropout,
            "lower_case": lower_case,
            "synonym_rate": synonym_rate,
            "dataset_line": dataset_line,
        }
        for field, value in shares.items():
            if not 0 <= value <= 1:
                raise _error(field, "a share from 0 to 1", value)
        bounds = None
        if external_labels is not None:
            numbers = list(external_labels)
            if len(numbers) != 2 or not 0 <= numbers[0] <= numbers[1]:
                raise _error("external_labels", "the smallest and the largest number", numbers)
            bounds = (numbers[0], numbers[1])
        self.shuffle_labels = shuffle_labels
        self.external_labels = bounds
        self.label_dropout = label_dropout
        self.lower_case = lower_case
        self.synonyms = {label: tuple(others) for label, others in _read_synonyms(synonyms).items()}
        self.synonym_rate = synonym_rate
        self.dataset_line = dataset_line
        self.seed = seed
        self.reset()

    def reset(self) -> None:
        """Begin again: the same pairs will be changed in the same way."""
        self._random = random.Random(self.seed)
        self._pool: Counter[str] = Counter()
        self._drawn: tuple[list[str], list[int]] | None = None

    def random_state(self) -> dict[str, Any]:
        """RETURNS (dict): Where the drawing stands, in plain values."""
        return {"random": self._random.getstate(), "pool": dict(self._pool)}

    def restore_random_state(self, state: dict[str, Any]) -> None:
        """Go on drawing where `random_state` was taken."""
        version, numbers, gauss = state["random"]
        self._random.setstate((version, tuple(numbers), gauss))
        self._pool = Counter(state["pool"])
        self._drawn = None

    def observe(self, labels: Iterable[str]) -> None:
        """Add labels to those that external labels of open inventories are drawn from.

        labels (Iterable[str]): The wordings of one pair.
        """
        # Not a set: the order of strings in it differs from run to run.
        self._pool.update(list(dict.fromkeys(labels)))
        self._drawn = None

    def __call__(self, pair: TrainingPair) -> TrainingPair:
        """Change a pair.

        pair (TrainingPair): As in the corpus; with a closed inventory, `labels` is all of it.
        RETURNS (TrainingPair): Every label in its tags is in its prompt. A pair with a
            closed inventory is never asked for other labels: what they mean may be
            in the sentence, annotated as O.
        """
        if pair.is_open and self._pool.keys().isdisjoint(pair.wordings):
            # Seen for the first time: nobody called `observe` before.
            self.observe(pair.wordings)
        if self.lower_case and self._random.random() < self.lower_case:
            pair = as_query(pair)
        pair = self._choose_labels(pair)
        if self.synonyms:
            pair = self._reword(pair)
        named = pair.dataset is not None and self._random.random() < self.dataset_line
        return pair if named else replace(pair, dataset=None)

    def _choose_labels(self, pair: TrainingPair) -> TrainingPair:
        present = [label for label in pair.wordings if label in pair.present]
        absent = [label for label in pair.wordings if label not in pair.present]
        if self.external_labels is not None:
            number = self._random.randint(*self.external_labels)
            absent = self._random.sample(absent, min(number, len(absent)))
            if pair.is_open:
                absent += self._external(pair.wordings, number - len(absent))
        if not present and not absent:
            # A sentence without entities is worth asking something about.
            absent = self._external((), 1) if pair.is_open else list(pair.wordings[:1])
        dropped = {label for label in present if self._random.random() < self.label_dropout}
        if len(dropped) == len(present) and not absent:
            dropped -= set(self._random.sample(present, 1)) if present else set()
        chosen = set(absent) | (set(present) - dropped)
        # What was there keeps its order, what is new follows.
        labels = [label for label in pair.wordings if label in chosen]
        labels += [label for label in absent if label not in set(labels)]
        if self.shuffle_labels:
            self._random.shuffle(labels)
        pair = pair.without(dropped)
        return replace(pair, wordings=tuple(labels))

    def _external(self, own: Sequence[str], number: int) -> list[str]:
        """Draw labels by how often they occur, as UniversalNER does. A label that shares
        its last word with one of the sentence's own might well be true of it: left out."""
        if not self._pool:
            return []
        if self._drawn is None:
            self._drawn = (list(self._pool.keys()), list(self._pool.values()))
        taken = {label.split()[-1].lower() for label in own}
        found: list[str] = []
        for _ in range(_MAX_TRIES):
            if len(found) >= number:
                break
            for label in self._random.choices(*self._drawn, k=number - len(found)):
                if label.split()[-1].lower() not in taken:
                    taken.add(label.split()[-1].lower())
                    found.append(label)
        return found

    def _reword(self, pair: TrainingPair) -> TrainingPair:
        wordings: dict[str, str] = {}
        used = set(pair.wordings)
        for label in pair.wordings:
            others = [other for other in self.synonyms.get(label, ()) if other not in used]
            if others and self._random.random() < self.synonym_rate:
                wordings[label] = self._random.choice(others)
                used.add(wordings[label])
        if not wordings:
            return pair
        return pair.reworded(wordings)


def as_query(pair: TrainingPair) -> TrainingPair:
    """Write a sentence as people type queries: in lower case, without punctuation.

    pair (TrainingPair): The pair.
    RETURNS (TrainingPair): Without the words that are only punctuation, unless all are.
    """
    kept = [i for i, word in enumerate(pair.words) if any(char.isalnum() for char in word)]
    if not kept:
        return pair
    tags: list[str | None] = []
    for at, i in enumerate(kept):
        tag = pair.tags[i]
        # An entity that began with a mark begins with its first word now.
        opened = at and kept[at - 1] != i - 1 and _same_entity(pair.tags, kept[at - 1], i)
        if tag is not None and tag.startswith("I-"):
            follows = at and (kept[at - 1] == i - 1 or opened)
            tag = tag if follows and tags[-1] not in (None, "O") else f"B-{tag[2:]}"
        tags.append(tag)
    words = tuple(pair.words[i].lower() for i in kept)
    starts = {bisect_left(kept, start) for start in pair.sentences} - {len(kept)}
    return replace(
        pair,
        words=words,
        tags=tuple(tags),
        sentences=tuple(sorted(starts)),
        nested=pair.nested_in(kept),
    )


def _same_entity(tags: Sequence[str | None], start: int, end: int) -> bool:
    return all((tag or "O").startswith("I-") for tag in tags[start + 1 : end + 1])


def _read_synonyms(synonyms: str | Path | dict[str, list[str]] | None) -> dict[str, list[str]]:
    read: Any = synonyms
    if isinstance(synonyms, str | Path):
        try:
            read = json.loads(Path(synonyms).read_text(encoding="utf8"))
        except (OSError, ValueError) as error:
            raise _error("synonyms", f"a readable JSON file ({error})", str(synonyms)) from error
    read = read or {}
    if not isinstance(read, dict) or not all(isinstance(value, list) for value in read.values()):
        raise _error("synonyms", "a mapping from labels to lists of wordings", read)
    for others in read.values():
        LabelSet.make(others)
    return read


def _error(field: str, expected: str, found: object) -> ValueError:
    return ValueError(Errors.E504.format(field=field, expected=expected, found=found))
