"""Cutting a text file into texts: the whole file, paragraphs, or lines."""

import itertools
import re
from collections.abc import Iterator

from ..corpora.files import decode
from ..corpora.source import Source

SPLITS = ("whole", "paragraphs", "lines")

_WIDEST = 100  # no wrapped line is longer
_SENTENCE_END = re.compile(r"[.!?:;…]['\"”’»)\]]*$")
# Shares of the pairs of lines that follow one another, in text that was wrapped at some width.
_FULL, _UNFINISHED, _LOWER = 0.7, 0.4, 0.25


def guess_split(source: Source) -> str:
    """Tell how the texts of a file are kept apart.

    source (Source): A text file.
    RETURNS (str): "paragraphs" where the lines were wrapped at some width, as in books and
        e-mails (names would break there); else "lines".
    RAISES (CorpusError): What reading the source raises.
    """
    head = source.head()
    encoding = source.text_encoding(head) or "utf-8-sig"
    lines = head.decode(encoding, "ignore").splitlines()
    return "paragraphs" if is_wrapped(lines) else "lines"


def is_wrapped(lines: list[str]) -> bool:
    """Whether lines were wrapped: the first word of most would not have fitted on the line before.

    lines (list[str]): The lines of a text, blank ones too.
    RETURNS (bool): Whether most of them continue the line before.
    """
    lines = [line.rstrip() for line in lines]
    width = max(map(len, lines), default=0)
    neighbors = itertools.pairwise(lines)
    pairs = [(line, after.strip()) for line, after in neighbors if line.strip() and after.strip()]
    if len(pairs) < 2 or width > _WIDEST:
        return False
    full = sum(len(line) + 1 + len(after.split()[0]) > 0.85 * width for line, after in pairs)
    unfinished = sum(not _SENTENCE_END.search(line) for line, _ in pairs)
    lower = sum(after[0].islower() for _, after in pairs)
    n = len(pairs)
    return full >= _FULL * n and unfinished >= _UNFINISHED * n and lower >= _LOWER * n


def split_text(source: Source, split: str) -> Iterator[tuple[int, str | Exception]]:
    """Cut a text file into texts. Blank ones are passed over.

    source (Source): The file.
    split (str): "whole", "paragraphs" (that blank lines separate), or "lines".
    YIELDS (tuple[int, str | Exception]): The first line of a text, and the text, or why it cannot
        be read.
    RAISES (CorpusError): What reading the source raises.
    """
    if split == "whole":
        text = source.read_text()
        if text.strip():
            yield 1, text
        return
    block: list[str] = []
    first = 0
    for number, raw in source.lines():
        try:
            line = decode(raw, f"{source.name}:{number}")
        except ValueError as error:
            yield number, error
            continue
        if split == "lines":
            if line.strip():
                yield number, line
        elif line.strip():
            first = first if block else number
            block.append(line)
        elif block:
            yield first, "\n".join(block)
            block = []
    if block:
        yield first, "\n".join(block)
