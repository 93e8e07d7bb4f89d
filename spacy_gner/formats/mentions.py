"""Formats that answer with strings: the mentions of each label, without positions."""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from ..matching import Matching
from .format import Format, Found, Guidance


@dataclass(frozen=True)
class ParsedMention:
    """A mention in an answer.

    mention (str): Its text.
    label (str | None): The wording of its label; None for a label that was not asked for, and
        for text that cannot be read.
    start (int): Where it begins in the answer, in characters.
    end (int): Where its last character that counts is, in characters: usually the mark that
        closes it.
    """

    mention: str
    label: str | None
    start: int
    end: int


class Mentions(Format):
    """A format whose answers hold mentions. Entities may be nested, overlap, and have several
    labels. It needs a decoder that writes free text.

    max_new_tokens (int | None): Tokens that an answer may have; None derives the number from
        the sentence.
    """

    is_nested: ClassVar[bool] = True

    def solved(self, guidance: Guidance, wordings: Sequence[str]) -> Iterator[tuple[str, str]]:
        """YIELDS (tuple[str, str]): Text and answer of each solved example.

        guidance (Guidance): Has the examples.
        wordings (Sequence[str]): The wordings of the labels in the prompt.
        """
        for shot in guidance.shots:
            yield " ".join(shot.words), self.write(shot.words, shot.spans, wordings)

    @abstractmethod
    def parse(self, text: str, wordings: Sequence[str]) -> list[ParsedMention]: ...

    def locate(
        self,
        parts: Sequence[ParsedMention],
        scores: Sequence[float],
        words: Sequence[str],
        matching: Matching,
    ) -> list[Found]:
        """See `Format.locate`. Every place where a mention stands is an entity. Only where it
        stands inside a longer mention of the same label ("Smith" in "Mary Smith") it is
        none, unless it stands nowhere else.
        """
        best: dict[tuple[str, str], float] = {}
        for part, score in zip(parts, scores, strict=True):
            if part.label is not None:
                key = (part.label, part.mention)
                best[key] = max(score, best.get(key, 0.0))
        places = {mention: matching.mentions(words, mention) for _, mention in best}
        found: dict[tuple[int, int, str], float] = {}
        covered: dict[str, list[tuple[int, int]]] = {}
        for (label, mention), score in sorted(best.items(), key=lambda item: -len(item[0][1])):
            longer = covered.setdefault(label, [])
            own = places[mention]
            free = [p for p in own if not any(_is_inside(p, other) for other in longer)]
            for start, end in free or own:
                place = (start, end, label)
                found[place] = max(min(1.0, score), found.get(place, 0.0))
            longer += own
        return [Found(*place, score) for place, score in sorted(found.items())]


def _is_inside(span: tuple[int, int], other: tuple[int, int]) -> bool:
    return span != other and other[0] <= span[0] and span[1] <= other[1]


def mentions_of(words: Sequence[str], spans: Sequence[tuple[int, int, str]]) -> list[str]:
    """RETURNS (list[str]): The texts of entities, in their order."""
    return [" ".join(words[start:end]) for start, end, _ in spans]
