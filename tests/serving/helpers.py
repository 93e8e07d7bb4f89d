"""A stand-in for an Annotator, and an app around it."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from spacy_gner.errors import Errors


class Capitals:
    """Finds every capitalized word: the label is the row's first, the score is 0.75, and
    0.25 for words of one letter. A text with "poison" fails alone, "crash" fails the batch."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.batches: list[dict[str, list[Any]]] = []
        self.running = 0
        self.most_running = 0
        # Cleared, it holds the model back.
        self.go = threading.Event()
        self.go.set()

    def __call__(self, batch: dict[str, list[Any]]) -> dict[str, list[Any]]:
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        self.batches.append(batch)
        self.go.wait(10)
        time.sleep(self.seconds)
        try:
            if any("crash" in text for text in batch["text"]):
                raise RuntimeError("out of memory")
            pairs = zip(batch["text"], batch["gner_labels"], strict=True)
            rows = [self._row(text, labels) for text, labels in pairs]
        finally:
            self.running -= 1
        return {**batch, "entities": [e for e, _ in rows], "error": [e for _, e in rows]}

    def _row(self, text: str, labels: Any) -> tuple[list[dict[str, Any]], str | None]:
        if "poison" in text:
            return [], Errors.E017.format(field="text", expected="no poison", found=text)
        label = next(iter(labels)) if labels else "name"
        found, at = [], 0
        for word in text.split():
            at = text.index(word, at)
            if word[0].isupper():
                score = 0.75 if len(word) > 1 else 0.25
                entity = {"start": at, "end": at + len(word), "label": label, "text": word}
                found.append({**entity, "score": score})
            at += len(word)
        return found, None


@contextmanager
def running_server(app: Any, grace: int | None = None) -> Iterator[int]:
    """YIELDS (int): The port of a server on loopback, which is stopped at the end: after `grace`
    seconds, whatever is open."""
    import uvicorn

    config = uvicorn.Config(
        app,
        host="127.0.0.1",
        port=0,
        log_level="critical" if grace else "warning",
        timeout_graceful_shutdown=grace,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the server did not start"
        time.sleep(0.005)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(30)
        assert not thread.is_alive(), "the server did not stop"
