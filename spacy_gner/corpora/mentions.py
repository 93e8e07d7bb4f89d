"""Aligning mentions without positions with the words of a text."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ..formats.overlaps import keep_best
from .tokenize import Tokenized


@dataclass(frozen=True)
class Aligned:
    """Mentions that became entities, and what was lost.

    entities (list[tuple[int, int, str]]): First word, word after the last, label; in order and
        without overlap.
    missing (list[int]): Words whose annotation is unknown: those of mentions that the
        tokens cut through.
    unaligned (list[tuple[str, str]]): Label and mention, without any occurrence that agrees
        with the tokens.
    overlapping (list[tuple[str, str]]): Label and mention, all of whose occurrences lost
        against overlapping ones.
    """

    entities: list[tuple[int, int, str]]
    missing: list[int]
    unaligned: list[tuple[str, str]]
    overlapping: list[tuple[str, str]]


class _Candidate(NamedTuple):
    start: int
    end: int
    label: str
    mention: str


def align_mentions(text: str, tokens: Tokenized, answers: Mapping[str, Sequence[str]]) -> Aligned:
    """Find the mentions of each type in a text.

    text (str): The text.
    tokens (Tokenized): Its words.
    answers (Mapping[str, Sequence[str]]): Label to mentions, the earlier label winning.
    RETURNS (Aligned): Every occurrence at the bounds of words is an entity; of those
        that overlap the longest, then the earlier label, then the first in the text.
    """
    candidates: list[_Candidate] = []
    cut_through: set[int] = set()
    unaligned: list[tuple[str, str]] = []
    keys = [(label, m) for label, mentions in answers.items() for m in dict.fromkeys(mentions)]
    order = {label: i for i, label in enumerate(answers)}
    for label, mention in keys:
        found = [(start, start + len(mention)) for start in _occurrences(text, mention)]
        spans = [span for start, end in found if (span := tokens.word_span(start, end))]
        if not spans:
            unaligned.append((label, mention))
            for start, end in found:
                # Inside other words on both sides it is a chance likeness.
                if start in tokens.word_at_start or end in tokens.word_at_end:
                    cut_through.update(tokens.words_within(start, end))
        for first, last in spans:
            candidates.append(_Candidate(first, last, label, mention))
    kept = keep_best(candidates, lambda c: (-len(c.mention), order[c.label], c.start, c.end))
    placed = {(found.label, found.mention) for found in kept}
    overlapping = sorted({(found.label, found.mention) for found in candidates} - placed)
    taken = {word for found in kept for word in range(found.start, found.end)}
    entities = [(found.start, found.end, found.label) for found in kept]
    return Aligned(entities, sorted(cut_through - taken), unaligned, overlapping)


def _occurrences(text: str, mention: str) -> Iterator[int]:
    start = text.find(mention)
    while start >= 0:
        yield start
        start = text.find(mention, start + 1)
