"""HTML: a page to look at."""

import html
from collections.abc import Iterable
from typing import BinaryIO

from ..document import Document

_HEAD = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>spacy-gner</title>
<style>
body { font: 16px/1.6 system-ui, sans-serif; max-width: 50em; margin: 2em auto; padding: 0 1em; }
article { border-bottom: 1px solid #ddd; padding: 1em 0; white-space: pre-wrap; }
small { color: #777; }
mark { padding: 0.1em 0.3em; border-radius: 0.3em; }
</style>
</head>
<body>
"""


def write_page(documents: Iterable[Document], stream: BinaryIO) -> None:
    """Write a page with the documents and their entities.

    documents (Iterable[Document]): What to write.
    stream (BinaryIO): The file.
    """
    stream.write(_HEAD.encode("utf8"))
    for document in documents:
        stream.write(_article(document).encode("utf8", "replace"))
        stream.flush()
    stream.write(b"</body>\n</html>\n")


def _article(document: Document) -> str:
    place = html.escape(f"{document.source}:{document.line}")
    pieces, offset = [], 0
    for start, end, label, score in sorted(document.entities):
        if start < offset:
            continue
        title = "" if score is None else f' title="{score:.2f}"'
        mention = html.escape(document.text[start:end])
        pieces.append(html.escape(document.text[offset:start]))
        pieces.append(f"<mark{title}>{mention} <b>{html.escape(label)}</b></mark>")
        offset = end
    pieces.append(html.escape(document.text[offset:]))
    return f"<article><small>{place}</small>\n{''.join(pieces)}</article>\n"
