"""Best-first search for the most probable tagging of one sentence."""

import heapq
from dataclasses import dataclass, field

from .line import Alternative, Line
from .session import Snapshot

# A bound must be better than the best tagging by more than rounding errors.
_MARGIN = 1e-6


@dataclass
class Fork:
    """A tagging that is followed up until it is complete, or worse than the best one.

    line (Line): The tagging.
    number (int): Which alternative it takes, in the order in which they became known.
    alternatives (list[Alternative]): What it did not choose.
    """

    line: Line
    number: int = -1
    alternatives: list[Alternative] = field(default_factory=list)


class Search:
    """What is known about the taggings of one sentence.

    max_forks (int): How many alternatives may be followed up.

    A tagging that takes an alternative cannot be more probable than that alternative's
    bound, since each further choice multiplies by at most 1. So once the best complete
    tagging is as probable as the best bound that is left, it is the most probable
    tagging of all.

    Alternatives may be computed several at a time, but what comes out counts one by one, the
    one with the best bound first. So the result does not depend on how many there were at a
    time, not even where `max_forks` ends the search.
    """

    def __init__(self, max_forks: int):
        self._left = max_forks
        self._heap: list[tuple[float, int, Alternative]] = []
        self._n_pushed = 0
        # Forks by number: those that are being computed (None), and those whose turn has not come.
        self._ahead: dict[int, Fork | None] = {}
        self.n_forks = 0
        self.best: Line | None = None
        # The first tagging with what was computed for it, from which forks go on.
        self.root: Line | None = None
        self.snapshot: Snapshot | None = None

    @property
    def best_total(self) -> float:
        """RETURNS (float): The log-probability of the best complete tagging."""
        return float("-inf") if self.best is None else self.best.total

    @property
    def is_open(self) -> bool:
        """RETURNS (bool): Whether some alternative might lead to a better tagging."""
        return bool(self._heap) and -self._heap[0][0] > self.best_total + _MARGIN

    @property
    def may_go_on(self) -> bool:
        """RETURNS (bool): Whether it is open, and there are forks left."""
        return self._left > 0 and self.is_open

    def next_forks(self, n_forks: int) -> list[Fork]:
        """Begin the forks that are computed next.

        n_forks (int): How many, at most.
        RETURNS (list[Fork]): Those with the best bounds; none if `may_go_on` is false.
        """
        if not self.may_go_on:
            return []
        # The best one is never among those that are computed: its turn would have come.
        n_forks = max(1, min(n_forks, self._left - len(self._ahead)))
        forks: list[Fork] = []
        for bound, number, alternative in heapq.nsmallest(n_forks + len(self._ahead), self._heap):
            if len(forks) < n_forks and number not in self._ahead:
                if -bound <= self.best_total + _MARGIN:
                    break
                self._ahead[number] = None
                forks.append(Fork(Line.fork(alternative, 0), number))
        return forks

    def note(self, fork: Fork, alternatives: list[Alternative]) -> None:
        """Keep what a fork did not choose, as far as it might be better than the best tagging."""
        bar = self.best_total + _MARGIN
        fork.alternatives += [a for a in alternatives if a.bound > bar]

    def finish(self, fork: Fork) -> None:
        """Take note of a fork that is complete, or no better than the best tagging."""
        if fork.number < 0:
            self.root = fork.line
            self._count(fork)
            return
        self._ahead[fork.number] = fork
        while self.may_go_on:
            found = self._ahead.get(self._heap[0][1])
            if found is None:
                break
            heapq.heappop(self._heap)
            del self._ahead[found.number]
            self._left -= 1
            self.n_forks += 1
            self._count(found)

    def _count(self, fork: Fork) -> None:
        for alternative in fork.alternatives:
            if alternative.bound > self.best_total + _MARGIN:
                # The number makes ties come out in a fixed order.
                heapq.heappush(self._heap, (-alternative.bound, self._n_pushed, alternative))
                self._n_pushed += 1
        line = fork.line
        if line.place is None and line.total > self.best_total:
            self.best = line
