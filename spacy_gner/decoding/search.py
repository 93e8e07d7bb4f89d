"""Best-first search for the most probable tagging of one sentence."""

import heapq

from .line import Alternative, Line
from .session import Snapshot

# A bound must be better than the best tagging by more than rounding errors.
_MARGIN = 1e-6


class Search:
    """What is known about the taggings of one sentence.

    max_forks (int): How many alternatives may be followed up.

    A tagging that takes an alternative cannot be more probable than that alternative's
    bound, since each further choice multiplies by at most 1. So once the best complete
    tagging is as probable as the best bound that is left, it is the most probable
    tagging of all.
    """

    def __init__(self, max_forks: int):
        self._left = max_forks
        self._heap: list[tuple[float, int, Alternative]] = []
        self._n_pushed = 0
        self.n_forks = 0
        self.best: Line | None = None
        # The first tagging with what was computed for it, from which forks go on.
        self.root: Line | None = None
        self.snapshot: Snapshot | None = None

    @property
    def best_total(self) -> float:
        """RETURNS (float): The log-probability of the best complete tagging."""
        return float("-inf") if self.best is None else self.best.total

    def add(self, alternatives: list[Alternative]) -> None:
        """Take note of alternatives."""
        for alternative in alternatives:
            if alternative.bound > self.best_total + _MARGIN:
                # The number makes ties come out in a fixed order.
                item = (-alternative.bound, self._n_pushed, alternative)
                heapq.heappush(self._heap, item)
                self._n_pushed += 1

    def finish(self, line: Line) -> None:
        """Take note of a complete tagging."""
        if self.best is None or line.total > self.best.total:
            self.best = line

    @property
    def is_open(self) -> bool:
        """RETURNS (bool): Whether some alternative might lead to a better tagging."""
        return bool(self._heap) and -self._heap[0][0] > self.best_total + _MARGIN

    @property
    def may_go_on(self) -> bool:
        """RETURNS (bool): Whether it is open, and there are forks left."""
        return self._left > 0 and self.is_open

    def next_fork(self) -> Alternative:
        """RETURNS (Alternative): The one with the best bound; `may_go_on` must be true."""
        self._left -= 1
        self.n_forks += 1
        return heapq.heappop(self._heap)[2]
