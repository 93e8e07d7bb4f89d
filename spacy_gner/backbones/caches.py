"""What is computed once for a model and asked for again, within one bound."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from itertools import islice
from typing import Protocol, TypeVar, cast

# How many values may still grow: the tables of the label sets of one batch.
_GROWING = 16


class Sized(Protocol):
    """A value that knows how much memory it takes.

    n_bytes (int): About how much; it may grow.
    """

    @property
    def n_bytes(self) -> int: ...


Value = TypeVar("Value", bound=Sized)


class Cache:
    """Values by key, bounded together in bytes: the least recently used go first. Safe to share
    between threads.

    max_bytes (int): How much all values may take together. The one that was asked for last is
        kept whatever its size.
    """

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self._lock = threading.Lock()
        self._values: OrderedDict[Hashable, Sized] = OrderedDict()
        self._sizes: dict[Hashable, int] = {}

    def get(self, key: Hashable, make: Callable[[], Value]) -> Value:
        """Look a value up, or make it.

        key (Hashable): Its key.
        make (Callable[[], Sized]): Makes it; other threads do not wait meanwhile, and of
            two that make the same value, the one that comes first counts.
        RETURNS (Sized): The value. Not to be changed, but for what it remembers itself.
        """
        with self._lock:
            value = self._values.get(key)
        if value is None:
            value = make()
        with self._lock:
            value = self._values.setdefault(key, value)
            self._values.move_to_end(key)
            # Values grow while they are used: those of the last batches are measured again.
            for recent in islice(reversed(self._values), _GROWING):
                self._sizes[recent] = self._values[recent].n_bytes
            self._shrink()
        return cast(Value, value)

    def _shrink(self) -> None:
        total = sum(self._sizes.values())
        while total > self.max_bytes and len(self._values) > 1:
            key, _ = self._values.popitem(last=False)
            total -= self._sizes.pop(key)

    def forget(self, kind: type) -> None:
        """Remove all values of a type.

        kind (type): The type.
        """
        with self._lock:
            for key in [key for key, value in self._values.items() if isinstance(value, kind)]:
                del self._values[key], self._sizes[key]

    @property
    def n_bytes(self) -> int:
        """RETURNS (int): About how much all values take."""
        with self._lock:
            return sum(value.n_bytes for value in self._values.values())

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, key: Hashable) -> bool:
        return key in self._values
