"""Generated text to words and tags (paper, 4.3).

A group in parentheses is a tag only when white space or the end of the text
follows its ")". That makes parsing lossless: a word holds no white space and a
label holds no parentheses, so whatever a word looks like ("(O)", "x(B-city"), the
group that ends right before a separator is the tag that was written there.

The same rule is why `provinces(O),(O)`, which a tokenizer with
`clean_up_tokenization_spaces` makes of two words, is read as the one word
"provinces(O),": it may just as well be that word. Decode with the clean-up off.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from ..errors import Errors

# A match never runs over a parenthesis, so that the search is linear in the text.
_GROUP = re.compile(r"\(([^()]*)\)(?=\s|\Z)")
# What looks like a tag, of whatever label or scheme.
_TAG_SHAPE = re.compile(r"[BIES]-.+", re.DOTALL)
_PREFIXES = frozenset("BIES")


@dataclass(frozen=True)
class ParsedWord:
    """A word of the output and its tag.

    word (str): The word as generated, without white space; empty when the model
        wrote a tag only (a word that its vocabulary cannot spell).
    tag (str): "O", or prefix, "-" and the wording of a label, e.g. "B-city".
    start (int): Where the tag's text inside the parentheses begins in the output,
        in characters.
    end (int): Where it ends.
    """

    word: str
    tag: str
    start: int
    end: int


def parse_output(text: str, labels: Sequence[str], prefixes: str = "BI") -> list[ParsedWord]:
    """Read the words and tags of a generated text.

    For words without white space that are not empty and tags of the labels,
    `" ".join(f"{word}({tag})" ...)` is read back exactly. Whatever else the
    model writes is read as follows:

    - the tag of an unknown label, or of a prefix that the format does not have:
      "O". Labels must agree to the letter, upper and lower case included;
    - a known label without prefix, `Paris(city)`: "O";
    - several words before a tag, `New York(B-city)`: each gets a tag of that
      label, as if one entity were written out (B-, then I-);
    - nothing before a tag: the word is "";
    - text after the last tag, where the model stopped early: dropped;
    - repeated words: kept, they are for the matching to sort out;
    - a group that is neither a tag nor a label, `a (very) long(O)`: words.

    text (str): The generated text.
    labels (Sequence[str]): Wordings of the labels in the prompt. They may hold
        blanks, but no parentheses.
    prefixes (str): The prefixes of the format, "BI" or "BIES".
    RETURNS (list[ParsedWord]): In the order of the text. Takes time linear in the text.
    RAISES (ValueError): E101 for prefixes other than letters of "BIES".
    """
    tags = _known_tags(tuple(labels), prefixes)
    parsed: list[ParsedWord] = []
    position = 0
    for group in _GROUP.finditer(text):
        written = group[1]
        tag = tags.get(written)
        if tag is None:
            if not _TAG_SHAPE.fullmatch(written):
                continue
            tag = "O"
        start, end = group.span(1)
        words = text[position : group.start()].split() or [""]
        position = group.end()
        spread = _spread(tag, len(words))
        parsed += [ParsedWord(w, t, start, end) for w, t in zip(words, spread, strict=True)]
    return parsed


@lru_cache(maxsize=1024)
def _known_tags(labels: tuple[str, ...], prefixes: str) -> dict[str, str]:
    """RETURNS (dict[str, str]): What may stand in parentheses -> the tag that it means."""
    if not prefixes or not _PREFIXES.issuperset(prefixes):
        raise ValueError(Errors.E101.format(prefixes=prefixes))
    tags = dict.fromkeys(labels, "O")
    # Tags after the bare labels: a label that is itself spelled like a tag ("B-side") yields.
    tags.update({tag: tag for label in labels for tag in (f"{p}-{label}" for p in prefixes)})
    tags["O"] = "O"
    return tags


def _spread(tag: str, n_words: int) -> list[str]:
    """One tag for several words, as its scheme would write them.

    RETURNS (list[str]): B-x: B-x, I-x, …; I-x: I-x, …; O: O, …; E-x: I-x, …, E-x;
        S-x: B-x, I-x, …, E-x. For one word the tag as it is.
    """
    prefix, _, label = tag.partition("-")
    if not label or n_words == 1:
        return [tag] * n_words
    first = "B" if prefix in "BS" else "I"
    last = "E" if prefix in "ES" else "I"
    return [f"{first}-{label}", *[f"I-{label}"] * (n_words - 2), f"{last}-{label}"]
