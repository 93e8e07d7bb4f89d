"""Annotate a table in several processes: `python project/recipes/on_processes.py IN OUT MODEL`.

For one machine, and for jobs that may start again from the beginning.
"""

import multiprocessing
import sys
from collections.abc import Iterator
from typing import Any

import pyarrow.parquet as pq

from spacy_gner.distributed.annotation import annotate_table
from spacy_gner.pipeline.annotator import Annotator


def main(source: str, output: str, model: str) -> None:
    """Annotate the column "text"; all others go through."""
    annotator = Annotator(model, ["person", "city"], device="cpu")
    # spawn: a process that was forked shares locks with threads that it does not have.
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        jobs = ((annotator, part, 64) for part in _parts(source))
        writer = None
        for table in pool.imap(_annotate, jobs):
            writer = writer or pq.ParquetWriter(output, table.schema)
            writer.write_table(table)
        if writer is not None:
            writer.close()


def _parts(source: str) -> Iterator[Any]:
    import pyarrow as pa

    for batch in pq.ParquetFile(source).iter_batches(256):
        yield pa.Table.from_batches([batch])


def _annotate(job: tuple[Annotator, Any, int]) -> Any:
    return annotate_table(*job)


if __name__ == "__main__":
    main(*sys.argv[1:])
