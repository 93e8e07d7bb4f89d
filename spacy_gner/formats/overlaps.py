"""Entities that overlap: which of them to keep."""

from bisect import bisect_right
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, Protocol, TypeVar

from .format import WordSpan


class Bounded(Protocol):
    """Something that begins and ends: an entity over words, tokens or characters."""

    @property
    def start(self) -> int: ...

    @property
    def end(self) -> int: ...


S = TypeVar("S", bound=Bounded)


def keep_best(spans: Iterable[S], key: Callable[[S], Any]) -> list[S]:
    """Of spans that overlap, keep the best: they are taken in the order of their keys, each
    unless it overlaps one that was taken before.

    spans (Iterable[S]): The spans, none of them empty.
    key (Callable[[S], Any]): What to sort by, the best first. Spans with equal keys keep their
        order.
    RETURNS (list[S]): By start, without overlap.
    """
    starts: list[int] = []
    kept: list[S] = []
    for span in sorted(spans, key=key):
        place = bisect_right(starts, span.start)
        begins_free = place == 0 or kept[place - 1].end <= span.start
        ends_free = place == len(kept) or span.end <= starts[place]
        if begins_free and ends_free:
            starts.insert(place, span.start)
            kept.insert(place, span)
    return kept


class _Placed(NamedTuple):
    """A `WordSpan` whose parts have names."""

    start: int
    end: int
    label: str


def split_flat(spans: Iterable[WordSpan]) -> tuple[list[WordSpan], tuple[WordSpan, ...]]:
    """Tell entities that tags can hold from those that they cannot.

    spans (Iterable[WordSpan]): Entities over words.
    RETURNS (tuple[list[WordSpan], tuple[WordSpan, ...]]): The longest that do not overlap, and
        the others; both without duplicates, by start.
    """
    every = sorted({_Placed(*span) for span in spans})
    flat: list[WordSpan] = list(keep_best(every, key=lambda span: span.start - span.end))
    kept = set(flat)
    return flat, tuple(span for span in every if span not in kept)
