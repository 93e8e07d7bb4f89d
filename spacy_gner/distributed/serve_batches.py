"""Batches of a server's texts, made by Ray Serve."""

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from ray import serve

from ..serving.batches import Annotate, QueueClosed, QueueFull, annotate_rows
from ..serving.limits import Limits

# How long the first text of a batch waits for others, in seconds.
_GATHER = 0.02
_BATCH_TOKENS = Limits().batch_tokens


@dataclass(eq=False)
class _Waiting:
    row: Mapping[str, Any]
    n_tokens: int
    waits: bool = True


def _size(items: Sequence[_Waiting]) -> int:
    # A text that is longer than a batch is a batch of its own: Ray would refuse it.
    return min(sum(item.n_tokens for item in items), _BATCH_TOKENS + (len(items) > 1))


class ServeBatches:
    """`serve.batch` behind the contract of `spacy_gner.serving.batches.Batches`: sizes in tokens,
    one call of the model at a time, a bound on what waits."""

    def __init__(self, annotate: Annotate, waiting_tokens: int) -> None:
        """Make a queue, within a replica.

        annotate (Callable): From a batch of columns to columns of the same length.
        waiting_tokens (int): Estimated tokens that may wait.
        """
        self._annotate = annotate
        self._max_waiting = waiting_tokens
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="gner")
        self.has_started = self._closed = False
        self.n_waiting = self.n_batches = self.n_rows = 0

    @property
    def is_open(self) -> bool:
        return self.has_started and not self._closed

    def start(self) -> None:
        self.has_started = True

    async def close(self) -> None:
        self._closed = True
        await asyncio.to_thread(self._thread.shutdown)

    async def submit(
        self, rows: Sequence[Mapping[str, Any]], n_tokens: Sequence[int]
    ) -> list[dict[str, Any]]:
        if not self.is_open:
            raise QueueClosed()
        if self.n_waiting and self.n_waiting + sum(n_tokens) > self._max_waiting:
            raise QueueFull()
        items = [_Waiting(row, n) for row, n in zip(rows, n_tokens, strict=True)]
        self.n_waiting += sum(n_tokens)
        try:
            return list(await asyncio.gather(*(self._batch(item) for item in items)))
        finally:
            self._begin(items)

    def _begin(self, items: Sequence[_Waiting]) -> None:
        for item in items:
            if item.waits:
                item.waits = False
                self.n_waiting -= item.n_tokens

    @serve.batch(max_batch_size=_BATCH_TOKENS, batch_wait_timeout_s=_GATHER, batch_size_fn=_size)
    async def _batch(self, items: list[_Waiting]) -> list[dict[str, Any]]:
        if self._closed:
            raise QueueClosed()
        self._begin(items)
        self.n_batches += 1
        self.n_rows += len(items)
        loop = asyncio.get_running_loop()
        rows = [item.row for item in items]
        return await loop.run_in_executor(self._thread, annotate_rows, self._annotate, rows)
