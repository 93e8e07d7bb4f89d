"""The entity-centric targets of the paper's preliminary study: `[mention](label)`, with a
number of context words around each (paper, 3.2, Figure 3 and Table 1)."""

import re
from collections.abc import Sequence

from spacy.util import registry

from ..errors import Errors
from .parsing import ParsedWord
from .schemes import BIO

_MARK = re.compile(r"\[(?P<mention>.*?)\]\((?P<label>[^()]*)\)(?=\s|$)", re.DOTALL)


class EntityCentric(BIO):
    """Writes only the entities and up to `context` words on both sides of each.

    context (int | None): Number of words on each side; None writes the whole sentence.
    """

    name = "entity-centric"
    writes_every_word = False
    guideline = (
        "Write the named entities as [entity](label), in the order of the sentence, "
        "together with the words around them."
    )

    def __init__(self, context: int | None = 0):
        if context is not None and context < 0:
            raise ValueError(
                Errors.E017.format(field="context", expected="0 or more, or null", found=context)
            )
        self.context = context

    def pieces(self, words: Sequence[str], tags: Sequence[str]) -> list[str]:
        spans = self.decode(tags)
        reach = len(words) if self.context is None else self.context
        keep = [any(s - reach <= i < e + reach for s, e, _ in spans) for i in range(len(words))]
        if self.context is None:
            keep = [True] * len(words)
        starts = {start: (end, label) for start, end, label in spans}
        pieces, i = [], 0
        while i < len(words):
            if i in starts:
                end, label = starts[i]
                pieces.append(f"[{' '.join(words[i:end])}]({label})")
                i = end
            else:
                if keep[i]:
                    pieces.append(words[i])
                i += 1
        return pieces

    def parse(self, text: str, labels: Sequence[str]) -> list[ParsedWord]:
        known = set(labels)
        parsed: list[ParsedWord] = []
        at = 0
        for mark in _MARK.finditer(text):
            parsed += [ParsedWord(w, "O", at, at) for w in text[at : mark.start()].split()]
            label = mark["label"]
            for i, word in enumerate(mark["mention"].split()):
                tag = f"{'I' if i else 'B'}-{label}" if label in known else "O"
                parsed.append(ParsedWord(word, tag, mark.start("label"), mark.end("label")))
            at = mark.end()
        parsed += [ParsedWord(w, "O", at, at) for w in text[at:].split()]
        return parsed


@registry.misc("spacy_gner.EntityCentric.v1")
def make_entity_centric(context: int | None = 0) -> EntityCentric:
    """Make the entity-centric scheme.

    context (int | None): Words of context on each side of an entity; 0 is the paper's
        "w/o context", null its "w/ full context" (without BIO).
    RETURNS (EntityCentric): The scheme; it needs a decoder that writes free text.
    RAISES (ValueError): E017 for a negative context.
    """
    return EntityCentric(context)
