"""Running text to words, and entities from characters to words."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence

from spacy.language import Language

from ..errors import Errors
from .read_report import CorpusError


class Tokenized:
    """The words of a text with their positions.

    words (Sequence[str]): N words.
    spaces (Sequence[bool]): Whether a space follows each word; where None is given, everywhere.
    n_split (int): How many tokens of the tokenizer were cut.
    word_at_start (dict[int, int]): Offset of a word's first character to its index.
    word_at_end (dict[int, int]): Offset after a word's last character to its index.
    """

    def __init__(
        self, words: Sequence[str], spaces: Sequence[bool] | None, n_split: int = 0
    ) -> None:
        self.words = words
        self.spaces = [True] * len(words) if spaces is None else spaces
        self.n_split = n_split
        self.word_at_start: dict[int, int] = {}
        self.word_at_end: dict[int, int] = {}
        offset = 0
        for i, (word, space) in enumerate(zip(words, self.spaces, strict=True)):
            self.word_at_start[offset] = i
            self.word_at_end[offset + len(word)] = i
            offset += len(word) + space
        self._starts = list(self.word_at_start)

    def word_span(self, start: int, end: int) -> tuple[int, int] | None:
        """The words that make up some characters exactly.

        start (int): First character.
        end (int): Character after the last.
        RETURNS (Optional[tuple[int, int]]): First word and word after the last; None if a
            word does not start, or end, there.
        """
        first, last = self.word_at_start.get(start), self.word_at_end.get(end)
        return None if first is None or last is None else (first, last + 1)

    def words_within(self, start: int, end: int) -> range:
        """The words that share characters with a stretch of the text.

        start (int): First character.
        end (int): Character after the last.
        RETURNS (range): Their indices.
        """
        starts = self._starts
        first = max(0, bisect_right(starts, start) - 1)
        if first < len(starts) and starts[first] + len(self.words[first]) <= start:
            first += 1
        return range(first, max(first, bisect_left(starts, end)))


def tokenize(nlp: Language, text: str, place: str, cuts: Iterable[int] = ()) -> Tokenized:
    """Split a text into words with the tokenizer of a pipeline, and at given places.

    nlp (Language): Its `make_doc` is used.
    text (str): The text.
    place (str): File and line, for the error.
    cuts (Iterable[int]): Character offsets at which a word must start or end: tokens
        that go across are cut there.
    RETURNS (Tokenized): The words.
    RAISES (CorpusError): E215 if the tokenizer changes the text.
    """
    doc = nlp.make_doc(text)
    if doc.text != text:
        raise CorpusError(Errors.E215.format(place=place))
    words: list[str] = []
    spaces: list[bool] = []
    n_split = 0
    remaining = sorted(set(cuts), reverse=True)
    for token in doc:
        start, end = token.idx, token.idx + len(token)
        while remaining and remaining[-1] <= start:
            remaining.pop()
        if remaining and remaining[-1] < end:
            n_split += 1
            while remaining and remaining[-1] < end:
                cut = remaining.pop()
                words.append(text[start:cut])
                spaces.append(False)
                start = cut
        words.append(text[start:end])
        spaces.append(bool(token.whitespace_))
    return Tokenized(words, spaces, n_split)
