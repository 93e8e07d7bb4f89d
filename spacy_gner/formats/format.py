"""What all formats have in common: how a model is asked, and how its answer is read."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, NamedTuple

from ..matching import Matching

# An entity over words: index of the first word, index after the last, label.
WordSpan = tuple[int, int, str]


@dataclass(frozen=True)
class Prompt:
    """A prompt, and how much of it does not depend on the sentence.

    text (str): The whole prompt.
    shared (str): The beginning of `text` that all sentences with the same
        labels have in common; decoders may compute it once.
    turns (tuple[str, ...]): For a conversation that is not to be wrapped in the model's own
        format: what is said up to each end token.
    instruction (str): The beginning of `shared` that does not depend on the labels either, for
        formats that ask several questions about a sentence.
    """

    text: str
    shared: str
    turns: tuple[str, ...] = ()
    instruction: str = ""

    @classmethod
    def conversation(cls, turns: Sequence[str], shared: str = "") -> "Prompt":
        """RETURNS (Prompt): A conversation; its text shows end tokens as `</s>`."""
        return cls("</s>".join(turns), shared, tuple(turns))

    @property
    def input(self) -> str | tuple[str, ...]:
        """RETURNS (str | tuple[str, ...]): What is tokenized, see `TextCodec.prompt_ids`."""
        return self.turns or self.text


class Piece(NamedTuple):
    """A part of a target, separated from the next one by a blank.

    text (str): The text.
    role (str): What it stands for: it decides the weight of its tokens in the loss.
    """

    text: str
    role: Literal["word", "outside", "entity"]


class Found(NamedTuple):
    """An entity that was read off an answer.

    start (int): Index of its first word.
    end (int): Index after its last word.
    label (str): The wording of its label.
    score (float): In [0, 1].
    """

    start: int
    end: int
    label: str
    score: float = 1.0


@dataclass(frozen=True)
class Shot:
    """A solved example for the prompt (few-shot).

    words (tuple[str, ...]): Its words.
    spans (tuple[tuple[int, int, str], ...]): Its entities, with the wordings of their labels.
    """

    words: tuple[str, ...]
    spans: tuple[WordSpan, ...]


@dataclass(frozen=True)
class Guidance:
    """What a prompt says about its labels beside their names.

    definitions (Mapping[str, str]): Wording of a label -> one sentence on what it means.
    shots (tuple[Shot, ...]): Solved examples.
    """

    definitions: Mapping[str, str] = field(default_factory=dict)
    shots: tuple[Shot, ...] = ()


NO_GUIDANCE = Guidance()


class Format(ABC):
    """One way of asking a model for entities and of reading its answer.

    name (str): For messages.
    is_nested (bool): Whether one answer can hold entities that overlap.
    labels_per_prompt (int | None): How many labels one prompt may ask for; None for any number.
    max_new_tokens (int | None): Tokens that an answer may have; None derives the number from
        the sentence.
    """

    name: ClassVar[str]
    is_nested: ClassVar[bool] = False
    labels_per_prompt: int | None = None
    max_new_tokens: int | None = None

    @property
    def may_overlap(self) -> bool:
        """RETURNS (bool): Whether entities may be nested, overlap, or have several labels."""
        return self.is_nested or self.labels_per_prompt is not None

    @abstractmethod
    def prompt(
        self,
        words: Sequence[str],
        wordings: Sequence[str],
        guidance: Guidance = NO_GUIDANCE,
        dataset: str | None = None,
    ) -> Prompt:
        """Write the prompt for one sentence.

        words (Sequence[str]): The words, length N.
        wordings (Sequence[str]): The wordings of the labels, in the order of the prompt.
        guidance (Guidance): Definitions of labels, and solved examples.
        dataset (str | None): Name of the data set, for supervised training only.
        RETURNS (Prompt): The prompt.
        """

    @abstractmethod
    def target(
        self, words: Sequence[str], spans: Sequence[WordSpan], wordings: Sequence[str]
    ) -> list[Piece]:
        """Write the answer that the model shall give.

        words (Sequence[str]): The words, length N.
        spans (Sequence[WordSpan]): The entities, in the wordings of the prompt.
        wordings (Sequence[str]): The wordings of the labels, in the order of the prompt.
        RETURNS (list[Piece]): The parts of the answer, to be joined by blanks.
        """

    @abstractmethod
    def parse(self, text: str, wordings: Sequence[str]) -> Sequence[Any]:
        """Read the parts of an answer, wherever they may be in the sentence. Any text can be
        read, in time linear in its length.

        text (str): The answer as generated.
        wordings (Sequence[str]): The wordings of the labels in the prompt.
        RETURNS (Sequence[Any]): The parts, in the order of the text. Each has the
            attributes `start` and `end`: the characters whose tokens decide its score.
        """

    @abstractmethod
    def locate(
        self,
        parts: Sequence[Any],
        scores: Sequence[float],
        words: Sequence[str],
        matching: Matching,
    ) -> list[Found]:
        """Find the entities of an answer in the sentence.

        parts (Sequence[Any]): What `parse` gave, length M.
        scores (Sequence[float]): The probability of each part, length M.
        words (Sequence[str]): The words of the sentence.
        matching (Matching): Matches the sentence with the answer.
        RETURNS (list[Found]): The entities, by start.
        """

    def read(
        self, text: str, words: Sequence[str], wordings: Sequence[str], matching: Matching
    ) -> list[Found]:
        """Read the entities of an answer that has no scores. See `parse` and `locate`."""
        parts = self.parse(text, wordings)
        return self.locate(parts, [1.0] * len(parts), words, matching)

    def write(
        self, words: Sequence[str], spans: Sequence[WordSpan], wordings: Sequence[str]
    ) -> str:
        """RETURNS (str): The text of the answer that the model shall give. See `target`."""
        return " ".join(piece.text for piece in self.target(words, spans, wordings))
