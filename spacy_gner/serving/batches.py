"""Texts of many requests, gathered into batches for one model."""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

# From a batch of columns to columns of the same length.
Annotate = Callable[[dict[str, list[Any]]], Mapping[str, Sequence[Any]]]


class QueueFull(Exception):
    """So many tokens wait that no more are taken."""


class QueueClosed(Exception):
    """The server is stopping."""


class Batches(Protocol):
    """Gathers the texts of many requests into batches for one model: `BatchQueue`, or Ray
    Serve's own batches.

    has_started (bool): Whether it was started, even if it has ended.
    n_waiting (int): Estimated tokens that wait now.
    n_batches, n_rows (int): What was computed.
    """

    has_started: bool
    n_waiting: int
    n_batches: int
    n_rows: int

    @property
    def is_open(self) -> bool:
        """RETURNS (bool): Whether rows are taken and answered."""

    def start(self) -> None:
        """Begin to answer, in a running event loop."""

    async def close(self) -> None:
        """Take no more rows, and end after the batch that is being computed."""

    async def submit(
        self, rows: Sequence[Mapping[str, Any]], n_tokens: Sequence[int]
    ) -> list[dict[str, Any]]:
        """Wait for the answers to some rows. If this call is canceled, those that still wait
        are forgotten.

        rows (Sequence[Mapping[str, Any]]): Rows, all with the same columns.
        n_tokens (Sequence[int]): The estimated tokens of each.
        RETURNS (list[dict[str, Any]]): One row of the output per row.
        RAISES (QueueFull, QueueClosed): Where they cannot be taken; and what `annotate` raises.
        """


@dataclass(eq=False)
class _Waiting:
    row: Mapping[str, Any]
    n_tokens: int
    answer: "asyncio.Future[dict[str, Any]]"


class BatchQueue:
    """`Batches` of its own making: while one batch is computed, the next one gathers.

    The model runs in one thread of its own, so that the event loop stays free, and so that
    calls never overlap. Rows are taken in the order in which they came.
    """

    def __init__(self, annotate: Annotate, batch_tokens: int, waiting_tokens: int) -> None:
        """Make a queue. It starts with `start`, in a running event loop.

        annotate (Callable): From a batch of columns to columns of the same length, such as
            an `Annotator`.
        batch_tokens (int): Estimated tokens of one batch. A longer row is a batch of its own.
        waiting_tokens (int): Estimated tokens that may wait.

        `is_computing` says whether the model is at work, also after the end.
        """
        self._annotate = annotate
        self._batch_tokens = batch_tokens
        self._max_waiting = waiting_tokens
        self._waiting: deque[_Waiting] = deque()
        self._running: list[_Waiting] = []
        self._closed = False
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="gner")
        self.is_computing = False
        self._wake: asyncio.Event | None = None
        self._task: asyncio.Task[None] | None = None
        self.has_started = False
        self.n_waiting = self.n_batches = self.n_rows = 0

    @property
    def is_open(self) -> bool:
        return self._task is not None and not self._task.done() and not self._closed

    def start(self) -> None:
        self._wake = asyncio.Event()
        self._task = asyncio.get_running_loop().create_task(self._run())
        self.has_started = True

    async def close(self) -> None:
        """Take no more rows, refuse those that wait, and end after the batch that is being
        computed, if somebody still waits for it. Else it goes on in its thread, since a model
        cannot be interrupted (`is_computing`)."""
        self._closed = True
        while self._waiting:
            item = self._waiting.popleft()
            if not item.answer.done():
                item.answer.set_exception(QueueClosed())
        self.n_waiting = 0
        if self._wake is not None and self._task is not None:
            self._wake.set()
            if answers := [item.answer for item in self._running]:
                await asyncio.wait(answers)
            if self.is_computing:
                self._task.cancel()
            await asyncio.wait([self._task])
        self._thread.shutdown(wait=not self.is_computing)

    async def submit(
        self, rows: Sequence[Mapping[str, Any]], n_tokens: Sequence[int]
    ) -> list[dict[str, Any]]:
        if not self.is_open:
            raise QueueClosed()
        if self._waiting and self.n_waiting + sum(n_tokens) > self._max_waiting:
            raise QueueFull()
        loop = asyncio.get_running_loop()
        items = [_Waiting(r, n, loop.create_future()) for r, n in zip(rows, n_tokens, strict=True)]
        self._waiting.extend(items)
        self.n_waiting += sum(n_tokens)
        assert self._wake is not None
        self._wake.set()
        try:
            return list(await asyncio.gather(*(item.answer for item in items)))
        except BaseException:
            # Cancelled, or one row's batch failed: nobody waits for the others.
            self._forget(items)
            raise

    def _forget(self, items: Sequence[_Waiting]) -> None:
        gone = set(map(id, items))
        kept = deque(item for item in self._waiting if id(item) not in gone)
        self.n_waiting = sum(item.n_tokens for item in kept)
        self._waiting = kept
        for item in items:
            if item.answer.done():
                if not item.answer.cancelled():
                    item.answer.exception()  # so that asyncio does not report it as unseen
            else:
                item.answer.cancel()

    def _take(self) -> list[_Waiting]:
        batch: list[_Waiting] = []
        n_tokens = 0
        while self._waiting:
            item = self._waiting[0]
            if batch and n_tokens + item.n_tokens > self._batch_tokens:
                break
            batch.append(self._waiting.popleft())
            n_tokens += item.n_tokens
            self.n_waiting -= item.n_tokens
        return batch

    async def _run(self) -> None:
        assert self._wake is not None
        loop = asyncio.get_running_loop()
        while True:
            batch = self._take()
            if not batch:
                if self._closed:
                    return
                self._wake.clear()
                await self._wake.wait()
                continue
            self.n_batches += 1
            self.n_rows += len(batch)
            self._running, self.is_computing = batch, True
            rows = [item.row for item in batch]
            try:
                answers = await loop.run_in_executor(self._thread, self._compute, rows)
            except Exception as error:
                for item in batch:
                    if not item.answer.done():
                        item.answer.set_exception(error)
                continue
            for item, answer in zip(batch, answers, strict=True):
                if not item.answer.done():
                    item.answer.set_result(answer)

    def _compute(self, rows: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
        try:
            return annotate_rows(self._annotate, rows)
        finally:
            self.is_computing = False


def annotate_rows(annotate: Annotate, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Annotate rows that need not have the same columns.

    annotate (Callable): From a batch of columns to columns of the same length.
    rows (Sequence[Mapping[str, Any]]): The rows.
    RETURNS (list[dict[str, Any]]): One row of the output per row.
    """
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = {name: [row.get(name) for row in rows] for name in names}
    found = annotate(columns)
    return [{name: found[name][i] for name in found} for i in range(len(rows))]
