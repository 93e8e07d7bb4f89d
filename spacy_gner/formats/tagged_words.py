"""Formats that write every word with its tag: `word(tag)` (paper, 3.2, 3.3 and Figure 3)."""

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import prod
from typing import ClassVar

from spacy.util import registry

from ..matching import Matching
from .format import Found, Piece, WordSpan
from .instructions import Instructions
from .parsing import ParsedWord, parse_output

BIO_GUIDELINE = (
    "We'll use the BIO-format to label the entities, where:\n"
    "1. B- (Begin) indicates the start of a named entity.\n"
    "2. I- (Inside) is used for words within a named entity but are not the first word.\n"
    "3. O (Outside) denotes words that are not part of a named entity."
)
BIOES_GUIDELINE = (
    "We'll use the BIOES-format to label the entities, where:\n"
    "1. B- (Begin) indicates the start of a named entity of several words.\n"
    "2. I- (Inside) is used for words within a named entity, neither first nor last.\n"
    "3. E- (End) indicates the last word of a named entity of several words.\n"
    "4. S- (Single) is used for a named entity of one word.\n"
    "5. O (Outside) denotes words that are not part of a named entity."
)


@dataclass(frozen=True)
class WordAnswers(Instructions):
    """A format whose answer is read as words with tags."""

    def locate(
        self,
        parts: Sequence[ParsedWord],
        scores: Sequence[float],
        words: Sequence[str],
        matching: Matching,
    ) -> list[Found]:
        """See `Format.locate`. The score of an entity is the product of the probabilities of its
        tags. Words that the answer left out are O."""
        alignment = matching.words(words, [part.word for part in parts])
        tags = ["O" if i is None else parts[i].tag for i in alignment]
        found = []
        for start, end, label in decode_tags(tags):
            score = prod(scores[i] for i in alignment[start:end] if i is not None)
            found.append(Found(start, end, label, min(1.0, max(0.0, score))))
        return found


@dataclass(frozen=True)
class TaggedWords(WordAnswers):
    """A format that writes all words, each with a tag: "O", or a prefix, "-" and a label.
    Decoders that draft the words, or force them, need one of this kind.

    prefixes (str): The prefixes of its tags, without "O".
    opening (str): What stands between a word and its tag.
    closing (str): What stands behind the tag.
    """

    prefixes: ClassVar[str]
    opening: ClassVar[str] = "("
    closing: ClassVar[str] = ")"

    @property
    def tag_tokens(self) -> tuple[str, ...]:
        """RETURNS (tuple[str, ...]): What stands between a word and a label, for each sort of tag:
        where a vocabulary has these as tokens, a tag is one choice."""
        starts = (f"{self.opening}{prefix}-" for prefix in self.prefixes)
        return (f"{self.opening}O{self.closing}", *starts)

    def tags(self, wordings: Iterable[str]) -> list[str]:
        """RETURNS (list[str]): "O", then all tags of the labels, label by label."""
        return ["O", *(f"{prefix}-{label}" for label in wordings for prefix in self.prefixes)]

    @abstractmethod
    def encode(self, n_words: int, spans: Iterable[WordSpan]) -> list[str]:
        """Spans to tags.

        n_words (int): The number of words.
        spans (Iterable[WordSpan]): Entities over words, without overlap.
        RETURNS (list[str]): One tag per word.
        """

    @abstractmethod
    def may_follow(self, previous: str, tag: str) -> bool:
        """RETURNS (bool): Whether `tag` may stand right after `previous` ("" at the start)."""

    def may_end(self, tag: str) -> bool:
        """RETURNS (bool): Whether a sentence may end with this tag."""
        return True

    def allowed(self, tags: Iterable[str], previous: str, is_last: bool) -> list[str]:
        """The tags after which a valid tagging can go on.

        tags (Iterable[str]): Tags to choose from.
        previous (str): The tag of the word before, "" at the start.
        is_last (bool): Whether the sentence ends with this word.
        RETURNS (list[str]): In their order. Where no tag may end the sentence (an entity of
            several words cannot begin at its last word), those that may follow.
        """
        following = [tag for tag in tags if self.may_follow(previous, tag)]
        if is_last:
            return [tag for tag in following if self.may_end(tag)] or following
        return following

    def spell(self, word: str, tag: str) -> str:
        """RETURNS (str): A word with its tag, as it stands in the answer."""
        return f"{word}{self.opening}{tag}{self.closing}"

    def tagged(self, words: Sequence[str], tags: Sequence[str]) -> tuple[str, list[ParsedWord]]:
        """Write an answer, knowing where everything is in it.

        words (Sequence[str]): The words, length N.
        tags (Sequence[str]): Their tags, length N.
        RETURNS (tuple[str, list[ParsedWord]]): The text, and what `parse` reads in it.
        """
        pieces: list[str] = []
        parts: list[ParsedWord] = []
        position = 0
        for word, tag in zip(words, tags, strict=True):
            pieces.append(self.spell(word, tag))
            start = position + len(word) + len(self.opening)
            parts.append(ParsedWord(word, tag, start, start + len(tag)))
            position += len(pieces[-1]) + 1
        return " ".join(pieces), parts

    def target(
        self, words: Sequence[str], spans: Sequence[WordSpan], wordings: Sequence[str]
    ) -> list[Piece]:
        return [
            Piece(self.spell(word, tag), "outside" if tag == "O" else "entity")
            for word, tag in zip(words, self.encode(len(words), spans), strict=True)
        ]

    def parse(self, text: str, wordings: Sequence[str]) -> list[ParsedWord]:
        return parse_output(text, wordings, self.prefixes)


