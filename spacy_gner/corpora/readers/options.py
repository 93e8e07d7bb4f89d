"""What a user may say about files whose form leaves it open."""

from collections.abc import Iterator
from dataclasses import dataclass

from ..document import Document
from ..read_report import CorpusError

# A document; an error for a broken one; None for one that its annotator rejected.
Results = Iterator[Document | CorpusError | None]


@dataclass(frozen=True)
class ReadOptions:
    """What the readers of single formats may be told.

    word_column (int | None): The column of the word, from 0, or from -1 backwards; None: the first.
    tag_column (int | None): The column of the tag; None: the last.
    tag_names (tuple[str, ...] | None): The tags that the integers 0, 1, 2 … stand for.
    """

    word_column: int | None = None
    tag_column: int | None = None
    tag_names: tuple[str, ...] | None = None
