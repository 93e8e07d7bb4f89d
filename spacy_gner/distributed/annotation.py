"""Annotation of a part of the documents, the same wherever and whenever it happens."""

import time
from collections.abc import Callable
from typing import Any

import pyarrow as pa

from ..pipeline.annotator import Annotator
from ..pipeline.loading import find_component
from ..pipeline.shim import get_shim
from .records import ENTITIES, ERROR, LABELS, add_results


def annotate_table(
    annotator: Annotator,
    table: pa.Table,
    batch_size: int,
    note: Callable[[int, int, float], Any] | None = None,
) -> pa.Table:
    """Annotate a part of the documents. The results depend on nothing but the part, to the last
    digit of the scores: what is in a batch together moves it, and what a model remembers of
    the batches before.

    annotator (Annotator): Finds the entities.
    table (pa.Table): The documents.
    batch_size (int): Documents to annotate at once.
    note (Callable | None): Is told of each batch: documents, words, seconds.
    RETURNS (pa.Table): With their results.
    """
    get_shim(find_component(annotator.nlp).model).backbone.cache.forget(object)
    entities: list[Any] = []
    errors: list[str | None] = []
    for start in range(0, len(table), batch_size):
        started = time.monotonic()
        part = table.slice(start, batch_size)
        texts = part.column(annotator.text_column).to_pylist()
        columns = {annotator.text_column: texts}
        if LABELS in part.column_names:
            columns[annotator.labels_column] = part.column(LABELS).to_pylist()
        found = annotator(columns)
        entities += found[ENTITIES]
        errors += found[ERROR]
        if note is not None:
            n_words = sum(len((text or "").split()) for text in texts)
            note(len(texts), n_words, time.monotonic() - started)
    return add_results(table, entities, errors)
