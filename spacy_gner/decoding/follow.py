"""Tracks at which word a freely written output is, and drafts what comes next."""

from collections.abc import Sequence

from ..planning.request import Request
from .guess import kind_of
from .tags import TagNode, TagTable, WordTokens

# The weight of the expectation that an output follows the words, before any token is seen.
_TRUST = 30.0
_DISTRUST_PER_DEPARTURE = 10.0
_IN_WORD = TagNode()
# If the output leaves the words, the draft is what followed the same tokens before.
_N_GRAM = 3
_MAX_REPETITION = 64
_REPEATS = 0.95


class DraftTracker:
    """Reads the tokens of one output as they come, and drafts the next ones.

    request (Request): What is written.
    table (TagTable): The tokens of its words and tags.
    closing (frozenset[int]): The tokens whose text has a ")" in it.
    eos_id (int): The token that ends the output.
    """

    def __init__(
        self,
        request: Request,
        table: TagTable,
        closing: frozenset[int],
        eos_id: int,
    ):
        self._words = request.words
        self._tokens: list[WordTokens] = table.words(request.words)
        self._guesser = table.guesser
        self._closing = closing
        self._eos_id = eos_id
        self._word = 0
        self._piece: list[int] = []
        self._departed = False
        self._previous = ""
        self._label: str | None = None
        self._followed, self._departures = 0, 0
        # Of the last draft: where the tag of each word begins. And what the model said about
        # words behind the place where a draft went wrong.
        self._drafted: list[tuple[int, int]] = []
        self._hints: dict[int, int] = {}
        # What was written, and where each of its short sequences ended last.
        self._written: list[int] = []
        self._seen: dict[tuple[int, ...], int] = {}

    def push(self, token: int) -> None:
        """Take the next token of the output.

        token (int): The token.
        """
        last = tuple(self._written[-_N_GRAM:])
        if len(last) == _N_GRAM:
            self._seen[last] = len(self._written)
        self._written.append(token)
        self._piece.append(token)
        if self._departed:
            if token in self._closing:
                # As if one word had been replaced; the next one shows where it really is.
                self._departed = False
                self._piece = []
                self._word = min(self._word + 1, len(self._words))
                self._previous = "O"
            return
        node = self._locate()
        if node is None:
            self._departures += 1
            self._departed = token not in self._closing
            if not self._departed:
                self._piece = []
            return
        self._followed += 1
        if node.tag is not None:
            self._finish_word(node.tag)

    def _finish_word(self, tag: str) -> None:
        self._guesser.learn(self._words[self._word], self._word, self._previous, tag)
        self._previous = tag
        self._label = tag[2:] or self._label
        self._word += 1
        self._piece = []

    def _locate(self) -> TagNode | None:
        """Find the word of the piece so far: the expected one, else the nearest one whose
        piece begins so.

        RETURNS (TagNode | None): Where in its tag it is (`_IN_WORD` before that); None when it is
            none of the words.
        """
        here = self._word
        node = self._match(here)
        if node is not None:
            return node
        self._departures += 1
        n = len(self._words)
        for other in [
            *range(max(0, here - 1), here),
            *range(here + 1, n),
            *range(here - 2, -1, -1),
        ]:
            node = self._match(other)
            if node is not None:
                self._word = other
                return node
        self._departures -= 1
        return None

    def _match(self, index: int) -> TagNode | None:
        if index >= len(self._words):
            return None
        stem, trie = self._tokens[index].stem, self._tokens[index].trie
        piece = self._piece
        if len(piece) <= len(stem):
            if stem[: len(piece)] != tuple(piece):
                return None
            return trie.root if len(piece) == len(stem) else _IN_WORD
        if stem != tuple(piece[: len(stem)]):
            return None
        return trie.find(piece[len(stem) :])

    def draft(self, limit: int) -> tuple[list[int], list[float]]:
        """What may come next.

        limit (int): How many tokens at most.
        RETURNS (tuple[list[int], list[float]]): Tokens, and how likely it is that
            the model would write all tokens up to each.
        """
        tokens: list[int] = []
        reach: list[float] = []
        self._drafted = []
        if self._departed or (self._word == len(self._words) and self._departures):
            return self._repetition(limit)
        trust = (_TRUST + self._followed) / (
            _TRUST + 0.2 + self._followed + _DISTRUST_PER_DEPARTURE * self._departures
        )
        p, previous, label = 1.0, self._previous, self._label
        piece: Sequence[int] = self._piece
        for index in range(self._word, len(self._words)):
            word = self._tokens[index]
            for token in word.stem[len(piece) :]:
                p *= trust
                tokens.append(token)
                reach.append(p)
            path = tuple(piece[len(word.stem) :])
            if not path:
                self._drafted.append((len(tokens), index))
            tag = self._draft_tag(index, path, previous, label, p, tokens, reach)
            if tag is None or len(tokens) >= limit or reach[-1] < 0.02:
                return tokens[:limit], reach[:limit]
            p = reach[-1]
            previous, label, piece = tag, tag[2:] or label, ()
        tokens.append(self._eos_id)
        reach.append(p * trust)
        return tokens[:limit], reach[:limit]

    def learn_from(self, written: Sequence[int], n_right: int) -> None:
        """Take hints from what the model said behind the place where the draft went wrong.

        written (Sequence[int]): What the model would have written after each beginning of
            the draft.
        n_right (int): How many tokens of the draft were right.
        """
        for at, index in self._drafted:
            if n_right < at < len(written):
                node = self._tokens[index].trie.root.children.get(written[at])
                if node is not None:
                    self._hints[index] = kind_of(node.first_tag())

    def _repetition(self, limit: int) -> tuple[list[int], list[float]]:
        """A draft for a model that has left the words: what it wrote after the same
        tokens before. Models that do not find an end run in circles."""
        start = self._seen.get(tuple(self._written[-_N_GRAM:]))
        if start is None or limit < 1:
            return [], []
        # The circle may be shorter than the draft.
        cycle = self._written[start:]
        tokens = [cycle[i % len(cycle)] for i in range(min(limit, _MAX_REPETITION))]
        return tokens, [_REPEATS ** (i + 1) for i in range(len(tokens))]

    def _draft_tag(
        self,
        index: int,
        path: tuple[int, ...],
        previous: str,
        label: str | None,
        p: float,
        tokens: list[int],
        reach: list[float],
    ) -> str | None:
        """Add a guess at the tag of a word, as far as there is one.

        RETURNS (str | None): The tag; None when its tokens are not complete.
        """
        trie = self._tokens[index].trie
        node = trie.find(path)
        assert node is not None
        ranked = self._guesser.ranked(
            self._words[index], index, previous, label, self._hints.get(index)
        )
        for tag, p_kind, p_tag in ranked:
            suffix = trie.suffixes.get(tag)
            if suffix is None or suffix[: len(path)] != path:
                continue
            chances = [p_kind, p_tag] if not path else [p_tag]
            for token in suffix[len(path) :]:
                if len(node.children) > 1 and chances:
                    p *= chances.pop(0)
                tokens.append(token)
                reach.append(p)
                node = node.children[token]
            return tag
        only = node.only_path()
        tokens += only
        reach += [p] * len(only)
        for token in only:
            node = node.children[token]
        return node.tag
