"""Guesses the tag of a word before the model has looked at it.

A wrong guess costs time and nothing else. What is guessed from: whether the word before is
part of an entity, and the shape of the word. The numbers at the start are counts from
public data sets of named entities (per 100 words); what the model really writes is added
to them, so that after some sentences they are its own.
"""

from ..schema import Scheme

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
_OUTSIDE, _START, _CONTINUE = range(3)
_PRIOR_WEIGHT = 0.2
# How often an entity has the label of the one before it.
_SAME_LABEL = 0.45
# How often an entity of at least two words that goes on ends with this word (BIOES).
_ENDS = 0.6


class TagGuesser:
    """Guesses tags, and learns from those that the model wrote. Made anew for each call of a
    decoder.

    scheme (Scheme): The scheme of the tags.
    """

    def __init__(self, scheme: Scheme):
        self._scheme = scheme
        self._counts = {
            key: [count * _PRIOR_WEIGHT for count in counts] for key, counts in _PRIOR.items()
        }

    def ranked(
        self, word: str, index: int, previous: str, label: str | None
    ) -> list[tuple[str, float, float]]:
        """Likely tags of a word, the likeliest first.

        word (str): The word.
        index (int): Its place in the sentence.
        previous (str): The tag before it, "" at the start.
        label (str | None): The label of the last entity before it, if there was one.
        RETURNS (list[tuple[str, float, float]]): Tags; the probability that it is outside,
            a start or a continuation like the tag; and that it is then this tag.
            Of "start" there is only the tag with the given label.
        """
        counts = self._counts[_context(previous), _shape(word, index)]
        total = sum(counts)
        options = [("O", counts[_OUTSIDE] / total, 1.0)]
        prefixes = self._scheme.prefixes
        if previous[2:]:
            p = counts[_CONTINUE] / total
            options.append((f"I-{previous[2:]}", p, 1.0 - _ENDS if "E" in prefixes else 1.0))
            if "E" in prefixes:
                options.append((f"E-{previous[2:]}", p, _ENDS))
        if label is not None:
            p = counts[_START] / total
            options.append((f"B-{label}", p, _SAME_LABEL))
            if "S" in prefixes:
                options.append((f"S-{label}", p, _SAME_LABEL))
        return sorted(options, key=lambda option: -option[1] * option[2])

    def learn(self, word: str, index: int, previous: str, tag: str) -> None:
        """Take note of a tag that the model wrote. See `ranked`."""
        kind = _OUTSIDE if tag == "O" else _START if tag[0] in "BS" else _CONTINUE
        self._counts[_context(previous), _shape(word, index)][kind] += 1.0


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
