"""Random sentences with entities that do not overlap, as `doc.ents` demands."""

from hypothesis import strategies as st

from spacy_gner.evaluation.records import Mention, ScoredSentence

LABELS = ("person", "city", "film award")


@st.composite
def mentions(draw, n_words):
    found, position = [], 0
    while position < n_words:
        start = draw(st.integers(position, n_words))
        if start == n_words:
            break
        end = draw(st.integers(start + 1, min(n_words, start + 3)))
        found.append(Mention(start, end, draw(st.sampled_from(LABELS))))
        position = end
    return tuple(found)


@st.composite
def sentences(draw):
    words = draw(st.lists(st.sampled_from(["the", "The", "u.s.", "A", "x", "y-z"]), max_size=9))
    gold = draw(mentions(len(words)))
    predicted = draw(mentions(len(words)))
    if draw(st.booleans()):  # random pairs seldom agree: mix some of the gold in
        predicted = gold[: draw(st.integers(0, len(gold)))]
    scores = tuple(draw(st.floats(0, 1)) for _ in predicted)
    return ScoredSentence(tuple(words), LABELS, gold, predicted, scores)
