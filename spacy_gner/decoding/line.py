"""A tagging of the words of one sentence, as far as it has been decided."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from .guess import kind_of
from .request import Request
from .tags import TagTable, WordTokens
from .trie import TagNode

# How likely a tag is the one that the tagging had from which this one was forked, at most; and
# how likely an entity goes on as that one's did when it has got another label.
_STAYS = 0.97
_GOES_ON = 0.9
# How likely a tagging is still wanted where it is expected to be worse than the best one.
_OUTLIVES = 0.2


@dataclass(frozen=True)
class Place:
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
class Step:
    """What follows from a choice.

    tokens (list[int]): The tokens up to the next choice.
    tags (list[str]): The tags that it completes.
    place (Place | None): The next choice; None at the end of the sentence.
    """

    tokens: list[int]
    tags: list[str]
    place: Place | None


class Sentence:
    """The words of a request as tokens, with the tags that each may have.

    request (Request): The request.
    table (TagTable): Its tokens.
    """

    def __init__(self, request: Request, table: TagTable):
        self.request = request
        self.table = table
        self.words: list[WordTokens] = table.words(request.words)

    def start(self) -> Step:
        """RETURNS (Step): All up to the first choice."""
        return self._go_on([], [], 0, "", None)

    def take(self, place: Place, token: int) -> Step:
        """RETURNS (Step): What follows when this token is chosen."""
        node = place.node.children[token]
        here = (node, (*place.path, token))
        return self._go_on([token], [], place.word, place.previous, here)

    def _go_on(
        self,
        tokens: list[int],
        tags: list[str],
        word: int,
        previous: str,
        here: tuple[TagNode, tuple[int, ...]] | None,
    ) -> Step:
        n_words = len(self.words)
        while True:
            if here is None:
                if word == n_words:
                    return Step(tokens, tags, None)
                tokens += self.words[word].stem
                trie = self.table.allowed(self.words[word], previous, word == n_words - 1)
                here = (trie.root, ())
            node, path = here
            for token in node.only_path():
                node = node.children[token]
                tokens.append(token)
                path = (*path, token)
            if node.tag is None:
                return Step(tokens, tags, Place(word, node, path, previous))
            tags.append(node.tag)
            previous, word, here = node.tag, word + 1, None


@dataclass
class Draft:
    """A guess at how a tagging goes on.

    tokens (list[int]): The tokens.
    reach (list[float]): How likely all choices up to each token are right.
    choices (list[tuple[int, Place, int | None]]): The choices on the way: how many of the tokens
        stand before it, its place, and the token that was guessed (None where the
        draft ends).
    """

    tokens: list[int] = field(default_factory=list)
    reach: list[float] = field(default_factory=list)
    choices: list[tuple[int, Place, int | None]] = field(default_factory=list)


@dataclass(frozen=True)
class Alternative:
    """A choice that a tagging did not make.

    bound (float): The log-probability of the tagging up to and with this choice: an upper
        bound for all taggings that begin so.
    line (Line): The tagging that it branches off from.
    n_tokens (int): How many of its tokens stand before the choice.
    place (Place): Where the choice is.
    token (int): What is chosen instead.
    partial (float): The log-probability of the choices in the same word, with this one.
    """

    bound: float
    line: "Line"
    n_tokens: int
    place: Place
    token: int
    partial: float


class Line:
    """A tagging in the making.

    sentence (Sentence): The sentence.

    tokens (list[int]): Its tokens up to the next choice; words are forced, tags are chosen.
    fed (int): How many of them the model has computed.
    tags (list[str]): The tags that are complete.
    log_probs (list[float]): Their log-probabilities, each normalized over the tags that
        were allowed.
    total (float): The log-probability of all choices so far.
    place (Place | None): The next choice; None when all words have tags.
    """

    def __init__(self, sentence: Sentence):
        self._sentence = sentence
        self._guesser = sentence.table.guesser
        # The tags of the tagging from which it was forked, and their log-probabilities there.
        self._hints: Sequence[str] = ()
        self._expected: Sequence[float] = ()
        self._kinds: dict[int, int] = {}
        self.tokens: list[int] = []
        self.fed = 0
        self.tags: list[str] = []
        self.log_probs: list[float] = []
        self.total = 0.0
        self._partial = 0.0
        self.place: Place | None = None
        self._follow(sentence.start())

    @classmethod
    def fork(cls, alternative: Alternative, fed: int) -> "Line":
        """Begin a tagging that takes an alternative.

        alternative (Alternative): The alternative.
        fed (int): How many of its tokens the model has computed already.
        RETURNS (Line): The tagging; it expects the later tags of the one it comes from.
        """
        parent, place = alternative.line, alternative.place
        line = cls.__new__(cls)
        line._sentence, line._guesser = parent._sentence, parent._guesser
        line._kinds = {}
        n_tags = len(parent.tags)
        line._hints = [*parent.tags, *parent._hints[n_tags:]]
        line._expected = [*parent.log_probs, *parent._expected[n_tags:]]
        line.tokens = parent.tokens[: alternative.n_tokens]
        line.fed = fed
        line.tags = parent.tags[: place.word]
        line.log_probs = parent.log_probs[: place.word]
        line.total = alternative.bound
        line._partial = alternative.partial
        line._follow(line._sentence.take(place, alternative.token))
        return line

    def draft(self, limit: int, bar: float = -math.inf) -> Draft:
        """Guess how it goes on.

        limit (int): About how many tokens at most.
        bar (float): The log-probability of the best tagging so far: this one is given up once
            it is lower. That will be about where it would be if each later tag had the
            log-probability that it had in the tagging from which this one was forked.
        RETURNS (Draft): The guess; its first choice is the next one.
        """
        draft = Draft()
        place, p, total = self.place, 1.0, self.total
        label = next((tag[2:] for tag in reversed(self.tags) if tag != "O"), None)
        while place is not None:
            token, chance, label = self._guess(place, label)
            p *= chance
            draft.choices.append((len(draft.tokens), place, token))
            if token is None or len(draft.tokens) >= limit or p < 0.02:
                draft.choices[-1] = (len(draft.tokens), place, None)
                break
            if not place.path and place.word < len(self._expected):
                above_bar = total > bar
                total += self._expected[place.word]
                if above_bar and total <= bar:
                    p *= _OUTLIVES
            step = self._sentence.take(place, token)
            draft.tokens += step.tokens
            draft.reach += [p] * len(step.tokens)
            place = step.place
        return draft

    def _guess(self, place: Place, label: str | None) -> tuple[int | None, float, str | None]:
        """RETURNS (tuple[int | None, float, str | None]): The token, the probability that
        it is right, and the label of the last entity then."""
        suffixes = self._sentence.words[place.word].trie.suffixes
        for tag, p_kind, p_tag in self._likely_tags(place, label):
            token = self._full_path(suffixes.get(tag, ()), place)
            if token is not None:
                return token, p_tag if place.path else p_kind, tag[2:] or label
        return None, 0.0, label

    def _likely_tags(self, place: Place, label: str | None) -> Iterator[tuple[str, float, float]]:
        """YIELDS (tuple[str, float, float]): As `TagGuesser.ranked`."""
        word = place.word
        if word < len(self._hints):
            hint, running = self._hints[word], place.previous[2:]
            if hint[:2] not in ("I-", "E-") or hint[2:] == running:
                yield hint, min(_STAYS, math.exp(self._expected[word])), 1.0
            elif running:
                yield hint[:2] + running, _GOES_ON, 1.0
        words, kind = self._sentence.request.words, self._kinds.get(word)
        yield from self._guesser.ranked(words[word], word, place.previous, label, kind)

    @staticmethod
    def _full_path(suffix: tuple[int, ...], place: Place) -> int | None:
        """RETURNS (int | None): The token that leads to a tag, if it is one of the choices."""
        depth = len(place.path)
        if len(suffix) <= depth or suffix[:depth] != place.path:
            return None
        return suffix[depth] if suffix[depth] in place.node.children else None

    def advance(
        self, draft: Draft, logits: Sequence[np.ndarray], columns: dict[int, int]
    ) -> list[Alternative]:
        """Make choices: at each place the likeliest token, as long as the draft is right.

        draft (Draft): What the model was given behind `tokens[fed:]`.
        logits (Sequence[np.ndarray]): For each choice that was reached the logits of the
            recorded tokens, shape (C,).
        columns (dict[int, int]): The place of each token among these.
        RETURNS (list[Alternative]): What was not chosen.
        """
        alternatives = []
        went_wrong = False
        for (_, place, guess), row in zip(draft.choices, logits, strict=False):
            if went_wrong:
                # The model's choice after a wrong beginning is still a hint.
                if not place.path:
                    likely = max(place.node.children, key=lambda t: row[columns[t]])
                    self._kinds[place.word] = kind_of(place.node.children[likely].first_tag())
                continue
            children = list(place.node.children)
            values = row[[columns[token] for token in children]].astype(np.float64)
            values -= values.max()
            values -= np.log(np.exp(values).sum())
            best = int(values.argmax())
            for i, token in enumerate(children):
                if i != best:
                    value = float(values[i])
                    alternatives.append(
                        Alternative(
                            self.total + value,
                            self,
                            len(self.tokens),
                            place,
                            token,
                            self._partial + value,
                        )
                    )
            self.total += float(values[best])
            self._partial += float(values[best])
            self._follow(self._sentence.take(place, children[best]))
            went_wrong = children[best] != guess
        return alternatives

    def _follow(self, step: Step) -> None:
        words = self._sentence.request.words
        for tag in step.tags:
            index = len(self.tags)
            previous = self.tags[-1] if self.tags else ""
            self._guesser.learn(words[index], index, previous, tag)
            self.tags.append(tag)
            self.log_probs.append(self._partial)
            self._partial = 0.0
        self.tokens += step.tokens
        self.place = step.place
