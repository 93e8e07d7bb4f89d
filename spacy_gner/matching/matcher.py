"""Which word of the source is which word of the output (paper, 4.3 and appendix D)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from spacy.util import registry

from .back_tokenization import BackTokenizer
from .lcs import Block, join_over_gaps, lcs_blocks, unmatched
from .mentions import occurrences


@runtime_checkable  # configs are validated against it
class Matcher(Protocol):
    """Matches words with predicted words."""

    def __call__(
        self,
        words: Sequence[str],
        predicted: Sequence[str],
        back_tokenizer: BackTokenizer | None = None,
    ) -> list[int | None]:
        """Match two lists of words.

        words (Sequence[str]): The words of the source, length N.
        predicted (Sequence[str]): The words of the output, length M.
        back_tokenizer (Callable[[Sequence[str]], list[str]] | None): What the model's
            tokenizer makes of words (`make_back_tokenizer`). None for words as they are.
        RETURNS (list[int | None]): For each word of the source the index of its
            predicted word, strictly increasing, or None. Length N.
        """
        ...


@dataclass(frozen=True)
class Matching:
    """A matcher for the outputs of one model.

    matcher (Matcher): The matcher.
    back_tokenizer (Callable[[Sequence[str]], list[str]] | None): See `Matcher`.
    """

    matcher: Matcher
    back_tokenizer: BackTokenizer | None = None

    def words(self, words: Sequence[str], predicted: Sequence[str]) -> list[int | None]:
        """RETURNS (list[int | None]): For each word its predicted word, see `Matcher`."""
        return self.matcher(words, predicted, self.back_tokenizer)

    def mentions(self, words: Sequence[str], mention: str) -> list[tuple[int, int]]:
        """RETURNS (list[tuple[int, int]]): Where a mention stands, see `occurrences`."""
        is_on = getattr(self.matcher, "back_tokenize", True)
        return occurrences(words, mention, self.back_tokenizer if is_on else None)


@registry.misc("spacy_gner.LCSMatcher.v1")
@dataclass(frozen=True)
class LCSMatcher:
    """A matcher by longest common subsequence (LCS) of the words, without regard to case.

    It takes as few steps as the output allows, and stops as soon as no word is left that could
    still find a partner:

    1. equal lists;
    2. a bit-parallel LCS of the words as they are written. An output that is a
       subsequence ends here: the paper's own step for it, a greedy search, saves
       nothing but a microsecond on short ones (`project/benchmarks/matching.py`);
    3. an LCS of the words without case, if words that are left over on both sides
       differ in case only;
    4. an LCS in which the words that are left over stand as the tokenizer writes them, if
       any of these forms occurs in the output. Nothing is back-tokenized before.

    Steps 1 to 3 find the largest possible number of matches, and step 4 never fewer.

    back_tokenize (bool): Whether a word also matches what the tokenizer makes of it. False is
        the paper's Table 6, "w/o BT".
    """

    back_tokenize: bool = True

    def __call__(
        self,
        words: Sequence[str],
        predicted: Sequence[str],
        back_tokenizer: BackTokenizer | None = None,
    ) -> list[int | None]:
        words, predicted = list(words), list(predicted)
        if words == predicted:
            return list(range(len(words)))
        blocks = self._blocks(words, predicted, back_tokenizer if self.back_tokenize else None)
        joined = join_over_gaps(blocks, lambda i, j: words[i].casefold() == predicted[j].casefold())
        alignment: list[int | None] = [None] * len(words)
        for i, j, size in joined:
            alignment[i : i + size] = range(j, j + size)
        return alignment

    def _blocks(
        self, words: list[str], predicted: list[str], back_tokenizer: BackTokenizer | None
    ) -> list[Block]:
        blocks = lcs_blocks(words, predicted)
        left, left_predicted = unmatched(blocks, words, predicted)
        # A common subsequence has at most as many words of a key as the poorer side. The
        # matched words of a key are as many on both sides, so that only a key that is left
        # on both sides could add to them.
        keys, predicted_keys = _keys(words), _keys(predicted)
        if not set(_keys(left)).isdisjoint(_keys(left_predicted)):
            blocks = lcs_blocks(keys, predicted_keys)
            left, left_predicted = unmatched(blocks, words, predicted)
        if back_tokenizer is None or not left or not left_predicted:
            return blocks
        known = set(predicted_keys)
        forms = zip(_keys(left), _keys(back_tokenizer(left)), strict=True)
        new = {key: form for key, form in forms if form != key and form in known}
        if not new:
            return blocks
        others = lcs_blocks([new.get(key, key) for key in keys], predicted_keys)
        return max(blocks, others, key=lambda found: sum(size for _, _, size in found))


def _keys(words: Sequence[str]) -> list[str]:
    return [word.casefold() for word in words]
