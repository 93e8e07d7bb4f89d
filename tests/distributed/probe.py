"""A deployment that tries Ray Serve's batches from within a replica, where alone they work."""

import asyncio
from typing import Any

from ray import serve

from spacy_gner.distributed.serve_batches import ServeBatches
from spacy_gner.serving.batches import QueueClosed, QueueFull
from tests.serving.helpers import Capitals


def rows(n: int) -> list[dict[str, Any]]:
    return [{"text": f"Ann {i}", "gner_labels": ["name"]} for i in range(n)]


async def until(condition: Any) -> None:
    for _ in range(1000):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("the condition was never met")


@serve.deployment
class Probe:
    """Each call is a scenario; it returns what was seen."""

    async def sizes(self) -> dict[str, Any]:
        """2048 tokens are a batch; what is longer is one alone."""
        annotate = Capitals()
        batches = ServeBatches(annotate, waiting_tokens=100_000)
        batches.start()
        answers = await batches.submit(rows(7), [700, 700, 700, 700, 9999, 700, 700])
        await batches.close()
        return {
            "sizes": sorted(len(batch["text"]) for batch in annotate.batches),
            "texts": [answer["text"] for answer in answers],
            "found": [len(answer["entities"]) for answer in answers],
            "most_running": annotate.most_running,
            "counted": (batches.n_batches, batches.n_rows, batches.n_waiting),
        }

    async def bound(self) -> dict[str, Any]:
        """More than may wait is refused, and who goes away makes room."""
        annotate = Capitals()
        annotate.go.clear()
        batches = ServeBatches(annotate, waiting_tokens=5000)
        before = await self._refused(batches, 1)
        batches.start()
        runs = asyncio.ensure_future(batches.submit(rows(1), [1]))
        await until(lambda: annotate.running)
        waits = asyncio.ensure_future(batches.submit(rows(2), [2000, 2000]))
        await until(lambda: batches.n_waiting)
        full, waiting = await self._refused(batches, 2000), batches.n_waiting
        waits.cancel()
        await until(lambda: not batches.n_waiting)
        follows = asyncio.ensure_future(batches.submit(rows(1), [4000]))
        await until(lambda: batches.n_waiting)
        annotate.go.set()
        await runs
        n_followed = len(await follows)
        await batches.close()
        return {
            "before": before,
            "full": full,
            "waiting": waiting,
            "followed": n_followed,
            "after": await self._refused(batches, 1),
            "computed": batches.n_rows,
            "left": batches.n_waiting,
        }

    async def _refused(self, batches: ServeBatches, n_tokens: int) -> str:
        try:
            await batches.submit(rows(1), [n_tokens])
        except (QueueFull, QueueClosed) as error:
            return type(error).__name__
        return "no"