# I-nside, E-nd or L-ast, M-iddle; S-ingle, U-nit or W-hole.
_CONTINUES = "IELM"
_ENDS = "ESLUW"


def decode_tags(tags: Sequence[str]) -> list[WordSpan]:
    """Tags to spans, whatever their scheme: BIO, BIOES, and those of corpora (IO, IOB1, BILOU,
    BMES, BMEWO). Forgiving: a tag that continues nothing opens an entity.

    tags (Sequence[str]): One tag per word: "O", or a prefix, "-" and a label.
    RETURNS (list[WordSpan]): In order, without overlap.
    """
    spans: list[WordSpan] = []
    start, label = 0, ""
    for i, tag in enumerate(tags):
        prefix, _, tag_label = tag.partition("-")
        if label and (prefix not in _CONTINUES or tag_label != label):
            spans.append((start, i, label))
            label = ""
        if tag != "O" and not label:
            start, label = i, tag_label
        if label and prefix in _ENDS:
            spans.append((start, i + 1, label))
            label = ""
    if label:
        spans.append((start, len(tags), label))
    return spans


def encode_bio(n_words: int, spans: Iterable[WordSpan]) -> list[str]:
    """Spans to BIO tags. See `TaggedWords.encode`."""
    tags = ["O"] * n_words
    for start, end, label in spans:
        tags[start:end] = [f"B-{label}"] + [f"I-{label}"] * (end - start - 1)
    return tags


@registry.misc("spacy_gner.BIO.v1")
@dataclass(frozen=True)
class BIO(TaggedWords):
    """The format of GNER's published checkpoints: B- begins an entity, I- continues it, O is
    outside (IOB2). See `Instructions` for the arguments."""

    name: ClassVar[str] = "BIO"
    prefixes: ClassVar[str] = "BI"
    guideline: str = BIO_GUIDELINE

    def encode(self, n_words: int, spans: Iterable[WordSpan]) -> list[str]:
        return encode_bio(n_words, spans)

    def may_follow(self, previous: str, tag: str) -> bool:
        return not tag.startswith("I-") or previous[1:] == tag[1:]


@registry.misc("spacy_gner.BIOES.v1")
@dataclass(frozen=True)
class BIOES(TaggedWords):
    """As BIO, with E- for the last word of an entity and S- for a single word (paper,
    Table 1, last row). See `Instructions` for the arguments."""

    name: ClassVar[str] = "BIOES"
    prefixes: ClassVar[str] = "BIES"
    guideline: str = BIOES_GUIDELINE

    def encode(self, n_words: int, spans: Iterable[WordSpan]) -> list[str]:
        tags = ["O"] * n_words
        for start, end, label in spans:
            if end - start == 1:
                tags[start] = f"S-{label}"
            else:
                inner = [f"I-{label}"] * (end - start - 2)
                tags[start:end] = [f"B-{label}", *inner, f"E-{label}"]
        return tags

    def may_follow(self, previous: str, tag: str) -> bool:
        is_open = previous.startswith(("B-", "I-"))
        if is_open != tag.startswith(("I-", "E-")):
            return False
        return not is_open or previous[1:] == tag[1:]

    def may_end(self, tag: str) -> bool:
        return not tag.startswith(("B-", "I-"))
