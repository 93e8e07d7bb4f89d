"""The plain O(N²) table, to compare with."""

import itertools
from collections.abc import Callable, Sequence


def lcs_length(a: Sequence[str], b: Sequence[str], equal: Callable[[str, str], bool]) -> int:
    table = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            if equal(x, y):
                table[i + 1][j + 1] = table[i][j] + 1
            else:
                table[i + 1][j + 1] = max(table[i][j + 1], table[i + 1][j])
    return table[-1][-1]


def check_alignment(
    a: Sequence[str],
    b: Sequence[str],
    alignment: Sequence[int | None],
    equal: Callable[[str, str], bool],
) -> None:
    """The law of every matcher: strictly increasing, only equal words, as many as possible."""
    check_valid(a, b, alignment, equal)
    assert n_matched(alignment) == lcs_length(a, b, equal)


def n_matched(alignment: Sequence[int | None]) -> int:
    return sum(j is not None for j in alignment)


def check_valid(
    a: Sequence[str],
    b: Sequence[str],
    alignment: Sequence[int | None],
    equal: Callable[[str, str], bool],
) -> None:
    """Strictly increasing, only equal words."""
    assert len(alignment) == len(a)
    matched = [(i, j) for i, j in enumerate(alignment) if j is not None]
    assert all(0 <= j < len(b) and equal(a[i], b[j]) for i, j in matched)
    assert all(j < k for (_, j), (_, k) in itertools.pairwise(matched))
