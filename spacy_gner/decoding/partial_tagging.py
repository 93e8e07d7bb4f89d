"""A tagging of the words of one sentence, as far as it has been decided."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from .common import choice_log_probs
from .guess import START, kind_of
from .likely_tags import likely_tags
from .sentence import ChoicePoint, Reading, Sentence, Transition

# The probability that a fork keeps a tag of its parent, at most, and that an entity that got
# another label is as long as its parent's.
_KEEPS_TAG = 0.97
_KEEPS_LENGTH = 0.9
# The probability that a fork is still wanted where it is expected to be worse than the best one.
_OUTLIVES = 0.2
# A fork that has other tags than its parent is judged after so many times the words after which one
# is judged that has the same again.
_PATIENCE = 4
# The probability that a fork goes on where it can be compared with its parent.
_SURVIVES = 0.5
# A draft ends where it is less likely than this.
_LEAST_REACH = 0.002
# What the model said about a choice after other tags, it says again with this probability.
_READ_AGAIN = 0.99
# From this probability of an entity on, its label is read beside the draft.
_WORTH_A_BRANCH = 0.03


@dataclass
class Draft:
    """A guess at how a tagging goes on.

    tokens (list[int]): The tokens.
    reach (list[float]): The probability that all choices up to each token are right.
    choices (list[tuple[int, ChoicePoint, int | None]]): The choices on the way: how many of the
        tokens stand before it, where it is, and the token that was guessed (None
        where the draft ends).
    branches (list[tuple[int, list[int], ChoicePoint]]): Tags that the draft does not take, for
        reading their labels: how many of the tokens stand before it, its own tokens, and the
        choice behind them.
    """

    tokens: list[int] = field(default_factory=list)
    reach: list[float] = field(default_factory=list)
    choices: list[tuple[int, ChoicePoint, int | None]] = field(default_factory=list)
    branches: list[tuple[int, list[int], ChoicePoint]] = field(default_factory=list)


@dataclass(frozen=True)
class Alternative:
    """A choice that a tagging did not make.

    bound (float): The log-probability of the tagging up to and with this choice: an upper
        bound for all taggings that begin so.
    parent (PartialTagging): The tagging that it branches off from.
    n_tokens (int): How many of its tokens stand before the choice.
    point (ChoicePoint): Where the choice is.
    token (int): What is chosen instead.
    partial (float): The log-probability of the choices in the same word, with this one.
    """

    bound: float
    parent: "PartialTagging"
    n_tokens: int
    point: ChoicePoint
    token: int
    partial: float

    def estimate(self, n_free: int) -> float:
        """Estimate the log-probability of the best tagging that begins so.

        n_free (int): Words behind the choice that are assumed to cost nothing.
        RETURNS (float): The bound, with the later tags of the parent at their cost there.
        """
        return self.bound + math.fsum(self.parent.expected[self.point.word + 1 + n_free :])


class PartialTagging:
    """A tagging that is being decided, word after word.

    sentence (Sentence): The sentence.

    tokens (list[int]): Its tokens up to the next choice; words are forced, tags are chosen.
    fed (int): How many of them the model has computed.
    tags (list[str]): The tags that are complete.
    log_probs (list[float]): Their log-probabilities, each normalized over the tags that
        were allowed.
    total (float): The log-probability of all choices so far.
    point (ChoicePoint | None): The next choice; None when all words have tags.
    judged (float | None): What it was expected to become when its tags were first those of the
        tagging that it was forked from again, or had been others for long.
    judged_at (int): How many tags it had then.
    """

    def __init__(self, sentence: Sentence):
        self.sentence = sentence
        self._guesser = sentence.table.guesser
        # The tags of the tagging from which it was forked, and their log-probabilities there.
        self._hints: Sequence[str] = ()
        self._expected: Sequence[float] = ()
        self._forked_at = -1
        self.tokens: list[int] = []
        self.fed = 0
        self.tags: list[str] = []
        self.log_probs: list[float] = []
        self.total = 0.0
        self._partial = 0.0
        self.point: ChoicePoint | None = None
        self._n_trusted: int | None = None
        self.judged: float | None = None
        self.judged_at = 0
        self._follow(sentence.start())

    @classmethod
    def fork(cls, alternative: Alternative) -> "PartialTagging":
        """Begin a tagging that takes an alternative.

        alternative (Alternative): The alternative.
        RETURNS (PartialTagging): The tagging; it expects the later tags of its parent.
        """
        parent, point = alternative.parent, alternative.point
        fork = cls.__new__(cls)
        fork.sentence, fork._guesser = parent.sentence, parent._guesser
        fork._hints, fork._expected = parent._known_tags, parent.expected
        fork._forked_at = point.word
        fork.tokens = parent.tokens[: alternative.n_tokens]
        fork.fed = 0
        fork.tags = parent.tags[: point.word]
        fork.log_probs = parent.log_probs[: point.word]
        fork.total = alternative.bound
        fork._partial = alternative.partial
        fork._n_trusted, fork.judged, fork.judged_at = None, None, 0
        fork._follow(fork.sentence.take(point, alternative.token))
        return fork

    @property
    def expected(self) -> list[float]:
        """RETURNS (list[float]): The log-probabilities of its tags, and those of its parent's
        tags where it has none, or where they are not trusted (see `retire`)."""
        known = self.log_probs[: self._n_trusted]
        return [*known, *self._expected[len(known) :]]

    @property
    def _known_tags(self) -> list[str]:
        # The tags that belong to `expected`.
        known = self.tags[: self._n_trusted]
        return [*known, *self._hints[len(known) :]]

    def _can_be_judged(self, n_words: int) -> bool:
        """RETURNS (bool): Whether its last tags are those of the tagging that it was forked from,
        or it has been another one for long.

        n_words (int): How many tags that must be, all of them behind the fork."""
        n_tags = len(self.tags)
        start = n_tags - n_words
        if start <= self._forked_at or self._forked_at < 0:
            return False
        has_rejoined = list(self._hints[start:n_tags]) == self.tags[start:]
        return has_rejoined or n_tags > self._forked_at + _PATIENCE * n_words

    def retire(self, least: float, is_given_up: bool) -> int:
        """End a fork that is not the best tagging. How far it was computed beyond the word where
        that was known depends on what else was computed, so nothing of that is used any more.

        least (float): The log-probability of the best tagging.
        is_given_up (bool): Whether it was given up where it was judged.
        RETURNS (int): How many words it had to tag.
        """
        n_tags = self._forked_at
        total = math.fsum(self.log_probs[:n_tags])
        for value in self.log_probs[n_tags:]:
            total += value
            n_tags += 1
            if total <= least or (is_given_up and n_tags == self.judged_at):
                break
        else:
            n_tags += 1
        self._n_trusted = n_tags - 1
        return n_tags - self._forked_at

    @property
    def n_forked(self) -> int:
        """RETURNS (int): How many words have tags of its own."""
        return len(self.tags) - self._forked_at

    def _estimate(self) -> float:
        """RETURNS (float): Its log-probability if its later tags cost what they cost in the
        tagging that it was forked from."""
        return self.total - self._partial + math.fsum(self._expected[len(self.tags) :])

    @property
    def expected_surprises(self) -> float:
        """RETURNS (float): How many of the words without a tag the model expects to get another
        one than it likes best so far, by what was read about each."""
        total = 0.0
        for number in range(len(self.tags), len(self.sentence.words)):
            reading = self.sentence.readings.get((number, ()))
            if reading is not None:
                children = self.sentence.words[number].trie.root.children
                logits = reading.logits[[self.sentence.columns[token] for token in children]]
                total += 1.0 - math.exp(float(choice_log_probs(logits).max()))
        return total

    def draft(
        self,
        limit: int,
        cutoff: float = -math.inf,
        rejoin: int | None = None,
        with_branches: bool = False,
        read_ahead: bool = False,
        outside: bool = False,
    ) -> Draft:
        """Guess how it goes on.

        limit (int): About how many tokens at most.
        cutoff (float): The log-probability of the best tagging so far: this one is given up once
            it is lower. That will be about where it would be if each later tag had the
            log-probability that it had in the tagging from which this one was forked.
        rejoin (int | None): It may be given up where this many tags are the parent's again.
        with_branches (bool): Add branches for labels that were not read.
        read_ahead (bool): Draft all words, however unsure they are.
        outside (bool): Draft O for every word, whatever other sentences taught.
        RETURNS (Draft): The guess; its first choice is the next one.
        """
        draft = Draft()
        point, p, total = self.point, 1.0, self.total
        plan: list[str] = []
        if point is not None and not read_ahead and self._forked_at < 0:
            first = point.word
            plan = [tag for tag, _ in likely_tags(self.sentence, point, for_draft=True)]
        elif point is not None and outside:
            first, plan = point.word, ["O"] * len(self.sentence.words)
        label = next((tag[2:] for tag in reversed(self.tags) if tag != "O"), None)
        n_same = 0
        while point is not None:
            planned = plan[point.word - first] if plan and point.word - first < len(plan) else None
            token, chance, label = self._guess(point, label, planned)
            if with_branches and not point.path and token is not None and self._forked_at < 0:
                self._branch_off(draft, point, token, chance)
            p *= chance
            draft.choices.append((len(draft.tokens), point, token))
            is_unlikely = p < _LEAST_REACH and not read_ahead
            if token is None or len(draft.tokens) >= limit or is_unlikely:
                draft.choices[-1] = (len(draft.tokens), point, None)
                break
            if not point.path and point.word < len(self._expected):
                above = total > cutoff
                total += self._expected[point.word]
                if above and total <= cutoff:
                    p *= _OUTLIVES
            step = self.sentence.take(point, token)
            for number, tag in enumerate(step.tags, start=point.word):
                same = number < len(self._hints) and self._hints[number] == tag
                n_same = n_same + 1 if same and number > self._forked_at else 0
                if n_same == rejoin and self.judged is None:
                    p *= _SURVIVES
            draft.tokens += step.tokens
            draft.reach += [p] * len(step.tokens)
            point = step.point
        return draft

    def _branch_off(self, draft: Draft, point: ChoicePoint, token: int, chance: float) -> None:
        """Add the beginning of an entity's tag where the draft goes on without one."""
        if 1.0 - chance < _WORTH_A_BRANCH or kind_of(point.node.children[token].first_tag()) == (
            START
        ):
            return
        for other, node in point.node.children.items():
            if other != token and kind_of(node.first_tag()) == START:
                tokens = [other, *node.only_path()]
                for follower in tokens[1:]:
                    node = node.children[follower]
                path = (*point.path, *tokens)
                if node.tag is None and (point.word, path) not in self.sentence.readings:
                    choice = ChoicePoint(point.word, node, path, point.previous)
                    draft.branches.append((len(draft.tokens), tokens, choice))
                return

    def _guess(
        self, point: ChoicePoint, label: str | None, planned: str | None = None
    ) -> tuple[int | None, float, str | None]:
        """RETURNS (tuple[int | None, float, str | None]): The token, the probability that
        it is right, and the label of the last entity then."""
        suffixes = self.sentence.words[point.word].trie.suffixes
        for tag, p_kind, p_tag in self._hinted_tags(point):
            token = self._token_towards(suffixes.get(tag, ()), point)
            if token is not None:
                return token, p_tag if point.path else p_kind, tag[2:] or label
        reading = self.sentence.readings.get((point.word, point.path))
        if planned is not None:
            token = self._token_towards(suffixes.get(planned, ()), point)
            if token is not None:
                index = list(point.node.children).index(token)
                if reading is not None:
                    values = self.sentence.log_probs(point, reading.logits)
                    chance = _READ_AGAIN * math.exp(values[index])
                else:
                    chance = self._guesser.choices(point.path, list(point.node.children))[index]
                return token, chance, planned[2:] or label
        in_entity = point.previous not in ("", "O")
        kind = None
        if reading is not None:
            if point.path or reading.in_entity == in_entity:
                values = self.sentence.log_probs(point, reading.logits)
                best = int(values.argmax())
                token = list(point.node.children)[best]
                tag = point.node.children[token].first_tag()
                is_label = bool(point.path) or kind_of(tag) != START
                return (
                    token,
                    _READ_AGAIN * math.exp(values[best]),
                    ((tag[2:] or label) if is_label else label),
                )
            kind = self._kind_of_reading(point.word, reading)
        words = self.sentence.request.words
        for tag, p_kind, p_tag in self._guesser.ranked(
            words[point.word], point.word, point.previous, label, kind
        ):
            token = self._token_towards(suffixes.get(tag, ()), point)
            if token is not None:
                return token, p_tag if point.path else p_kind, tag[2:] or label
        return None, 0.0, label

    def _kind_of_reading(self, word: int, reading: Reading) -> int:
        """RETURNS (int): Outside, start or continuation, whichever the model liked best."""
        children = self.sentence.words[word].trie.root.children
        columns = self.sentence.columns
        best = max(children, key=lambda token: reading.logits[columns[token]])
        return kind_of(children[best].first_tag())

    def _hinted_tags(self, point: ChoicePoint) -> Iterator[tuple[str, float, float]]:
        """YIELDS (tuple[str, float, float]): As `TagGuesser.ranked`, from the parent's tags."""
        word = point.word
        if word < len(self._hints):
            hint, running = self._hints[word], point.previous[2:]
            if hint[:2] not in ("I-", "E-") or hint[2:] == running:
                yield hint, min(_KEEPS_TAG, math.exp(self._expected[word])), 1.0
            elif running:
                yield hint[:2] + running, _KEEPS_LENGTH, 1.0

    @staticmethod
    def _token_towards(suffix: tuple[int, ...], point: ChoicePoint) -> int | None:
        """RETURNS (int | None): The token that leads to a tag, if it is one of the choices."""
        depth = len(point.path)
        if len(suffix) <= depth or suffix[:depth] != point.path:
            return None
        return suffix[depth] if suffix[depth] in point.node.children else None

    def advance(
        self, draft: Draft, logits: Sequence[np.ndarray], rejoin: int | None = None
    ) -> tuple[list[Alternative], list[Alternative]]:
        """Make choices: at each point the likeliest token, as long as the draft is right.

        draft (Draft): What the model was given behind `tokens[fed:]`.
        logits (Sequence[np.ndarray]): For each choice that was reached the logits of the
            recorded tokens, shape (C,).
        rejoin (int | None): It is `judged` when this many tags are its parent's again.
        RETURNS (tuple[list[Alternative], list[Alternative]]): What was not chosen: until it was
            judged, and from then on.
        """
        alternatives: list[Alternative] = []
        n_before = 0 if self.judged is not None else None
        went_wrong = False
        for (_, point, guess), row in zip(draft.choices, logits, strict=False):
            if went_wrong:
                # What the model says after a wrong tag is a hint for the next draft.
                self.sentence.read(point, row)
                continue
            children = list(point.node.children)
            values = self.sentence.log_probs(point, row)
            best = int(values.argmax())
            for i, token in enumerate(children):
                if i != best:
                    value = float(values[i])
                    bound, partial = self.total + value, self._partial + value
                    n_tokens = len(self.tokens)
                    alternatives.append(Alternative(bound, self, n_tokens, point, token, partial))
            self.total += float(values[best])
            self._partial += float(values[best])
            if point.path:
                self._guesser.learn_choice(point.path, children[best])
            self._follow(self.sentence.take(point, children[best]))
            went_wrong = children[best] != guess
            if rejoin is not None and self.judged is None and self._can_be_judged(rejoin):
                self.judged, self.judged_at = self._estimate(), len(self.tags)
                n_before = len(alternatives)
        return alternatives[:n_before], [] if n_before is None else alternatives[n_before:]

    def _follow(self, step: Transition) -> None:
        words = self.sentence.request.words
        for tag in step.tags:
            index = len(self.tags)
            previous = self.tags[-1] if self.tags else ""
            self._guesser.learn(words[index], index, previous, tag)
            self.tags.append(tag)
            self.log_probs.append(self._partial)
            self._partial = 0.0
        self.tokens += step.tokens
        self.point = step.point
