"""The entity-centric targets of the paper's preliminary study: `[mention](label)`, with a
number of context words around each (paper, 3.2, Figure 3 and Table 1)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from spacy.util import registry

from ..errors import Errors
from .format import Piece, WordSpan
from .parsing import ParsedWord
from .tagged_words import WordAnswers

GUIDELINE = (
    "Write the named entities as [entity](label), in the order of the sentence, "
    "together with the words around them."
)


@registry.misc("spacy_gner.EntityCentric.v1")
@dataclass(frozen=True)
class EntityCentric(WordAnswers):
    """Writes the entities and up to `context` words on both sides of each. It needs a decoder
    that writes free text. See `Instructions` for the other arguments.

    context (int | None): Number of words on each side; 0 is the paper's "w/o context", None
        writes the whole sentence ("w/ full context", without BIO).
    RAISES (ValueError): E017 for a negative context.
    """

    name: ClassVar[str] = "entity-centric"
    guideline: str = GUIDELINE
    context: int | None = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.context is not None and self.context < 0:
            field, expected = "format.context", "0 or more, or null"
            raise ValueError(Errors.E017.format(field=field, expected=expected, found=self.context))

    def target(
        self, words: Sequence[str], spans: Sequence[WordSpan], wordings: Sequence[str]
    ) -> list[Piece]:
        n, reach = len(words), self.context
        keep: set[int] = set(range(n)) if reach is None else set()
        for start, end, _ in spans:
            if reach is not None:
                keep.update(range(max(0, start - reach), min(n, end + reach)))
        starts = {start: (end, label) for start, end, label in spans}
        pieces, i = [], 0
        while i < n:
            if i in starts:
                end, label = starts[i]
                pieces.append(Piece(f"[{' '.join(words[i:end])}]({label})", "entity"))
                i = end
            else:
                if i in keep:
                    pieces.append(Piece(words[i], "word"))
                i += 1
        return pieces

    def parse(self, text: str, wordings: Sequence[str]) -> list[ParsedWord]:
        known = set(wordings)
        parsed: list[ParsedWord] = []
        at = 0
        for mark in _marks(text):
            parsed += [ParsedWord(word, "O", at, at) for word in text[at : mark.start].split()]
            label = text[mark.label : mark.end]
            for i, word in enumerate(text[mark.start + 1 : mark.label - 2].split()):
                tag = f"{'I' if i else 'B'}-{label}" if label in known else "O"
                parsed.append(ParsedWord(word, tag, mark.label, mark.end))
            at = mark.end + 1
        parsed += [ParsedWord(word, "O", at, at) for word in text[at:].split()]
        return parsed


class _Mark(NamedTuple):
    """`[mention](label)` in a text: where the bracket, the label and its end are."""

    start: int
    label: int
    end: int


def _marks(text: str) -> Iterator[_Mark]:
    """Find the marks: a mention runs from the first bracket that is open to the first
    `](label)` that white space or the end follows. Each character is looked at a
    fixed number of times.

    YIELDS (_Mark): In order, without overlap.
    """
    start, closing = text.find("["), 0
    while start >= 0:
        closing = text.find("](", max(closing, start + 1))
        if closing < 0:
            return
        # The label ends at the first parenthesis, whichever it is.
        end = closing + 2
        while end < len(text) and text[end] not in "()":
            end += 1
        after = text[end + 1 : end + 2]
        if text[end : end + 1] == ")" and (not after or after.isspace()):
            yield _Mark(start, closing + 2, end)
            start = text.find("[", end + 1)
        # The parenthesis that ended this label may be that of the next "](".
        closing = end - 1
