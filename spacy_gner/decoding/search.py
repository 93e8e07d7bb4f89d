"""Best-first search for the most probable tagging of one sentence."""

import heapq
import math
from dataclasses import dataclass, field
from typing import Any

from .partial_tagging import Alternative, PartialTagging

# A bound must be better than the best tagging by more than rounding errors.
_MARGIN = 1e-6


@dataclass
class Fork:
    """A tagging that is followed up until it is complete, or worse than the best one.

    tagging (PartialTagging): The tagging.
    number (int): Which alternative it takes, in the order in which they became known; -1 for
        the first tagging.
    alternatives (list[Alternative]): What it did not choose.
    n_fed (int): Tokens that the model computed for it.
    later (list[Alternative]): The same, from where it was judged on.
    snapshot (Any): What was computed for it, if it is complete.
    """

    tagging: PartialTagging
    number: int = -1
    alternatives: list[Alternative] = field(default_factory=list)
    n_fed: int = 0
    later: list[Alternative] = field(default_factory=list)
    snapshot: Any = None


class Search:
    """What is known about the taggings of one sentence.

    max_forks (float): How many alternatives may be followed up.
    rejoin_words (int | None): None for the exact search. Else taggings are expected to cost what
        their parents cost, from so many words behind the fork on.
    max_words (float): How many words all forks together may tag again; the last one may exceed it.

    Exact: a tagging that takes an alternative cannot be more probable than that alternative's
    bound, since each further choice multiplies by at most 1. So once the best complete
    tagging is as probable as the best bound that is left, it is the most probable
    tagging of all.

    Branches may be computed several at a time, but they are committed one by one, in the order
    of their bounds (or estimates). So the result does not depend on how many there were at a
    time, not even where `max_forks` ends the search.
    """

    def __init__(
        self, max_forks: float, rejoin_words: int | None = None, max_words: float = math.inf
    ):
        self._left = max_forks
        self._words_left = max_words
        self._rejoin_words = rejoin_words
        self._heap: list[tuple[float, int, Alternative]] = []
        self._n_pushed = 0
        # Forks by number: those in flight (None), and those whose turn has not come.
        self._ahead: dict[int, Fork | None] = {}
        self.n_forks = 0
        self.n_won, self.n_lost = 0, 0
        self.best: PartialTagging | None = None
        # The tagging with what was computed for it, from which forks go on.
        self.root: PartialTagging | None = None
        self.snapshot: Any = None

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
        return self._left > 0 and self._words_left > 0 and self.is_open

    def next_forks(self, n_forks: int) -> list[Fork]:
        """Begin the forks that are computed next.

        n_forks (int): How many, at most; the one whose turn it is begins in any case.
        RETURNS (list[Fork]): Those with the best bounds; none if `may_go_on` is false.
        """
        if not self.may_go_on:
            return []
        n_forks = int(min(n_forks, self._left - len(self._ahead)))
        if self._heap[0][1] not in self._ahead:
            # All others wait for this one.
            n_forks = max(1, n_forks)
        forks: list[Fork] = []
        if n_forks < 1:
            return forks
        for bound, number, alternative in heapq.nsmallest(n_forks + len(self._ahead), self._heap):
            if len(forks) < n_forks and number not in self._ahead:
                if -bound <= self.best_total + _MARGIN:
                    break
                self._ahead[number] = None
                forks.append(Fork(PartialTagging.fork(alternative), number))
        return forks

    def is_lost(self, fork: Fork) -> bool:
        """RETURNS (bool): Whether a tagging that is not complete cannot become the best one, or
        (unless the search is exact) is not expected to."""
        is_wanted = fork.number < 0 or fork.number in self._ahead
        return not is_wanted or fork.tagging.total <= self.best_total or self._disappoints(fork)

    def must_wait(self, fork: Fork) -> bool:
        """RETURNS (bool): Whether to compute no more of a fork that was judged until its turn has
        come: until then there may be a better tagging."""
        return fork.tagging.judged is not None and self._heap[0][1] != fork.number

    def _disappoints(self, fork: Fork) -> bool:
        """RETURNS (bool): Whether a fork was expected to become no better than the best one."""
        judged = fork.tagging.judged
        return judged is not None and judged <= self.best_total + _MARGIN

    def rejoin_words(self, fork: Fork) -> int | None:
        """RETURNS (int | None): After how many tags of its parent a tagging is judged."""
        return None if fork.number < 0 else self._rejoin_words

    def note(self, fork: Fork, alternatives: list[Alternative], later: list[Alternative]) -> None:
        """Keep what a fork did not choose, as far as it might be better than the best tagging.
        See `PartialTagging.advance`."""
        least = self.best_total + _MARGIN
        fork.alternatives += [a for a in alternatives if a.bound > least]
        fork.later += [a for a in later if a.bound > least]

    def finish(self, fork: Fork) -> None:
        """Take note of a fork that is complete, or no better than the best tagging."""
        if fork.number < 0:
            self._commit(fork)
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
            self._commit(found)
        if not self.may_go_on:
            # What was computed ahead of its turn is not needed any more.
            self.n_lost += sum(ahead.n_fed for ahead in self._ahead.values() if ahead is not None)
            self._ahead = {}

    def _commit(self, fork: Fork) -> None:
        # What was computed after its estimate was too low depends on when the best tagging was
        # found, and so on what else was computed: the result must not.
        is_given_up = self._disappoints(fork)
        tagging = fork.tagging
        wins = tagging.point is None and tagging.total > self.best_total and not is_given_up
        if fork.number >= 0:
            n_words = tagging.n_forked if wins else tagging.retire(self.best_total, is_given_up)
            self._words_left -= n_words
            self.n_won += fork.n_fed if wins else 0
            self.n_lost += 0 if wins else fork.n_fed
        for alternative in [*fork.alternatives, *([] if is_given_up else fork.later)]:
            value = alternative.bound
            if self._rejoin_words is not None:
                value = alternative.estimate(self._rejoin_words)
            if value > self.best_total + _MARGIN:
                # The number makes ties come out in a fixed order.
                heapq.heappush(self._heap, (-value, self._n_pushed, alternative))
                self._n_pushed += 1
        if wins:
            self.best = tagging
            if fork.snapshot is not None or self.root is None:
                self.root, self.snapshot = tagging, fork.snapshot
