"""HTML: a page to look at."""

import io
import json
from collections.abc import Iterable, Mapping
from typing import Any, BinaryIO

from ...pages import AnnotationPage
from ..document import Document

_LONGEST = 60  # characters of a field that a heading has room for
_MOST = 6  # fields


def write_page(documents: Iterable[Document], stream: BinaryIO) -> None:
    """Write a page with the documents and their entities. The heading of each shows where it comes
    from and its short fields; long ones are left out.

    documents (Iterable[Document]): What to write.
    stream (BinaryIO): The file.
    """
    text = io.TextIOWrapper(stream, "utf8", newline="")
    page = AnnotationPage(text)
    for document in documents:
        place = f"{document.source}:{document.line}" if document.line else document.source
        title = " · ".join(filter(None, [place, *_short_fields(document.meta)]))
        page.add(document.text, [span._asdict() for span in document.entities], title)
    page.close()
    # Without this the file would be closed, which belongs to the caller.
    text.detach()


def _short_fields(meta: Mapping[str, Any]) -> list[str]:
    fields = []
    for name, value in meta.items():
        shown = value if isinstance(value, str) else json.dumps(value, default=str)
        field = f"{name}: {shown}"
        if shown not in ("", "null") and len(field) <= _LONGEST:
            fields.append(field)
    return fields[:_MOST]
