"""UniversalNER's format (Zhou et al. 2024): one question for each label, answered by a JSON list
of mentions; and SLIMER's (Zamai et al. 2024), which adds a definition and guidelines. The
wording is that of their repositories, src/conversation.py at 844e0e1 and
src/SFT_finetuning/templates at cd212dc."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from spacy.util import registry

from ..errors import Errors
from .format import NO_GUIDANCE, Guidance, Piece, Prompt, WordSpan
from .mentions import Mentions, ParsedMention, mentions_of

SYSTEM = "A virtual assistant answers questions from a user based on the provided text. "
QUESTION = "What describes {label} in the text?"
_TEXT = (
    "You are given a text chunk (delimited by triple quotes) and an instruction.\n"
    "Read the text and answer to the instruction in the end.\n"
    '"""\n'
)
_EXTRACT = "Extract the Named Entities of type {label} from the text chunk you have read."
_GUIDED = (
    " You are given a DEFINITION and some GUIDELINES.\n"
    "DEFINITION: {definition}\nGUIDELINES: {guidelines}"
)
_RETURN = (
    "\nReturn a JSON list of instances of this Named Entity type. Return an empty list if no "
    "instances are present."
)


class _MentionList(Mentions):
    """One question for each label, answered by a JSON list of different mentions."""

    labels_per_prompt: int | None = 1

    def target(
        self, words: Sequence[str], spans: Sequence[WordSpan], wordings: Sequence[str]
    ) -> list[Piece]:
        mentions = list(dict.fromkeys(mentions_of(words, spans)))
        return [
            Piece(json.dumps(mentions, ensure_ascii=False), "entity" if mentions else "outside")
        ]

    def parse(self, text: str, wordings: Sequence[str]) -> list[ParsedMention]:
        """See `Format.parse`. The strings of a list that ends too early, or that is no JSON, are
        read as far as they are complete."""
        strings = list(read_strings(text))
        if not strings and text.strip() not in ("[]", ""):
            return [ParsedMention(text.strip(), None, 0, len(text))]
        return [ParsedMention(value, wordings[0], start, end) for value, start, end in strings]


@registry.misc("spacy_gner.MultiRound.v1")
@dataclass(frozen=True)
class MultiRound(_MentionList):
    """One question for each label, as UniversalNER asks it, in a conversation of its own. See
    `Mentions`.

    use_definitions (bool): Whether the definition of a label, where it has one, stands in its
        place, as for `UniNER-7B-definition`; otherwise a label is asked for by its wording.
    system (str): What stands before the conversation.
    question (str): The question, "{label}" stands for the label.
    RAISES (ValueError): E017 for a question without its placeholder.
    """

    name: ClassVar[str] = "multi-round"
    use_definitions: bool = False
    system: str = SYSTEM
    question: str = QUESTION
    max_new_tokens: int | None = 256

    def __post_init__(self) -> None:
        if "{label}" not in self.question:
            expected = "a question with {label} in it"
            raise ValueError(
                Errors.E017.format(field="format.question", expected=expected, found=self.question)
            )

    def prompt(
        self,
        words: Sequence[str],
        wordings: Sequence[str],
        guidance: Guidance = NO_GUIDANCE,
        dataset: str | None = None,
    ) -> Prompt:
        """See `Format.prompt`. Examples are earlier conversations, which the original has not.
        The line with the data set follows the paper's Figure 3; the authors' code has none."""
        label = wordings[0]
        if self.use_definitions:
            label = guidance.definitions.get(label, label)
        question = f"USER: {self.question.replace('{label}', label)} ASSISTANT:"
        turns: list[str] = []
        head = self.system
        for text, answer in self.solved(guidance, wordings):
            turns += [head + self._reading(text, None), f"{question} {answer}"]
            head = ""
        turns += [head + self._reading(" ".join(words), dataset), question]
        return Prompt.conversation(turns)

    def _reading(self, text: str, dataset: str | None) -> str:
        name = "" if dataset is None else f"Dataset: {dataset}\n"
        return f"USER: {name}Text: {text} ASSISTANT: I've read this text."


@registry.misc("spacy_gner.Slimer.v1")
@dataclass(frozen=True)
class Slimer(_MentionList):
    """One question for each label with its definition, as SLIMER (Llama-2) asks it. See
    `Mentions`.

    guidelines (dict[str, str] | None): Wording of a label -> what to be careful about, for labels
        that have a definition.
    """

    name: ClassVar[str] = "slimer"
    guidelines: dict[str, str] | None = None
    max_new_tokens: int | None = 128

    def prompt(
        self,
        words: Sequence[str],
        wordings: Sequence[str],
        guidance: Guidance = NO_GUIDANCE,
        dataset: str | None = None,
    ) -> Prompt:
        """See `Format.prompt`. The data set is not named; examples are earlier conversations,
        which the original has not."""
        wording = wordings[0]
        instruction = _EXTRACT.replace("{label}", wording.upper())
        if wording in guidance.definitions:
            texts = guidance.definitions[wording], (self.guidelines or {}).get(wording, "")
            definition, advice = (t.replace(f"'{wording}'", wording.upper()) for t in texts)
            instruction += _GUIDED.format(definition=definition, guidelines=advice)
        end = f'\n"""\nInstruction: {instruction}{_RETURN}\n[/INST]\n'
        asked = [*self.solved(guidance, wordings), (" ".join(words), "")]
        return Prompt.conversation([f"[INST] {_TEXT}{t}{end}{answer}" for t, answer in asked])


_QUOTE_END = re.compile(r"'\s*(?=[,\]])")


def read_strings(text: str) -> Iterator[tuple[str, int, int]]:
    """Read the strings of a list, of JSON or in single quotes, in time linear in the text.

    text (str): The text.
    YIELDS (tuple[str, int, int]): Each complete string of the first list, where it begins, and
        where its closing quote is.
    """
    at = text.find("[")
    depth = 0
    while 0 <= at < len(text):
        character = text[at]
        if character == "]":
            depth -= 1
            if depth <= 0:
                return
        elif character == "[":
            depth += 1
        elif character == '"':
            try:
                value, after = json.decoder.scanstring(  # type: ignore[attr-defined]
                    text, at + 1, False
                )
            except ValueError:
                return  # cut off
            yield value, at + 1, after - 1
            at = after
            continue
        elif character == "'":
            closing = _QUOTE_END.search(text, at + 1)
            if closing is None:
                return
            yield text[at + 1 : closing.start()], at + 1, closing.start()
            at = closing.start() + 1
            continue
        at += 1
