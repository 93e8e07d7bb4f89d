"""What a pass over a corpus found, and what is done about a broken record."""

import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

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
        lost = self.unaligned + self.overlapping + self.unusable_types
        if lost:
            warnings.warn(
                Warnings.W202.format(
                    path=path,
                    unaligned=self.unaligned,
                    overlapping=self.overlapping,
                    unusable=self.unusable_types,
                ),
                stacklevel=2,
            )
