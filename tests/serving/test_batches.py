"""The queue: batches by tokens, its bound, callers that leave, failures, the end."""

import asyncio

import pytest

from spacy_gner.serving.batches import BatchQueue, QueueClosed, QueueFull

from .helpers import Capitals


def row(text):
    return {"text": text, "gner_labels": ["x"]}


async def until(condition):
    for _ in range(2000):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("the condition was never met")


def run(scenario, batch_tokens=10, waiting_tokens=100):
    """Run `scenario(queue, annotate)` on a queue whose model is held back."""

    async def main():
        annotate = Capitals()
        annotate.go.clear()
        queue = BatchQueue(annotate, batch_tokens, waiting_tokens)
        queue.start()
        try:
            return await scenario(queue, annotate)
        finally:
            annotate.go.set()
            await queue.close()

    return asyncio.run(main())


def texts_of(annotate):
    return [batch["text"] for batch in annotate.batches]


def test_rows_that_wait_are_gathered_by_tokens():
    async def scenario(queue, annotate):
        calls = [asyncio.ensure_future(queue.submit([row("First")], [1]))]
        await until(lambda: annotate.batches)
        for text, n_tokens in (("B", 4), ("C", 4), ("D", 4), ("Long", 50), ("E", 9), ("F", 1)):
            calls.append(asyncio.ensure_future(queue.submit([row(text)], [n_tokens])))
            await asyncio.sleep(0)
        assert queue.n_waiting == 72
        annotate.go.set()
        answers = await asyncio.gather(*calls)
        assert [a["entities"][0]["text"] for (a,) in answers] == [
            "First", "B", "C", "D", "Long", "E", "F",
        ]  # fmt: skip
        assert texts_of(annotate) == [["First"], ["B", "C"], ["D"], ["Long"], ["E", "F"]]
        assert annotate.most_running == 1 and queue.n_waiting == 0
        assert (queue.n_batches, queue.n_rows) == (5, 7)

    run(scenario)


def test_one_call_with_many_rows_is_answered_in_order():
    async def scenario(queue, annotate):
        annotate.go.set()
        names = [f"N{i}" for i in range(25)]
        answers = await queue.submit([row(n) for n in names], [3] * 25)
        assert [a["text"] for a in answers] == names
        assert all(len(batch) <= 3 for batch in texts_of(annotate))

    run(scenario)


def test_full_queue_refuses_and_takes_again():
    async def scenario(queue, annotate):
        first = asyncio.ensure_future(queue.submit([row("First")], [1]))
        await until(lambda: annotate.batches)
        # Nobody waits: taken, whatever its size.
        large = asyncio.ensure_future(queue.submit([row("Large")], [1000]))
        await asyncio.sleep(0)
        with pytest.raises(QueueFull):
            await queue.submit([row("More")], [1])
        annotate.go.set()
        await asyncio.gather(first, large)
        assert len(await queue.submit([row("More")], [1])) == 1

    run(scenario)


def test_caller_that_leaves_makes_room():
    async def scenario(queue, annotate):
        first = asyncio.ensure_future(queue.submit([row("First")], [1]))
        await until(lambda: annotate.batches)
        leaves = asyncio.ensure_future(queue.submit([row("Gone"), row("Gone")], [40, 40]))
        stays = asyncio.ensure_future(queue.submit([row("Stays")], [5]))
        await asyncio.sleep(0)
        leaves.cancel()
        await asyncio.sleep(0.01)
        assert queue.n_waiting == 5
        first.cancel()  # its batch is being computed: the answer is dropped
        annotate.go.set()
        assert len(await stays) == 1
        assert texts_of(annotate) == [["First"], ["Stays"]]

    run(scenario)


def test_failure_reaches_those_of_its_batch_only():
    async def scenario(queue, annotate):
        annotate.go.set()
        with pytest.raises(RuntimeError, match="out of memory"):
            await queue.submit([row("crash"), row("Later")], [9, 9])
        assert (await queue.submit([row("Ann")], [1]))[0]["entities"]

    run(scenario)


def test_close_does_not_wait_for_a_batch_that_nobody_waits_for():
    async def scenario(queue, annotate):
        runs = asyncio.ensure_future(queue.submit([row("Runs")], [1]))
        await until(lambda: annotate.batches)
        runs.cancel()
        await asyncio.sleep(0)
        await queue.close()
        # The model is still held back.
        assert queue.is_computing and not queue.is_open
        annotate.go.set()
        await until(lambda: not queue.is_computing)

    run(scenario)


def test_close_answers_what_runs_and_refuses_what_waits():
    async def scenario(queue, annotate):
        runs = asyncio.ensure_future(queue.submit([row("Runs")], [1]))
        await until(lambda: annotate.batches)
        waits = asyncio.ensure_future(queue.submit([row("Waits")], [1]))
        await asyncio.sleep(0)
        closing = asyncio.ensure_future(queue.close())
        with pytest.raises(QueueClosed):
            await waits
        annotate.go.set()
        await closing
        assert (await runs)[0]["entities"][0]["text"] == "Runs"
        with pytest.raises(QueueClosed):
            await queue.submit([row("Late")], [1])

    run(scenario)
