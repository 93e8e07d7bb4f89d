from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_gner.formats.overlaps import keep_best


class Scored(NamedTuple):
    start: int
    end: int
    score: float


SPANS = st.lists(
    st.builds(
        lambda start, length, score: Scored(start, start + length, score),
        st.integers(0, 12),
        st.integers(1, 5),
        st.integers(0, 3),
    ),
    max_size=12,
)


def test_keep_best_takes_the_best_first():
    spans = [Scored(0, 3, 0.5), Scored(2, 4, 0.9), Scored(4, 6, 0.1), Scored(5, 9, 0.2)]
    assert keep_best(spans, lambda s: -s.score) == [spans[1], spans[3]]
    assert keep_best(spans, lambda s: s.start) == [spans[0], spans[2]]
    assert keep_best([], lambda s: s.start) == []


@settings(max_examples=200)
@given(SPANS)
def test_keep_best_is_the_plain_rule(spans):
    """Word by word: what the binary search has to find."""
    taken, expected = set(), []
    for span in sorted(spans, key=lambda s: -s.score):
        places = set(range(span.start, span.end))
        if not places & taken:
            taken |= places
            expected.append(span)
    assert keep_best(spans, lambda s: -s.score) == sorted(expected, key=lambda s: s.start)
