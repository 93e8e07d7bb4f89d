"""InstructUIE's format (Wang et al. 2023): one question for all labels, answered by
`label: mention; label: mention`. Wording and layout are those of its repository, configs/
instruction_config.json and src/uie_dataset.py at 339ade6."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from spacy.util import registry

from .format import NO_GUIDANCE, Guidance, Piece, Prompt, WordSpan
from .mentions import Mentions, ParsedMention, mentions_of

INSTRUCTION = (
    "Please list all entity words in the text that fit the category."
    'Output format is "type1: word1; type2: word2". \n'
)
NOTHING = "None"


@registry.misc("spacy_gner.SingleRound.v1")
@dataclass(frozen=True)
class SingleRound(Mentions):
    """One question for all labels, as InstructUIE asks it. See `Mentions`. (The authors cut
    answers at 50 tokens.)

    instruction (str): What stands before the labels.
    """

    name: ClassVar[str] = "single-round"
    instruction: str = INSTRUCTION
    max_new_tokens: int | None = None

    def prompt(
        self,
        words: Sequence[str],
        wordings: Sequence[str],
        guidance: Guidance = NO_GUIDANCE,
        dataset: str | None = None,
    ) -> Prompt:
        """See `Format.prompt`. Definitions follow the labels, line by line; examples with their
        answers stand before the text. Neither is in the original."""
        shared = "" if dataset is None else f"Dataset:{dataset}\n"
        shared += f"{self.instruction}Option: {', '.join(wordings)} \n"
        for wording in wordings:
            if wording in guidance.definitions:
                shared += f"{wording}: {guidance.definitions[wording]} \n"
        for text, answer in self.solved(guidance, wordings):
            shared += f"Text: {text} \nAnswer: {answer} \n"
        shared += "Text: "
        return Prompt(f"{shared}{' '.join(words)} \nAnswer:", shared)

    def target(
        self, words: Sequence[str], spans: Sequence[WordSpan], wordings: Sequence[str]
    ) -> list[Piece]:
        pairs = zip(spans, mentions_of(words, spans), strict=True)
        text = "; ".join(f"{label}: {mention}" for (_, _, label), mention in pairs)
        return [Piece(text, "entity")] if text else [Piece(NOTHING, "outside")]

    def parse(self, text: str, wordings: Sequence[str]) -> list[ParsedMention]:
        """See `Format.parse`. A piece without a label that was asked for may be what follows a
        semicolon within the mention before it: that mention is read without it and with it."""
        known = {wording.casefold(): wording for wording in wordings}
        parts: list[ParsedMention] = []
        label: str | None = None
        start = first_end = end = at = 0

        def finish() -> None:
            if label is not None:
                parts.append(_part(text, label, start, first_end))
                if end > first_end:
                    parts.append(_part(text, label, start, end))

        for piece in text.split(";"):
            found, value = _label_of(piece, known)
            if found is not None:
                finish()
                label, start = found, at + value
                first_end = end = at + len(piece)
            elif label is not None:
                end = at + len(piece)
            elif piece.strip() and piece.strip() != NOTHING:
                parts.append(_part(text, None, at, at + len(piece)))
            at += len(piece) + 1
        finish()
        return parts


def _label_of(piece: str, known: Mapping[str, str]) -> tuple[str | None, int]:
    """RETURNS (tuple[str | None, int]): The label before the first colon that follows one, and
    where its mention begins in the piece."""
    begin = len(piece) - len(piece.lstrip())
    # Blanks may stand between a label and its colon: some, so that the time is linear.
    longest = max(map(len, known), default=0) + 8
    colon = piece.find(":")
    while 0 <= colon <= begin + longest:
        label = known.get(piece[:colon].strip().casefold())
        if label is not None:
            return label, colon + 1
        colon = piece.find(":", colon + 1)
    return None, 0


def _part(text: str, label: str | None, start: int, end: int) -> ParsedMention:
    mention = text[start:end]
    start += len(mention) - len(mention.lstrip())
    return ParsedMention(mention.strip(), label, start, end)
