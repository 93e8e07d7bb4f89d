"""The words of one sentence as tokens, with the choices between their tags."""

from dataclasses import dataclass

import numpy as np

from ..planning.request import Request
from .common import choice_log_probs
from .tags import TagNode, TagTable, WordTokens


@dataclass(frozen=True)
class ChoicePoint:
    """Where a choice between tags is to be made.

    word (int): Index of the word.
    node (TagNode): Where in its tag; it has at least two children.
    path (tuple[int, ...]): The tokens of the tag so far.
    previous (str): The tag of the word before, "" at the start.
    """

    word: int
    node: TagNode
    path: tuple[int, ...]
    previous: str


@dataclass(frozen=True)
class Transition:
    """What follows from a choice.

    tokens (list[int]): The tokens up to the next choice.
    tags (list[str]): The tags that it completes.
    point (ChoicePoint | None): The next choice; None at the end of the sentence.
    """

    tokens: list[int]
    tags: list[str]
    point: ChoicePoint | None


@dataclass(frozen=True)
class Reading:
    """What the model said about a choice when it stood behind other tags than now.

    in_entity (bool): Whether the word before had a tag of an entity.
    logits (np.ndarray): The logits of the recorded tokens, shape (C,).
    """

    in_entity: bool
    logits: np.ndarray


class Sentence:
    """The words of a request as tokens, with the tags that each may have.

    request (Request): The request.
    table (TagTable): Its tokens.
    columns (dict[int, int]): Where the logits of each token are recorded.

    `readings` are kept for drafts, by word and beginning of the tag.
    """

    def __init__(self, request: Request, table: TagTable, columns: dict[int, int]):
        self.request = request
        self.table = table
        self.columns = columns
        self.words: list[WordTokens] = table.words(request.words)
        self.readings: dict[tuple[int, tuple[int, ...]], Reading] = {}

    def start(self) -> Transition:
        """RETURNS (Transition): All up to the first choice."""
        return self._go_on([], [], 0, "", None)

    def take(self, point: ChoicePoint, token: int) -> Transition:
        """RETURNS (Transition): What follows when this token is chosen."""
        node = point.node.children[token]
        here = (node, (*point.path, token))
        return self._go_on([token], [], point.word, point.previous, here)

    def log_probs(self, point: ChoicePoint, logits: np.ndarray) -> np.ndarray:
        """RETURNS (np.ndarray): Log-probabilities of the choices, in their order.

        point (ChoicePoint): The choice.
        logits (np.ndarray): The logits of the recorded tokens, shape (C,)."""
        return choice_log_probs(logits[[self.columns[token] for token in point.node.children]])

    def read(self, point: ChoicePoint, logits: np.ndarray) -> None:
        """Take note of what the model said about a choice."""
        in_entity = point.previous not in ("", "O")
        self.readings[point.word, point.path] = Reading(in_entity, logits)

    def _go_on(
        self,
        tokens: list[int],
        tags: list[str],
        word: int,
        previous: str,
        here: tuple[TagNode, tuple[int, ...]] | None,
    ) -> Transition:
        n_words = len(self.words)
        while True:
            if here is None:
                if word == n_words:
                    return Transition(tokens, tags, None)
                tokens += self.words[word].stem
                trie = self.table.allowed(self.words[word], previous, word == n_words - 1)
                here = (trie.root, ())
            node, path = here
            for token in node.only_path():
                node = node.children[token]
                tokens.append(token)
                path = (*path, token)
            if node.tag is None:
                return Transition(tokens, tags, ChoicePoint(word, node, path, previous))
            tags.append(node.tag)
            previous, word, here = node.tag, word + 1, None
