"""Documents to windows: which words are shown to the model together.

Nothing is ever truncated. A Doc that does not fit is cut between sentences where it
has any, and with an overlap where a sentence (or a Doc without sentences) is too long.
"""

import itertools
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from spacy.util import registry

from ..errors import Errors, Warnings
from .words import DocWords

# The cost of words in a window, in tokens of the model.
CostFunction = Callable[[Sequence[str]], Sequence[int]]


@dataclass(frozen=True)
class WordWindow:
    """Some words of a Doc that are shown to the model together.

    words (tuple[int, ...]): Indices into `DocWords.texts`, rising.
    begin (int): The window decides about entities that start at this word of the Doc …
    end (int): … and before this one. Ranges of windows adjoin; overlaps are context.
    """

    words: tuple[int, ...]
    begin: int
    end: int


@registry.misc("spacy_gner.Window.v1")
@dataclass(frozen=True)
class Windower:
    """Cuts Docs into windows.

    max_tokens (int | None): Tokens of one window: of prompt and output each (seq2seq) or
        of both together (causal). None takes the model's own length.
    overlap (int): Words that two windows share where a sentence has to be cut.
    split_sentences (bool): One window per sentence, also where several would fit.
    join_hyphens (bool): Whether the tokens of "Smith-Jones", which the tokenizer cuts at the
        hyphen, are one word for the model, as in the corpora that the published checkpoints
        and the default model were trained on. "Paris-based" stays three words.
    RAISES (ValueError): E017 for sizes below their minimum.
    """

    max_tokens: int | None = None
    overlap: int = 16
    split_sentences: bool = False
    join_hyphens: bool = True

    def __post_init__(self) -> None:
        sizes = (("max_tokens", 1, "1 or more tokens, or null"), ("overlap", 0, "0 or more words"))
        for name, least, expected in sizes:
            found = getattr(self, name)
            if found is not None and found < least:
                field = f"window.{name}"
                raise ValueError(Errors.E017.format(field=field, expected=expected, found=found))

    def __call__(self, words: DocWords, cost: CostFunction, budget: int) -> list[WordWindow]:
        """Cut a Doc.

        words (DocWords): Its words.
        cost (CostFunction): Tokens that words take in prompt and output.
        budget (int): Tokens that the words of one window may take.
        RETURNS (list[WordWindow]): Every word is in at least one window, and the ranges
            that windows decide about cover the Doc. A single word above the
            budget is left out, with warning W001 (once).
        """
        if not words.texts:
            return []
        costs = list(cost(words.texts))
        fits = [i for i, c in enumerate(costs) if c <= budget]
        if len(fits) < len(costs):
            _warn_long_word(max(costs), budget)
        starts = set(words.sentences)
        windows: list[WordWindow] = []
        current: list[int] = []
        spent = 0
        for sentence in _split(fits, starts):
            total = sum(costs[i] for i in sentence)
            if current and (self.split_sentences or spent + total > budget):
                windows.append(WordWindow(tuple(current), current[0], current[-1] + 1))
                current, spent = [], 0
            if total > budget:
                windows += self._overlapping(sentence, costs, budget)
            else:
                current += sentence
                spent += total
        if current:
            windows.append(WordWindow(tuple(current), current[0], current[-1] + 1))
        return windows

    def _overlapping(
        self, sentence: Sequence[int], costs: Sequence[int], budget: int
    ) -> list[WordWindow]:
        spans: list[tuple[int, int]] = []
        start = 0
        while True:
            end, spent = start, 0
            while end < len(sentence) and spent + costs[sentence[end]] <= budget:
                spent += costs[sentence[end]]
                end += 1
            spans.append((start, end))
            if end == len(sentence):
                break
            # At least half of a window is new, so that the loop moves on.
            start = max(end - min(self.overlap, (end - start) // 2), start + 1)
        # Each overlap is shared out in its middle.
        cuts = [0]
        cuts += [(a[1] + b[0] + 1) // 2 for a, b in itertools.pairwise(spans)]
        cuts.append(len(sentence))
        return [
            WordWindow(tuple(sentence[start:end]), sentence[cuts[i]], sentence[cuts[i + 1] - 1] + 1)
            for i, (start, end) in enumerate(spans)
        ]


def _split(indices: Sequence[int], starts: set[int]) -> list[list[int]]:
    sentences: list[list[int]] = []
    pending = True
    last = -1
    for i in indices:
        # A sentence whose first word was left out begins with the next one.
        pending = pending or any(j in starts for j in range(last + 1, i + 1))
        if pending:
            sentences.append([])
            pending = False
        sentences[-1].append(i)
        last = i
    return sentences


_warned_long_word = False


def _warn_long_word(n_tokens: int, max_tokens: int) -> None:
    global _warned_long_word
    if not _warned_long_word:
        _warned_long_word = True
        warnings.warn(Warnings.W001.format(n_tokens=n_tokens, max_tokens=max_tokens), stacklevel=4)
