"""Documents to words: what of a Doc is shown to the model, and where entities must end."""

import itertools
import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, field

from spacy.tokens import Doc, Token

# The model was trained on corpora whose words end at white space, punctuation and 's, but not
# at hyphens: of 20 such corpora 17 keep most compounds in one word (Smith-Jones, Baden-Baden,
# F-16, 1990-95). They split at slashes, ampersands and colons, and so does spaCy.
_HYPHENS = frozenset("-\u2010\u2011")
# "Paris-based", "U.S.-led": the name ends at the hyphen, so an entity must be able to.
_PARTICIPLE = re.compile(r"(?:[a-z]+(?:ed|ing)|born|held|made|wide|style|like)$")
_LINE_END = re.compile("\r\n|[\n\r\v\f\x85\u2028\u2029]")
# A text whose lines are all shorter is no running text that was broken to fit a page.
_SHORTEST_PAGE = 40


@dataclass(frozen=True)
class DocWords:
    """The words of a Doc: its tokens without those of white space only.

    A token with white space inside (merged "New York") counts as several words. Tokens that
    the tokenizer cut at hyphens count as one word.

    texts (tuple[str, ...]): The words, length N.
    tokens (tuple[int, ...]): The index of the first token of each word, length N.
    sentences (tuple[int, ...]): Indices of the words that begin a sentence, or stand behind a
        blank line; only 0 when the Doc has neither.
    ends (tuple[int, ...]): The index after the last token of each word, length N; by default
        each word is one token.
    breaks (frozenset[int]): Indices of the words that no entity reaches over from the words
        before: behind a blank line, and behind the end of a line that was not broken to fit
        a page.
    """

    texts: tuple[str, ...]
    tokens: tuple[int, ...]
    sentences: tuple[int, ...]
    ends: tuple[int, ...] = ()
    breaks: frozenset[int] = field(default=frozenset())

    def __post_init__(self) -> None:
        if not self.ends:
            object.__setattr__(self, "ends", tuple(i + 1 for i in self.tokens))

    @classmethod
    def from_doc(
        cls, doc: Doc, join_hyphens: bool = True, edges: Set[int] = frozenset()
    ) -> "DocWords":
        """Read the words of a Doc.

        doc (Doc): Any Doc.
        join_hyphens (bool): Whether "Smith-Jones" is one word, see `Windower`.
        edges (Set[int]): Indices of tokens at which a word begins in any case, since
            an entity is known to begin or end there.
        RETURNS (DocWords): Its words.
        """
        texts: list[str] = []
        tokens: list[int] = []
        ends: list[int] = []
        sentences = {0}
        breaks: set[int] = set()
        line_ends = _LineEnds(doc.text)
        has_sentences = doc.has_annotation("SENT_START")
        starts_sentence = False
        for start, end in _compounds(doc, join_hyphens, edges):
            starts_sentence = starts_sentence or (
                has_sentences and any(doc[i].is_sent_start for i in range(start, end))
            )
            parts = doc[start:end].text.split()
            if not parts:
                continue
            if texts:
                n_ends, is_wrapped = line_ends.between(
                    doc[ends[-1] - 1].idx + len(doc[ends[-1] - 1]), doc[start].idx
                )
                if n_ends > 1 or (n_ends and not is_wrapped):
                    breaks.add(len(texts))
                if starts_sentence or n_ends > 1:
                    sentences.add(len(texts))
            starts_sentence = False
            texts += parts
            tokens += [start] * len(parts)
            ends += [end] * len(parts)
        return cls(
            tuple(texts), tuple(tokens), tuple(sorted(sentences)), tuple(ends), frozenset(breaks)
        )


def _compounds(doc: Doc, join: bool, edges: Set[int]) -> Iterator[tuple[int, int]]:
    """YIELDS (tuple[int, int]): The tokens of a Doc, those of a compound together."""
    start = 0
    while start < len(doc):
        end = start + 1
        while join and end + 1 < len(doc) and _is_joined(doc[end - 1], doc[end], doc[end + 1]):
            end += 2
        last = doc[end - 1].text
        is_name = doc[start].text[:1].isupper()
        if end > start + 1 and is_name and _PARTICIPLE.fullmatch(last):
            end -= 2  # what stands before is a word of its own, hyphen and participle follow
        if any(i in edges for i in range(start + 1, end)):
            end = start + 1
        yield start, end
        start = end


def _is_joined(left: Token, hyphen: Token, right: Token) -> bool:
    return (
        hyphen.text in _HYPHENS
        and not left.whitespace_
        and not hyphen.whitespace_
        and left.text[-1:].isalnum()
        and right.text[:1].isalnum()
    )


class _LineEnds:
    """Knows where the lines of a text end, and which of them were broken to fit a page.

    A paragraph is the text between two blank lines. It is hard-wrapped when its longest line
    has 40 characters or more, and none of its lines but the last could have held the first
    word of the next one without being longer than that.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.has_ends = _LINE_END.search(text) is not None
        self._wrapped: list[tuple[int, int]] | None = None

    def between(self, start: int, end: int) -> tuple[int, bool]:
        """start, end (int): Character offsets of the white space between two words.
        RETURNS (tuple[int, bool]): The number of line ends in it; whether it is a single one
            in a paragraph that is hard-wrapped.
        """
        if not self.has_ends:
            return 0, False
        n_ends = len(_LINE_END.findall(self.text, start, end))
        if n_ends != 1:
            return n_ends, False
        if self._wrapped is None:
            self._wrapped = list(_wrapped_paragraphs(self.text))
        # The last one that begins before, if any.
        place = bisect_right(self._wrapped, (start, len(self.text))) - 1
        return 1, place >= 0 and start < self._wrapped[place][1]


def _wrapped_paragraphs(text: str) -> Iterator[tuple[int, int]]:
    lines: list[str] = []
    begin = position = 0
    for line in [*_keep_ends(text), ""]:
        if line.strip():
            if not lines:
                begin = position
            lines.append(line.strip())
        elif lines:
            if _is_wrapped(lines):
                yield begin, position
            lines = []
        position += len(line)


def _keep_ends(text: str) -> Iterator[str]:
    begin = 0
    for match in _LINE_END.finditer(text):
        yield text[begin : match.end()]
        begin = match.end()
    yield text[begin:]


def _is_wrapped(lines: Sequence[str]) -> bool:
    width = max(map(len, lines))
    return width >= _SHORTEST_PAGE and all(
        len(line) + 1 + len(following.split()[0]) > width
        for line, following in itertools.pairwise(lines)
    )
