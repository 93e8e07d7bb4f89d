"""The tokens of words and tags, as they are in the text that models are trained on."""

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from os.path import commonprefix
from typing import TYPE_CHECKING

from ..backbones.codec import TextCodec
from ..formats import Format, TaggedWords
from .guess import TagGuesser

if TYPE_CHECKING:
    from ..backbones.backbone import Backbone

_MAX_WORDS = 20_000
# What Python needs for a word of a table, measured: its text, its tokens, its places in dicts.
_WORD_BYTES = 220
# The same for a node of a tree: its dict above all, its share of `suffixes`.
_NODE_BYTES = 350
# How byte-level and SentencePiece vocabularies write a blank.
_BLANK_MARKS = "\u0120\u2581"
_PROBES = ("word", "x", "1995", ".", "U.S.", "New-York", "it's")


class TagNode:
    """A node of the tree. At a leaf a tag is complete.

    children (dict[int, TagNode]): By token.
    tag (str | None): The tag of a leaf.
    """

    __slots__ = ("children", "tag")

    def __init__(self) -> None:
        self.children: dict[int, TagNode] = {}
        self.tag: str | None = None

    def first_tag(self) -> str:
        """RETURNS (str): The first of the tags that it leads to."""
        node = self
        while node.tag is None:
            node = next(iter(node.children.values()))
        return node.tag

    def only_path(self) -> list[int]:
        """RETURNS (list[int]): The tokens down to the next node where there is a choice, or
        to the leaf."""
        node, path = self, []
        while len(node.children) == 1:
            ((token, node),) = node.children.items()
            path.append(token)
        return path


class TagTrie:
    """The tags that are allowed for a word, by what tells them apart.

    suffixes (Mapping[str, Sequence[int]]): The tokens of each tag, from where the tags
        of a word begin to differ.

    Tags whose tokens are those of an earlier tag, or begin with them, or are the beginning
    of them (characters that the vocabulary lacks look alike) cannot be told
    from it and are left out. `n_bytes` is about the memory that it takes.
    """

    def __init__(self, suffixes: Mapping[str, Sequence[int]]):
        self.root = TagNode()
        self.n_bytes = 0
        self.suffixes: dict[str, tuple[int, ...]] = {}
        for tag, suffix in suffixes.items():
            self._add(tag, tuple(suffix))

    def _add(self, tag: str, suffix: tuple[int, ...]) -> None:
        node = self.root
        for depth, token in enumerate(suffix):
            if node.tag is not None:
                return
            if token not in node.children:
                for new in suffix[depth:]:
                    node.children[new] = TagNode()
                    node = node.children[new]
                self.n_bytes += _NODE_BYTES * (len(suffix) - depth)
                node.tag = tag
                self.suffixes[tag] = suffix
                return
            node = node.children[token]
        # All of it is there already (or there is nothing): the first one keeps it.
        if not self.suffixes:
            self.suffixes[tag] = suffix
            node.tag = tag

    def within(self, tags: Iterable[str]) -> "TagTrie":
        """RETURNS (TagTrie): The tree of some of the tags."""
        return TagTrie({tag: self.suffixes[tag] for tag in tags if tag in self.suffixes})

    def find(self, tokens: Sequence[int]) -> TagNode | None:
        """RETURNS (TagNode | None): Where these tokens lead from the root."""
        node: TagNode | None = self.root
        for token in tokens:
            node = node.children.get(token) if node is not None else None
        return node

    def choices(self, tag: str) -> list[tuple[int, list[int], int]]:
        """The choices on the way to a tag.

        RETURNS (list[tuple[int, list[int], int]]): Where there is more than one child: the
            depth, the tokens of the children, and the index of the one that is taken.
        """
        node, result = self.root, []
        for depth, token in enumerate(self.suffixes[tag]):
            if len(node.children) > 1:
                children = list(node.children)
                result.append((depth, children, children.index(token)))
            node = node.children[token]
        return result


@dataclass(frozen=True)
class WordTokens:
    """A word with every tag that it may get.

    stem (tuple[int, ...]): The tokens that do not depend on the tag.
    trie (TagTrie): What follows them, for each tag.
    """

    stem: tuple[int, ...]
    trie: TagTrie

    def piece(self, tag: str) -> tuple[int, ...]:
        """RETURNS (tuple[int, ...]): The tokens of `word(tag)`."""
        return (*self.stem, *self.trie.suffixes[tag])


