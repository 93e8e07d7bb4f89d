"""HTML: a page to look at."""

import io
from collections.abc import Iterable
from typing import BinaryIO

from ...pages import AnnotationPage
from ..document import Document


def write_page(documents: Iterable[Document], stream: BinaryIO) -> None:
    """Write a page with the documents and their entities.

    documents (Iterable[Document]): What to write.
    stream (BinaryIO): The file.
    """
    text = io.TextIOWrapper(stream, "utf8", newline="")
    page = AnnotationPage(text)
    for document in documents:
        place = f"{document.source}:{document.line}" if document.line else document.source
        page.add(document.text, [span._asdict() for span in document.entities], place)
    page.close()
    # Without this the file would be closed, which belongs to the caller.
    text.detach()
