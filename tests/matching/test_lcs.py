import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_gner.matching.lcs import join_over_gaps, lcs_blocks

from .oracle import check_alignment

few = st.lists(st.sampled_from("abcd"), max_size=14)


def alignment_of(blocks, n):
    alignment = [None] * n
    for i, j, size in blocks:
        assert size > 0
        alignment[i : i + size] = range(j, j + size)
    assert len(alignment) == n
    return alignment


@settings(max_examples=200)
@given(a=few, b=few)
def test_lcs_blocks_are_a_longest_matching(a, b):
    alignment = alignment_of(lcs_blocks(a, b), len(a))
    check_alignment(a, b, alignment, lambda x, y: x == y)


@settings(max_examples=200)
@given(a=few, b=few)
def test_join_over_gaps_keeps_a_longest_matching(a, b):
    blocks = lcs_blocks(a, b)
    joined = join_over_gaps(blocks, lambda i, j: a[i] == b[j])
    alignment = alignment_of(joined, len(a))
    check_alignment(a, b, alignment, lambda x, y: x == y)
    assert n_in_a_row(alignment) >= n_in_a_row(alignment_of(blocks, len(a)))


def n_in_a_row(alignment):
    return sum(x is not None and y == x + 1 for x, y in itertools.pairwise(alignment))


@pytest.mark.parametrize(
    "a,b,expected",
    [
        # Table 9, case 1: "the" stays with what follows it.
        (
            "who directed the film the lorax",
            "who directed the lorax",
            [0, 1, None, None, 2, 3],
        ),
        # A whole run moves, not just its last word.
        ("a b film a b c", "a b c", [None, None, None, 0, 1, 2]),
        # It may move on to places that it stood on itself (case 6).
        ("x norz norz norz rock", "norz norz rock", [None, None, 0, 1, 2]),
        # Nothing to be gained.
        ("a b c d", "a d", [0, None, None, 1]),
    ],
)
def test_join_over_gaps_keeps_what_was_written_in_a_row(a, b, expected):
    a, b = a.split(), b.split()
    joined = join_over_gaps(lcs_blocks(a, b), lambda i, j: a[i] == b[j])
    assert alignment_of(joined, len(a)) == expected
