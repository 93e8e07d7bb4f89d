"""Tagging schemes: which tags there are, which may follow which, how a target is written
and read (paper, 3.2, 3.3 and Figure 3)."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence

from spacy.util import registry

from .parsing import ParsedWord, parse_output

# An entity over words: index of the first word, index after the last, wording of the label.
WordSpan = tuple[int, int, str]


class Scheme(ABC):
    """A tagging scheme. One tag stands for one word: "O", or a prefix, "-" and a label.

    name (str): The scheme's name.
    prefixes (str): The prefixes of its tags, without "O".
    guideline (str): The lines that explain it in the prompt.
    writes_every_word (bool): Whether the target holds every word of the sentence;
        only then can a decoder force the words.
    """

    name: str
    prefixes: str
    guideline: str
    writes_every_word: bool = True

    def tags(self, labels: Iterable[str]) -> list[str]:
        """RETURNS (list[str]): "O", then all tags of the labels, label by label."""
        return ["O", *(f"{prefix}-{label}" for label in labels for prefix in self.prefixes)]

    @abstractmethod
    def encode(self, n_words: int, spans: Iterable[WordSpan]) -> list[str]:
        """Spans to tags.

        n_words (int): The number of words.
        spans (Iterable[WordSpan]): Entities over words, without overlap.
        RETURNS (list[str]): One tag per word.
        """

    def decode(self, tags: Sequence[str]) -> list[WordSpan]:
        """Tags to spans. Forgiving: a tag that continues nothing opens an entity.

        tags (Sequence[str]): One tag per word.
        RETURNS (list[WordSpan]): In order, without overlap.
        """
        spans: list[WordSpan] = []
        start, label = 0, ""
        for i, tag in enumerate(tags):
            prefix, _, tag_label = tag.partition("-")
            if label and (prefix not in "IE" or tag_label != label):
                spans.append((start, i, label))
                label = ""
            if tag != "O" and not label:
                start, label = i, tag_label
            if label and prefix in "ES":
                spans.append((start, i + 1, label))
                label = ""
        if label:
            spans.append((start, len(tags), label))
        return spans

    @abstractmethod
    def may_follow(self, previous: str, tag: str) -> bool:
        """RETURNS (bool): Whether `tag` may stand right after `previous` ("" at the start)."""

    def may_end(self, tag: str) -> bool:
        """RETURNS (bool): Whether a sentence may end with this tag."""
        return True

    def pieces(self, words: Sequence[str], tags: Sequence[str]) -> list[str]:
        """The parts of the target text, to be joined by blanks: one per word.

        words (Sequence[str]): The words.
        tags (Sequence[str]): Their tags.
        RETURNS (list[str]): `word(tag)` per word.
        """
        return [f"{word}({tag})" for word, tag in zip(words, tags, strict=True)]

    def target(self, words: Sequence[str], tags: Sequence[str]) -> str:
        """RETURNS (str): The text that the model shall write."""
        return " ".join(self.pieces(words, tags))

    def parse(self, text: str, labels: Sequence[str]) -> list[ParsedWord]:
        """Read an output back.

        text (str): The generated text.
        labels (Sequence[str]): The wordings of the labels in the prompt.
        RETURNS (list[ParsedWord]): Words with tags; the tags of other labels are "O".
        """
        return parse_output(text, labels, self.prefixes)


class BIO(Scheme):
    """B- begins an entity, I- continues it, O is outside (IOB2)."""

    name = "BIO"
    prefixes = "BI"
    guideline = (
        "We'll use the BIO-format to label the entities, where:\n"
        "1. B- (Begin) indicates the start of a named entity.\n"
        "2. I- (Inside) is used for words within a named entity but are not the first word.\n"
        "3. O (Outside) denotes words that are not part of a named entity."
    )

    def encode(self, n_words: int, spans: Iterable[WordSpan]) -> list[str]:
        tags = ["O"] * n_words
        for start, end, label in spans:
            tags[start:end] = [f"B-{label}"] + [f"I-{label}"] * (end - start - 1)
        return tags

    def may_follow(self, previous: str, tag: str) -> bool:
        return not tag.startswith("I-") or previous[1:] == tag[1:]


class BIOES(Scheme):
    """As BIO, with E- for the last word of an entity and S- for a single word."""

    name = "BIOES"
    prefixes = "BIES"
    guideline = (
        "We'll use the BIOES-format to label the entities, where:\n"
        "1. B- (Begin) indicates the start of a named entity of several words.\n"
        "2. I- (Inside) is used for words within a named entity, neither first nor last.\n"
        "3. E- (End) indicates the last word of a named entity of several words.\n"
        "4. S- (Single) is used for a named entity of one word.\n"
        "5. O (Outside) denotes words that are not part of a named entity."
    )

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


@registry.misc("spacy_gner.BIO.v1")
def make_bio() -> Scheme:
    """RETURNS (Scheme): The BIO scheme, which the published checkpoints use."""
    return BIO()


@registry.misc("spacy_gner.BIOES.v1")
def make_bioes() -> Scheme:
    """RETURNS (Scheme): The BIOES scheme (paper, Table 1, last row)."""
    return BIOES()
