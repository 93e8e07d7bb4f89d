"""Which word of the source is which word of the output (paper, 4.3 and appendix D)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from spacy.util import registry

from .back_tokenisation import BackTokeniser
from .lcs import Block, join_over_gaps, lcs_blocks, lcs_blocks_of_two_keys


class Matcher(Protocol):
    """Matches words with predicted words."""

    def __call__(
        self,
        words: Sequence[str],
        predicted: Sequence[str],
        back_tokeniser: BackTokeniser | None = None,
    ) -> list[int | None]:
        """Match two lists of words.

        words (Sequence[str]): The words of the source, length N.
        predicted (Sequence[str]): The words of the output, length M.
        back_tokeniser (Callable[[Sequence[str]], list[str]] | None): What the model's
            tokenizer makes of words (`make_back_tokeniser`). None for words as they are.
        RETURNS (list[int | None]): For each word of the source the index of its
            predicted word, strictly increasing, or None. Length N.
        """
        ...


@registry.misc("spacy_gner.LCSMatcher.v1")
def make_lcs_matcher(
    case_sensitive: bool = False, back_tokenise: bool = True, lcs: bool = True
) -> Matcher:
    """Make a matcher by longest common subsequence (LCS).

    case_sensitive (bool): Whether words that differ in case differ.
    back_tokenise (bool): Whether a word also matches what the tokenizer makes of it.
        False is the paper's Table 6, "w/o BT".
    lcs (bool): Whether to look for the LCS. False matches the i-th word with the i-th
        predicted word where these are equal, and nothing else: one word that is left out
        puts all later ones out of step. With `back_tokenise` false as well we take
        this for "w/o LCS+BT" in Table 6, which the paper does not describe.
    RETURNS (Matcher): The matcher.
    """
    return LCSMatcher(case_sensitive, back_tokenise, lcs)


@dataclass(frozen=True)
class LCSMatcher:
    """The matcher of `make_lcs_matcher`, whose arguments are its fields.

    The number of matches is the largest possible, where a word of the source matches a
    predicted word that equals it, or that equals its back-tokenised form. It takes
    as few steps as the output allows:

    1. Equal lists are matched one by one.
    2. What both lists begin and end with is matched one by one.
    3. The rest is matched by a bit-parallel LCS of the words. This includes the case
       that the output is a subsequence, for which the paper has a greedy search: here
       it would be the slower one (`project/benchmarks/matching.py`).
    4. Only if words of both lists are still without partner, words are back-tokenised,
       and matched again if that gave any new form that occurs in the output.
    """

    case_sensitive: bool = False
    back_tokenise: bool = True
    lcs: bool = True

    def __call__(
        self,
        words: Sequence[str],
        predicted: Sequence[str],
        back_tokeniser: BackTokeniser | None = None,
    ) -> list[int | None]:
        if not self.back_tokenise:
            back_tokeniser = None
        words, predicted = list(words), list(predicted)
        if words == predicted:
            return list(range(len(words)))
        if not self.lcs:
            return self._by_position(words, predicted, back_tokeniser)
        alignment: list[int | None] = [None] * len(words)
        for i, j, size in self._blocks(words, predicted, back_tokeniser):
            alignment[i : i + size] = range(j, j + size)
        return alignment

    def _blocks(
        self, words: list[str], predicted: list[str], back_tokeniser: BackTokeniser | None
    ) -> list[Block]:
        n, m = len(words), len(predicted)
        # Equal words at the ends belong to a longest matching, whatever else matches.
        head = _n_equal(words, predicted, min(n, m))
        tail = _n_equal(words[::-1], predicted[::-1], min(n, m) - head)
        inner = self._inner_blocks(
            words[head : n - tail], predicted[head : m - tail], back_tokeniser
        )
        blocks = [(0, 0, head)] if head else []
        blocks += [(i + head, j + head, size) for i, j, size in inner]
        if tail:
            blocks.append((n - tail, m - tail, tail))
        if len(blocks) < 2:
            return blocks
        return join_over_gaps(
            blocks, lambda i, j: self._keys([words[i]]) == self._keys([predicted[j]])
        )

    def _inner_blocks(
        self, words: list[str], predicted: list[str], back_tokeniser: BackTokeniser | None
    ) -> list[Block]:
        if not words or not predicted:
            return []
        keys, predicted_keys = self._keys(words), self._keys(predicted)
        blocks = lcs_blocks(keys, predicted_keys)
        if back_tokeniser is None:
            return blocks
        if sum(size for _, _, size in blocks) == min(len(words), len(predicted)):
            return blocks
        known = set(predicted_keys)
        new_keys = [
            back if back in known else key
            for key, back in zip(keys, self._keys(back_tokeniser(words)), strict=True)
        ]
        changed = [key for key, new in zip(keys, new_keys, strict=True) if key != new]
        if not changed:
            return blocks
        if known.isdisjoint(changed):
            return lcs_blocks(new_keys, predicted_keys)
        # A word and its back-tokenised form both occur in the output.
        return lcs_blocks_of_two_keys(keys, new_keys, predicted_keys)

    def _by_position(
        self, words: list[str], predicted: list[str], back_tokeniser: BackTokeniser | None
    ) -> list[int | None]:
        predicted_keys = self._keys(predicted)
        forms = [self._keys(words)]
        if back_tokeniser is not None:
            forms.append(self._keys(back_tokeniser(words)))
        n_both = min(len(words), len(predicted))
        return [
            i if i < n_both and any(keys[i] == predicted_keys[i] for keys in forms) else None
            for i in range(len(words))
        ]

    def _keys(self, words: Sequence[str]) -> list[str]:
        return list(words) if self.case_sensitive else [word.casefold() for word in words]


def _n_equal(a: list[str], b: list[str], limit: int) -> int:
    """RETURNS (int): How many elements, at most `limit`, both begin with."""
    n_equal = 0
    for x, y in zip(a[:limit], b, strict=False):
        if x != y:
            break
        n_equal += 1
    return n_equal
