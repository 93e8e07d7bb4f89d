"""Guesses the tag of a word before the model has looked at it.

A wrong guess costs time and nothing else. A guess depends on two things: whether the word before
is part of an entity, and the shape of the word. The initial counts come from public data sets of
named entities (per 100 words). The tags that the model writes are added to them, so that after some
sentences the counts are the model's own.
"""

from collections.abc import Sequence

from ..formats import TaggedWords

# (inside an entity, shape of the word) -> outside, start of an entity, continuation.
_PRIOR = {
    (False, "lower"): (96.0, 4.0, 0.0),
    (False, "upper"): (56.0, 44.0, 0.0),
    (False, "first"): (84.0, 16.0, 0.0),
    (False, "digit"): (80.0, 20.0, 0.0),
    (False, "punct"): (99.0, 1.0, 0.0),
    (True, "lower"): (49.0, 2.0, 49.0),
    (True, "upper"): (5.0, 4.0, 91.0),
    (True, "first"): (5.0, 4.0, 91.0),
    (True, "digit"): (7.0, 13.0, 80.0),
    (True, "punct"): (69.0, 1.0, 30.0),
}
OUTSIDE, START, CONTINUE = range(3)
_PRIOR_WEIGHT = 0.2
# Counts are halved at this number, so that they follow what is read.
_MEMORY = 1000.0
_MAX_WORDS = 20_000
# What each choice counts from the start, and when counts are halved.
_PRIOR_CHOICE, _MAX_CHOICES = 0.3, 20.0
# How sure it is that a word has the tag, and the label, that it had the last time.
_KNOWN_WORD, _KNOWN_LABEL = 0.7, 0.85
# What a hint says about a word: by whether it is now known to follow a word of an entity.
_HINTED = {
    (False, OUTSIDE): (0.97, 0.03, 0.0),
    (False, START): (0.1, 0.9, 0.0),
    (False, CONTINUE): (0.4, 0.6, 0.0),
    (True, OUTSIDE): (0.75, 0.02, 0.23),
    (True, START): (0.1, 0.1, 0.8),
    (True, CONTINUE): (0.05, 0.05, 0.9),
}
# How often an entity has the label of the one before it.
_SAME_LABEL = 0.45
# How often an entity of at least two words that goes on ends with this word (BIOES).
_ENDS = 0.6


class TagGuesser:
    """Guesses tags, and learns from those that the model wrote. One may serve several threads:
    what gets lost between them makes guesses a little worse, and nothing else.

    format (TaggedWords): Which tags there are.
    """

    def __init__(self, format: TaggedWords):
        self._format = format
        self._counts = {
            key: [count * _PRIOR_WEIGHT for count in counts] for key, counts in _PRIOR.items()
        }
        # The last tag of words that are names, perhaps.
        self._tags: dict[str, str] = {}
        # How often each token was chosen, by the tokens of the tag before it.
        self._choices: dict[tuple[int, ...], dict[int, float]] = {}

    def ranked(
        self, word: str, index: int, previous: str, label: str | None, hint: int | None = None
    ) -> list[tuple[str, float, float]]:
        """Likely tags of a word, the likeliest first.

        word (str): The word.
        index (int): Its place in the sentence.
        previous (str): The tag before it, "" at the start.
        label (str | None): The label of the last entity before it, if there was one.
        hint (int | None): What the model would have written in its place when it was
            given a draft that went wrong before: `OUTSIDE`, `START` or `CONTINUE`.
        RETURNS (list[tuple[str, float, float]]): Tags; the probability that it is outside,
            a start or a continuation like the tag; and that it is then this tag.
            Of "start" there is only the tag with the given label, or the label that the
            word had before.
        """
        context = _context(previous)
        chances = self._counts[context, _shape(word, index)]
        if hint is not None:
            chances = _mix(chances, _HINTED[context, hint], 0.8)
        known = self._tags.get(word)
        same_label = _SAME_LABEL
        if known is not None:
            kind = kind_of(known)
            if kind == CONTINUE and not context:
                kind = START
            chances = _mix(chances, [float(kind == i) for i in range(3)], _KNOWN_WORD)
            if kind == START:
                label, same_label = known[2:], _KNOWN_LABEL
        total = sum(chances)
        options = [("O", chances[OUTSIDE] / total, 1.0)]
        prefixes = self._format.prefixes
        if previous[2:]:
            p = chances[CONTINUE] / total
            options.append((f"I-{previous[2:]}", p, 1.0 - _ENDS if "E" in prefixes else 1.0))
            if "E" in prefixes:
                options.append((f"E-{previous[2:]}", p, _ENDS))
        if label is not None:
            p = chances[START] / total
            options.append((f"B-{label}", p, same_label))
            if "S" in prefixes:
                options.append((f"S-{label}", p, same_label))
        return sorted(options, key=lambda option: -option[1] * option[2])

    def choices(self, path: tuple[int, ...], tokens: Sequence[int]) -> list[float]:
        """RETURNS (list[float]): Probabilities of the next tokens of a tag.

        path (tuple[int, ...]): Its tokens before them.
        tokens (Sequence[int]): Those that are allowed."""
        counts = self._choices.get(path, {})
        values = [counts.get(token, 0.0) + _PRIOR_CHOICE for token in tokens]
        return [value / sum(values) for value in values]

    def learn_choice(self, path: tuple[int, ...], token: int) -> None:
        """Take note of a choice. See `choices`."""
        counts = self._choices.setdefault(path, {})
        counts[token] = 1.0 + counts.get(token, 0.0)
        # What was chosen long ago counts less.
        if counts[token] > _MAX_CHOICES:
            for other in list(counts):
                counts[other] /= 2

    def learn(self, word: str, index: int, previous: str, tag: str) -> None:
        """Take note of a tag that the model wrote. See `ranked`."""
        counts = self._counts[_context(previous), _shape(word, index)]
        counts[kind_of(tag)] += 1.0
        if sum(counts) > _MEMORY:
            counts[:] = [count / 2 for count in counts]
        if not word.islower() and any(map(str.isalnum, word)):
            if len(self._tags) >= _MAX_WORDS:
                self._tags = {}
            self._tags[word] = tag


def kind_of(tag: str) -> int:
    """RETURNS (int): `OUTSIDE`, `START` or `CONTINUE`."""
    return OUTSIDE if tag == "O" else START if tag[0] in "BS" else CONTINUE


def _mix(chances: Sequence[float], other: Sequence[float], share: float) -> list[float]:
    total = sum(chances)
    return [(1 - share) * c / total + share * o for c, o in zip(chances, other, strict=True)]


def _context(previous: str) -> bool:
    return previous not in ("", "O")


def _shape(word: str, index: int) -> str:
    if not any(map(str.isalnum, word)):
        return "punct"
    if word[0].isdigit():
        return "digit"
    if word.islower():
        return "lower"
    return "upper" if index else "first"
