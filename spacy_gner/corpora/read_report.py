"""What a pass over a corpus found, and what is done about a broken record."""

import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ..errors import Errors, Warnings

ON_ERROR = ("raise", "skip")
_MAX_KEPT_MESSAGES = 20


class CorpusError(ValueError):
    """A broken record of a corpus. The message has a code, the file and the line."""


def check_choice(name: str, value: str, choices: Sequence[str]) -> None:
    """Raise unless a reader's setting is one of its choices.

    name (str): The setting.
    value (str): What was given.
    choices (Sequence[str]): What may be given.
    RAISES (ValueError): E203.
    """
    if value not in choices:
        quoted = ", ".join(f'"{choice}"' for choice in choices)
        raise ValueError(Errors.E203.format(name=name, value=value, choices=quoted))


@dataclass
class ReadReport:
    """Counts of one pass over a corpus.

    passages (int): Examples that were yielded.
    entities (int): Entities in them.
    labels (Counter[str]): Entities per label.
    missing_words (int): Words without annotation (masked in training).
    skipped (int): Broken records that were left out.
    too_long (int): Passages left out because of `max_words`.
    split_tokens (int): Tokens that were cut because a mention ends inside them.
    unaligned (int): Mentions that could not be aligned with the text or its tokens.
    overlapping (int): Mentions left out because they overlap others.
    discontinuous (int): Entities left out because they consist of separate parts.
    rejected (int): Documents left out because their annotator rejected or ignored them.
    unusable_types (int): Types that no prompt can name (they contain "(", ")" or ",").
    messages (list[str]): The first messages about skipped records.
    lost (list[str]): The first mentions that were left out, and why.
    """

    passages: int = 0
    entities: int = 0
    labels: Counter[str] = field(default_factory=Counter)
    missing_words: int = 0
    skipped: int = 0
    too_long: int = 0
    split_tokens: int = 0
    unaligned: int = 0
    overlapping: int = 0
    discontinuous: int = 0
    rejected: int = 0
    unusable_types: int = 0
    messages: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    def handle(self, error: CorpusError, on_error: str) -> None:
        """Raise the error, or count it: as the reader is configured.

        error (CorpusError): What is wrong with the record.
        on_error (str): "raise" or "skip".
        RAISES (CorpusError): The error itself, if `on_error` is "raise".
        """
        if on_error == "raise":
            raise error
        self.skipped += 1
        if len(self.messages) < _MAX_KEPT_MESSAGES:
            self.messages.append(str(error))

    def count(self, entities: Sequence[tuple[int, int, str]], n_missing: int = 0) -> None:
        """Count a passage.

        entities (Sequence[tuple[int, int, str]]): First word, word after the last, label.
        n_missing (int): How many words have no annotation.
        """
        self.passages += 1
        self.entities += len(entities)
        self.labels.update(label for _, _, label in entities)
        self.missing_words += n_missing

    def check_losses(self, path: object) -> None:
        """Raise if skipping broken records left nothing, or the smaller part, of a corpus.

        path (object): The corpus, for the message.
        RAISES (ValueError): E228.
        """
        if self.skipped and (self.skipped > self.passages or not self.entities):
            raise ValueError(
                Errors.E228.format(
                    path=path,
                    skipped=self.skipped,
                    passages=self.passages,
                    entities=self.entities,
                    first=self.messages[0],
                )
            )

    def dropped(self) -> dict[str, int]:
        """RETURNS (dict[str, int]): What was left out or changed, by reason; zeros too."""
        return {
            "broken records skipped": self.skipped,
            "documents that their annotator rejected": self.rejected,
            "passages over max_words": self.too_long,
            "entities not aligned with the text or its words": self.unaligned,
            "entities overlapping longer ones": self.overlapping,
            "entities of separate parts": self.discontinuous,
            "types that cannot stand in a prompt": self.unusable_types,
            "tokens cut at the end of an entity": self.split_tokens,
            "words without annotation": self.missing_words,
        }

    def to_dict(self) -> dict[str, Any]:
        """RETURNS (dict): The record of what was read: documents, entities per label, what was
        dropped and why, and the first messages. It can be written as JSON."""
        return {
            "documents": self.passages,
            "entities": self.entities,
            "labels": dict(self.labels.most_common()),
            "dropped": {reason: n for reason, n in self.dropped().items() if n},
            "messages": self.messages + self.lost,
        }

    def lose(self, place: str, reason: str) -> None:
        """Keep an example of a mention that was left out.

        place (str): File and line.
        reason (str): Which mention, and why.
        """
        if len(self.lost) < _MAX_KEPT_MESSAGES:
            self.lost.append(f"{place}: {reason}")

    def warn(self, path: object) -> None:
        """Say once, at the end of a pass, what was left out.

        path (object): The corpus, for the message.
        """
        if self.skipped:
            warnings.warn(
                Warnings.W201.format(path=path, count=self.skipped, first=self.messages[0]),
                stacklevel=2,
            )
        lost = self.unaligned + self.overlapping + self.discontinuous + self.unusable_types
        if lost:
            warnings.warn(
                Warnings.W202.format(
                    path=path,
                    unaligned=self.unaligned,
                    overlapping=self.overlapping,
                    discontinuous=self.discontinuous,
                    unusable=self.unusable_types,
                ),
                stacklevel=2,
            )
