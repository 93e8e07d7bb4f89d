"""Parquet: a document a row."""

import json
from collections.abc import Iterable
from typing import Any, BinaryIO

from spacy.util import minibatch

from ...errors import Errors
from ..document import Document
from .records import document_record, without_surrogates

_ROWS = 1000


def write_parquet(documents: Iterable[Document], stream: BinaryIO) -> None:
    """Write a document a row: `text`, `entities` (start, end, label, text, score), `source`,
    `line`, and `meta` as JSON.

    documents (Iterable[Document]): What to write; a thousand are held at a time.
    stream (BinaryIO): The file.
    RAISES (ImportError): E224 without pyarrow.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise ImportError(Errors.E224.format(path="The output")) from error
    entity = [
        ("start", pa.int64()),
        ("end", pa.int64()),
        ("label", pa.string()),
        ("text", pa.string()),
        ("score", pa.float64()),
    ]
    schema = pa.schema(
        [
            ("text", pa.string()),
            ("entities", pa.list_(pa.struct(entity))),
            ("source", pa.string()),
            ("line", pa.int64()),
            ("meta", pa.string()),
        ]
    )
    with pq.ParquetWriter(stream, schema) as writer:
        for batch in minibatch(map(_row, documents), _ROWS):
            writer.write_table(pa.Table.from_pylist(batch, schema=schema))


def _row(document: Document) -> dict[str, Any]:
    record = document_record(document)
    record["meta"] = json.dumps(document.meta, default=str)
    row: dict[str, Any] = without_surrogates(record)
    return row