class TagTable:
    """Tokenizes words with all tags of some labels.

    codec (TextCodec): The tokenizer.
    format (TaggedWords): How words and tags are written.
    wordings (Sequence[str]): The wordings of the labels.

    `tags` are all tags; `guesser` guesses them, and remembers what it has seen for as long as
    the table is there.

    The tokens of `word(tag)` are those of the whole piece, since many tokenizers merge
    the end of the word with the parenthesis. Where the vocabulary has no token that could
    join what stands before and behind the place at which the tags begin, these
    two are independent (subword tokenizers only ever join what a token of theirs spans),
    and one tokenization per word serves all tags. Any other word is
    tokenized with every tag.
    """

    def __init__(self, codec: TextCodec, format: TaggedWords, wordings: Sequence[str]):
        self.tags = tuple(format.tags(wordings))
        self.guesser = TagGuesser(format)
        self.format = format
        self._encode = codec.target_ids
        self._lock = threading.Lock()
        self._tree_bytes = 0
        self._words: dict[str, WordTokens] = {}
        self._allowed: dict[tuple[int, str, bool], tuple[TagTrie, TagTrie]] = {}
        self._joins_before, joins_behind = _joining_tokens(codec, format.opening, self.tags)
        self._shared: TagTrie | None = None
        self._shared_all: dict[str, tuple[int, ...]] = {}
        self._plain_suffix: tuple[int, ...] = ()
        self._ascii_only = codec.has_normalizer
        if not joins_behind:
            self._joins_before = frozenset()
        self._prepare()

    def _prepare(self) -> None:
        """Find the tokens that all words share, and check that they do."""
        _, self._shared_all = self._spell("word")
        shared = TagTrie(self._shared_all)
        plain = shared.suffixes["O"]
        for probe in _PROBES:
            if self._is_joined(probe):
                continue
            other = self._in_full(probe)
            if other.trie.suffixes != shared.suffixes:
                return
        self._shared, self._plain_suffix = shared, plain

    def words(self, words: Sequence[str]) -> list[WordTokens]:
        """RETURNS (list[WordTokens]): One per word."""
        known = self._words
        found = {word: known.get(word) for word in words}
        new = [word for word, tokens in found.items() if tokens is None]
        if new:
            made = self._tokenize(new)
            found.update(made)
            with self._lock:
                if len(known) + len(made) > _MAX_WORDS:
                    # Threads that still read the old one keep it.
                    self._words = dict(made)
                else:
                    known.update(made)
        return [found[word] for word in words]  # type: ignore[misc]

    def _tokenize(self, words: list[str]) -> dict[str, WordTokens]:
        made: dict[str, WordTokens] = {}
        if self._shared is not None:
            simple = [word for word in words if not self._is_joined(word)]
            pieces = self._target_ids([self.format.spell(word, "O") for word in simple])
            for word, ids in zip(simple, pieces, strict=True):
                stem = ids[: len(ids) - len(self._plain_suffix)]
                if tuple(ids[len(stem) :]) == self._plain_suffix:
                    made[word] = WordTokens(tuple(stem), self._shared)
        for word in words:
            if word not in made:
                made[word] = self._in_full(word)
        return made

    def allowed(self, word: WordTokens, previous: str, is_last: bool) -> TagTrie:
        """The tags that a word may have.

        word (WordTokens): The word.
        previous (str): The tag before it, "" at the start.
        is_last (bool): Whether the sentence ends with it.
        RETURNS (TagTrie): The tags after which a valid tagging can go on. Where the
            format leaves none (an entity of several words cannot begin at the last
            one), those that may follow.
        """
        key = (id(word.trie), previous, is_last)
        found = self._allowed.get(key)
        if found is not None and found[0] is word.trie:
            return found[1]
        tags = self.format.allowed(word.trie.suffixes, previous, is_last)
        trie = word.trie.within(tags or word.trie.suffixes)
        with self._lock:
            if len(self._allowed) >= _MAX_WORDS:
                self._allowed = {}
                self._tree_bytes = 0
            self._tree_bytes += trie.n_bytes
            # The tree of the word is kept with it, so that its id stays its own.
            self._allowed[key] = (word.trie, trie)
        return trie

    @property
    def n_bytes(self) -> int:
        """RETURNS (int): About how much memory it takes by now."""
        return self._tree_bytes + _WORD_BYTES * (len(self._words) + len(self.tags))

    def _in_full(self, word: str) -> WordTokens:
        stem, suffixes = self._spell(word)
        # Most words share one tree, and need not have one each.
        if self._shared is not None and suffixes == self._shared_all:
            return WordTokens(stem, self._shared)
        trie = TagTrie(suffixes)
        with self._lock:
            self._tree_bytes += trie.n_bytes
        return WordTokens(stem, trie)

    def _spell(self, word: str) -> tuple[tuple[int, ...], dict[str, tuple[int, ...]]]:
        """RETURNS (tuple): The tokens that all of `word(tag)` begin with, and the rest by tag."""
        pieces = self._target_ids([self.format.spell(word, tag) for tag in self.tags])
        n_stem = len(commonprefix(pieces))
        suffixes = {t: tuple(p[n_stem:]) for t, p in zip(self.tags, pieces, strict=True)}
        return tuple(pieces[0][:n_stem]), suffixes

    def _is_joined(self, word: str) -> bool:
        """RETURNS (bool): Whether a token could reach from the word into its tag."""
        if self._ascii_only and not word.isascii():
            return True
        return any(word.endswith(end) or not end.isascii() for end in self._joins_before)

    def _target_ids(self, pieces: Sequence[str]) -> list[list[int]]:
        return self._encode(pieces) if pieces else []


def tag_table(backbone: "Backbone", format: Format, wordings: Sequence[str]) -> TagTable:
    """RETURNS (TagTable): The table for these labels, a cached one if it was asked for
    before with the same backbone."""
    assert isinstance(format, TaggedWords)  # decoders refuse others, see `check_format`
    key = (TagTable, type(format), format.name, tuple(wordings))
    return backbone.cache.get(key, lambda: TagTable(backbone.codec, format, wordings))


def _joining_tokens(
    codec: TextCodec, opening: str, tags: Sequence[str]
) -> tuple[frozenset[str], bool]:
    """Look for tokens of the vocabulary that reach over the place where tags begin.

    RETURNS (tuple[frozenset[str], bool]): What stands before the opening mark in tokens
        that reach over it from the left, and whether any token begins before or with the
        mark and goes on with the first letter of a tag.
    """
    letters = {tag[0] for tag in tags}
    before: set[str] = set()
    behind = False
    for token in codec.tokens_with(opening):
        at = token.find(opening)
        while at >= 0:
            head, tail = token[:at].lstrip(_BLANK_MARKS), token[at + len(opening) :]
            if not tail or tail[0] in letters:
                behind = behind or bool(tail)
                if head:
                    before.add(head)
            at = token.find(opening, at + 1)
    return frozenset(before), behind
