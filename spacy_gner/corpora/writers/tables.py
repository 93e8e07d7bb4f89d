"""CSV and TSV: an entity a row."""

import csv
import io
import json
from collections.abc import Iterable
from typing import BinaryIO

from ..document import Document, TextSpan
from ..readers.tables import ENTITY_COLUMNS


def write_csv(documents: Iterable[Document], stream: BinaryIO, delimiter: str = ",") -> None:
    """Write an entity a row. Text, source and metadata stand in the first row of a document; a
    document without entities has one row, without start and label.

    documents (Iterable[Document]): What to write; each is written before the next is taken.
    stream (BinaryIO): The file.
    delimiter (str): Between the columns.
    """
    text = io.TextIOWrapper(stream, "utf8", errors="replace", newline="", write_through=True)
    rows = csv.writer(text, delimiter=delimiter)
    rows.writerow(ENTITY_COLUMNS)
    for number, document in enumerate(documents, 1):
        meta = json.dumps(document.meta, ensure_ascii=False, default=str)
        head = [document.text, document.source, document.line, meta]
        spans: list[TextSpan | None] = [*document.entities] or [None]
        for span in spans:
            entity = ["", "", "", "", ""]
            if span is not None:
                mention = document.text[span.start : span.end]
                score = "" if span.score is None else str(round(span.score, 4))
                entity = [str(span.start), str(span.end), span.label, mention, score]
            rows.writerow([number, head[0], *entity, *head[1:]])
            head = ["", "", "", ""]
        stream.flush()
    text.detach()
