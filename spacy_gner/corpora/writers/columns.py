"""Text with tags: CoNLL columns, lists of words and labels, and inline markup."""

import json
from collections.abc import Iterable
from typing import BinaryIO

from ...formats.overlaps import keep_best
from ..document import Document
from ..markup import render_inline
from ..tags import write_tags
from ..tokenize import Tokenized
from .records import origin_of, write_line


def word_tags(document: Document) -> tuple[list[str], list[str | None]]:
    """The words of a document with their BIO tags.

    document (Document): With words.
    RETURNS (tuple[list[str], list[str | None]]): N words, without those of white space only; N
        tags, None for words without annotation.
    """
    words = list(document.words or ())
    tokens = Tokenized(words, document.spaces)
    spans = [(tokens.word_span(span.start, span.end), span.label) for span in document.entities]
    missing = [i for start, end in document.missing for i in tokens.words_within(start, end)]
    entities = [(*span, label) for span, label in spans if span is not None]
    tags = write_tags(len(words), entities, missing)
    kept = [i for i, word in enumerate(words) if word.strip()]
    # A tag of a word that is left out would leave the entity without its beginning.
    first_of = {start: end for start, end, _ in entities}
    for start, end in first_of.items():
        inside = [i for i in range(start, end) if words[i].strip()]
        if inside and inside[0] != start:
            tags[inside[0]] = tags[start]
    return ["_".join(words[i].split()) for i in kept], [tags[i] for i in kept]


def write_columns(documents: Iterable[Document], stream: BinaryIO) -> None:
    """Write a word and its tag in each line, separated by a tab; a document ends with a blank
    line. Source, line and metadata stand in comments above it.

    documents (Iterable[Document]): With words; each is written before the next is taken.
    stream (BinaryIO): The file.
    """
    for document in documents:
        words, tags = word_tags(document)
        source = " ".join(document.source.split())
        lines = [f"# source = {source}", f"# line = {document.line}"]
        if document.meta:
            lines.append(f"# meta = {json.dumps(document.meta, default=str)}")
        lines += [f"{word}\t{tag or '-'}" for word, tag in zip(words, tags, strict=True)]
        stream.write(("\n".join(lines) + "\n\n").encode("utf8", "replace"))
        stream.flush()


def write_words(documents: Iterable[Document], stream: BinaryIO) -> None:
    """Write JSON lines with `words` and `labels`, null for a word without annotation; source, line
    and metadata stand beside them."""
    for document in documents:
        words, tags = word_tags(document)
        if words:
            write_line(stream, {"words": words, "labels": tags, **origin_of(document)})


def write_inline(documents: Iterable[Document], stream: BinaryIO) -> None:
    """Write a document a line, with `[mention](label)`. Line ends become blanks; of entities that
    overlap the longest is written; blank documents cannot be."""
    for document in documents:
        text = "".join(" " if char in "\r\n" else char for char in document.text)
        longest = keep_best(document.entities, key=lambda span: span.start - span.end)
        line = render_inline(text, [span[:3] for span in longest])
        if text.strip():
            stream.write((line + "\n").encode("utf8", "replace"))
            stream.flush()
