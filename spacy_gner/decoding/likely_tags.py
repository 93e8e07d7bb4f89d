"""The most probable tagging by what the model said about each word for itself.

A model that was given all words, some of them with a wrong tag, has said something about every
tag. If each tag depended only on its word and on what the format allows after the tag before, this
would be all that is to be known, and Viterbi's algorithm would find the best tagging.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from .common import choice_log_probs
from .guess import CONTINUE, kind_of
from .sentence import ChoicePoint, Sentence
from .tags import TagNode

# A word that was read behind a word tagged O goes on with an entity more often than it said then:
# what is added to that logit, fitted on dev sentences (68 of 87 tags right without, 80 with it).
_GOES_ON = 2.0
# Beginnings and choices that are less probable than the best one by this factor (as a logarithm)
# are dropped; for drafts there are fewer, and so many beginnings at most.
_HOPELESS, _HOPELESS_FOR_DRAFT = 8.0, 4.0
_MAX_BEGINNINGS = 6

# A tag, its log-probability, and those before it.
_Link = tuple[str, float, "_Link | None"]


def likely_tags(
    sentence: Sentence, point: ChoicePoint, for_draft: bool = False
) -> list[tuple[str, float]]:
    """Find the most probable tags from the readings of a sentence.

    sentence (Sentence): The sentence. Choices that were not read are taken as even.
    point (ChoicePoint): Where to begin; its word is the first one to get a tag.
    for_draft (bool): Whether to guess what the model would have said behind the tag before, to end
        before the first word about which nothing is known, and to be quick.
    RETURNS (list[tuple[str, float]]): One tag per word, with its log-probability.
    """
    states: dict[str, tuple[float, _Link | None]] = {point.previous: (0.0, None)}
    n_words = len(sentence.words)
    hopeless = _HOPELESS_FOR_DRAFT if for_draft else _HOPELESS
    for word in range(point.word, n_words):
        is_read = (word, ()) in sentence.readings or word == point.word
        if for_draft and not is_read:
            break
        beginnings = sorted(states.items(), key=lambda item: -item[1][0])
        least = beginnings[0][1][0] - hopeless
        reader = _Word(sentence, word, hopeless, for_draft)
        following: dict[str, tuple[float, _Link | None]] = {}
        for previous, (total, link) in beginnings[: _MAX_BEGINNINGS if for_draft else None]:
            if total < least:
                break
            node, path = point.node, point.path
            if word != point.word:
                tokens = sentence.words[word]
                node = sentence.table.allowed(tokens, previous, word == n_words - 1).root
                path = ()
            for tag, value in reader.tags(node, path, previous not in ("", "O")):
                if tag not in following or total + value > following[tag][0]:
                    following[tag] = (total + value, (tag, value, link))
        states = following
    _, best = max(states.values(), key=lambda state: state[0])
    found: list[tuple[str, float]] = []
    while best is not None:
        tag, value, best = best
        found.append((tag, value))
    return found[::-1]


class _Word:
    """What was read about one word.

    sentence (Sentence): Its sentence.
    word (int): Its index.
    hopeless (float): Choices that are less probable than the best one by this are left out.
    for_draft (bool): See `likely_tags`.
    """

    def __init__(self, sentence: Sentence, word: int, hopeless: float, for_draft: bool):
        self._readings = sentence.readings
        self._columns = sentence.columns
        self._word = word
        self._hopeless = hopeless
        self._for_draft = for_draft
        self._guesser = sentence.table.guesser
        self._known: dict[tuple[tuple[int, ...], tuple[int, ...], bool], list[float]] = {}

    def tags(
        self, node: TagNode, path: tuple[int, ...], in_entity: bool
    ) -> Iterator[tuple[str, float]]:
        """YIELDS (tuple[str, float]): The tags below a node, with their log-probabilities.

        node (TagNode): The node.
        path (tuple[int, ...]): The tokens that lead there.
        in_entity (bool): Whether the word before has a tag of an entity."""
        stack = [(node, path, 0.0)]
        while stack:
            node, path, total = stack.pop()
            while len(node.children) == 1:
                ((token, node),) = node.children.items()
                path = (*path, token)
            if node.tag is not None:
                yield node.tag, total
                continue
            values = self._log_probs(path, node, in_entity)
            least = max(values) - self._hopeless
            for value, (token, child) in zip(values, node.children.items(), strict=True):
                if value >= least:
                    stack.append((child, (*path, token), total + value))

    def _log_probs(self, path: tuple[int, ...], node: TagNode, in_entity: bool) -> Sequence[float]:
        tokens = tuple(node.children)
        reading = self._readings.get((self._word, path))
        was_outside = reading is not None and not reading.in_entity
        goes_on = self._for_draft and in_entity and not path and was_outside
        key = (path, tokens, goes_on)
        if key not in self._known:
            values = np.zeros(len(tokens))
            if reading is not None:
                values = reading.logits[[self._columns[token] for token in tokens]]
            elif self._for_draft:
                values = np.log(self._guesser.choices(path, tokens))
            if goes_on:
                kinds = [kind_of(child.first_tag()) for child in node.children.values()]
                values = values + _GOES_ON * (np.array(kinds) == CONTINUE)
            values = choice_log_probs(values)
            if self._for_draft and reading is None:
                # Not to know the label makes an entity no less likely.
                values = values - values.max()
            self._known[key] = values.tolist()
        return self._known[key]
