"""A stream of pre-annotated tasks, as Prodigy's recipes want them."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from spacy.util import minibatch

from ..errors import Errors
from .batches import Annotate


def prodigy_stream(
    tasks: Iterable[Mapping[str, Any]],
    annotate: Annotate,
    batch_size: int = 16,
) -> Iterator[dict[str, Any]]:
    """Add spans to a stream of tasks. Prodigy's `add_tokens` can be called on the result.

    tasks (Iterable[Mapping]): Each with a "text"; what else they have is kept.
    annotate (Callable): An `Annotator`.
    batch_size (int): Tasks to read ahead.
    YIELDS (dict): The tasks in order, with "spans" in characters, each with its label and
        score, and with "meta": the lowest score, or the error of a text that failed.
    RAISES (ValueError): E017 for a batch size below 1.
    """
    if batch_size < 1:
        raise ValueError(Errors.E017.format(field="batch_size", expected=">= 1", found=batch_size))
    for batch in minibatch(tasks, batch_size):
        found = annotate({"text": [task.get("text") for task in batch]})
        for task, entities, error in zip(batch, found["entities"], found["error"], strict=True):
            spans = [
                {key: entity[key] for key in ("start", "end", "label", "text", "score")}
                for entity in entities
            ]
            meta: dict[str, Any] = {"source": "spacy-gner", **(task.get("meta") or {})}
            scores = [span["score"] for span in spans if span["score"] is not None]
            if scores:
                meta["lowest score"] = round(min(scores), 3)
            if error is not None:
                meta["error"] = error
            yield {**task, "spans": spans, "meta": meta}
