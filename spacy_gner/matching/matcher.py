"""Which word of the source is which word of the output (paper, 4.3 and appendix D)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from spacy.util import registry

from .back_tokenization import BackTokenizer
from .lcs import Block, join_over_gaps, lcs_blocks, lcs_blocks_of_two_keys, unmatched


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


@registry.misc("spacy_gner.LCSMatcher.v1")
def make_lcs_matcher(
    case_sensitive: bool = False, back_tokenize: bool = True, lcs: bool = True
) -> Matcher:
    """Make a matcher by longest common subsequence (LCS).

    case_sensitive (bool): Whether words that differ in case differ.
    back_tokenize (bool): Whether a word also matches what the tokenizer makes of it.
        False is the paper's Table 6, "w/o BT".
    lcs (bool): Whether to look for the LCS. False matches the i-th word with the i-th
        predicted word where these are equal, and nothing else: one word that is left out
        puts all later ones out of step. With `back_tokenize` false as well we take
        this for "w/o LCS+BT" in Table 6, which the paper does not describe.
    RETURNS (Matcher): The matcher.
    """
    return LCSMatcher(case_sensitive, back_tokenize, lcs)


@dataclass(frozen=True)
class LCSMatcher:
    """The matcher of `make_lcs_matcher`, whose arguments are its fields.

    The number of matches is the largest possible, where a word of the source matches a
    predicted word that equals it, or that equals its back-tokenized form. It takes
    as few steps as the output allows, and stops as soon as no word is left that could
    still find a partner:

    1. equal lists;
    2. a bit-parallel LCS of the words as they are written. An output that is a
       subsequence ends here: the paper's own step for it, a greedy search, saves
       nothing but a microsecond on short ones (`project/benchmarks/matching.py`);
    3. an LCS of the words without case, if words that are left over on both sides
       differ in case only;
    4. an LCS that back-tokenized words may take part in, if any of them occurs in the
       output. Nothing is back-tokenized before.
    """

    case_sensitive: bool = False
    back_tokenize: bool = True
    lcs: bool = True

    def __call__(
        self,
        words: Sequence[str],
        predicted: Sequence[str],
        back_tokenizer: BackTokenizer | None = None,
    ) -> list[int | None]:
        if not self.back_tokenize:
            back_tokenizer = None
        words, predicted = list(words), list(predicted)
        if words == predicted:
            return list(range(len(words)))
        if not self.lcs:
            return self._by_position(words, predicted, back_tokenizer)
        blocks = join_over_gaps(
            self._blocks(words, predicted, back_tokenizer),
            lambda i, j: self._keys([words[i]]) == self._keys([predicted[j]]),
        )
        alignment: list[int | None] = [None] * len(words)
        for i, j, size in blocks:
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
        if not self.case_sensitive and self._share_keys(left, left_predicted):
            blocks = lcs_blocks(self._keys(words), self._keys(predicted))
            left, left_predicted = unmatched(blocks, words, predicted)
        if back_tokenizer is None or not left or not left_predicted:
            return blocks
        keys, predicted_keys = self._keys(words), self._keys(predicted)
        known = set(predicted_keys)
        new_keys = [
            back if back in known else key
            for key, back in zip(keys, self._keys(back_tokenizer(words)), strict=True)
        ]
        changed = [key for key, new in zip(keys, new_keys, strict=True) if key != new]
        if not changed:
            return blocks
        if known.isdisjoint(changed):
            return lcs_blocks(new_keys, predicted_keys)
        # The output has both a word and its back-tokenized form.
        return lcs_blocks_of_two_keys(keys, new_keys, predicted_keys)

    def _share_keys(self, words: list[str], predicted: list[str]) -> bool:
        return not set(self._keys(words)).isdisjoint(self._keys(predicted))

    def _by_position(
        self, words: list[str], predicted: list[str], back_tokenizer: BackTokenizer | None
    ) -> list[int | None]:
        predicted_keys = self._keys(predicted)
        forms = [self._keys(words)]
        if back_tokenizer is not None:
            forms.append(self._keys(back_tokenizer(words)))
        n_both = min(len(words), len(predicted))
        return [
            i if i < n_both and any(keys[i] == predicted_keys[i] for keys in forms) else None
            for i in range(len(words))
        ]

    def _keys(self, words: Sequence[str]) -> list[str]:
        return list(words) if self.case_sensitive else [word.casefold() for word in words]
