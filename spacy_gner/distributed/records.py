"""The rows that travel through a cluster: their columns, and what stands for a document.

Nothing here needs a model: readers and writers start quickly.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

# Columns that a run adds.
ID, SOURCE, POSITION, META = "id", "source", "position", "meta"
ENTITIES, ERROR = "entities", "error"
LABELS = "gner_labels"

# Positions are below 2**40 (a terabyte, or as many rows); the rest numbers the files.
_POSITION_BITS = 40

ENTITY_TYPE = pa.list_(
    pa.struct(
        [
            pa.field("start", pa.int64()),
            pa.field("end", pa.int64()),
            pa.field("label", pa.string()),
            pa.field("text", pa.string()),
            pa.field("score", pa.float64()),
        ]
    )
)


def document_id(file_number: int, position: int) -> int:
    """An id that is the same in each run over the same list of files, without collisions.

    file_number (int): The file's number in the list, from 0.
    position (int): Where the document begins in it: a byte offset, or the number of its row.
    RETURNS (int): In 64 bits.
    """
    return (file_number << _POSITION_BITS) + position


def digests(table: pa.Table) -> Any:
    """RETURNS (numpy.ndarray): A number in 64 bits for each document's id. Different ids hardly
    ever have the same."""
    ids = (str(own).encode("utf8") for own in table.column(ID).to_pylist())
    found = b"".join(hashlib.blake2b(own, digest_size=8).digest() for own in ids)
    return np.frombuffer(found, dtype=np.uint64)


def text_schema(text_column: str, id_type: pa.DataType) -> pa.Schema:
    """RETURNS (pa.Schema): The columns of documents from text files, JSONL and CSV. "meta" is
    JSON with the other fields of the document, "gner_labels" JSON with its own labels."""
    return pa.schema(
        [
            pa.field(ID, id_type),
            pa.field(SOURCE, pa.string()),
            pa.field(POSITION, pa.int64()),
            pa.field(text_column, pa.string()),
            pa.field(LABELS, pa.string()),
            pa.field(META, pa.string()),
            pa.field(ERROR, pa.string()),
        ]
    )


def add_results(
    table: pa.Table, entities: Sequence[Iterable[Mapping[str, Any]]], errors: Sequence[str | None]
) -> pa.Table:
    """Put the results beside the documents.

    table (pa.Table): N documents; an "error" that it has already stays.
    entities (Sequence[Iterable[Mapping]]): As an `Annotator` gives them, length N.
    errors (Sequence[str | None]): Likewise.
    RETURNS (pa.Table): With the columns "entities" and "error", whose types do not depend on
        what was found, so that all shards have the same schema.
    """
    if ERROR in table.column_names:
        before = table.column(ERROR).to_pylist()
        errors = [old or new for old, new in zip(before, errors, strict=True)]
        table = table.drop_columns([ERROR])
    found = pa.array([list(row) for row in entities], ENTITY_TYPE)
    table = table.append_column(ENTITIES, found)
    return table.append_column(ERROR, pa.array(errors, pa.string()))
