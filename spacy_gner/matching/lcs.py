"""Longest common subsequences, bit-parallel (Hyyrö 2004).

They are given as blocks: runs of words that are matched one by one.
"""

from collections.abc import Callable, Sequence

from rapidfuzz.distance import LCSseq

# (i, j, size): `size` words from position i of the source are matched with those from
# position j of the prediction.
Block = tuple[int, int, int]


def lcs_blocks(a: Sequence[str], b: Sequence[str]) -> list[Block]:
    """A longest common subsequence of two sequences of keys.

    rapidfuzz compares the hashes of the elements: 64 bits, salted per process. Takes
    time O(len(a) * len(b) / 64).

    a (Sequence[str]): The keys of the source.
    b (Sequence[str]): The keys of the prediction.
    RETURNS (list[Block]): In order, none of size 0.
    """
    blocks = LCSseq.editops(a, b).as_matching_blocks()
    return [(block.a, block.b, block.size) for block in blocks[:-1]]  # the last marks the end


def unmatched(
    blocks: Sequence[Block], words: Sequence[str], predicted: Sequence[str]
) -> tuple[list[str], list[str]]:
    """RETURNS (tuple[list[str], list[str]]): The words and predicted words in no block."""
    left: list[str] = []
    left_predicted: list[str] = []
    last_i = last_j = 0
    for i, j, size in blocks:
        left += words[last_i:i]
        left_predicted += predicted[last_j:j]
        last_i, last_j = i + size, j + size
    left += words[last_i:]
    left_predicted += predicted[last_j:]
    return left, left_predicted


def join_over_gaps(blocks: Sequence[Block], matches: Callable[[int, int], bool]) -> list[Block]:
    """Choose among equally long matchings where words were left out.

    In "directed the film the lorax", of which the model wrote "directed the lorax", either
    "the" may be matched. What the model wrote in a row is kept in a row where
    possible, and a word that could stay with either neighbor goes to the next one, as
    articles and prepositions do (paper, Table 9, cases 1 and 7).

    blocks (Sequence[Block]): A matching, in order.
    matches (Callable[[int, int], bool]): Whether word i of the source and word j of the
        prediction may be matched.
    RETURNS (list[Block]): A matching of as many words, in order.
    """
    joined: list[Block] = []
    next_i = next_j = -1
    for i, j, size in reversed(blocks):
        moved = 0
        if j + size == next_j and i + size < next_i:
            while moved < size and matches(next_i - 1 - moved, next_j - 1 - moved):
                moved += 1
        if moved:
            next_i, next_j = next_i - moved, next_j - moved
            joined.append((next_i, next_j, moved))
        if moved < size:
            next_i, next_j = i, j
            joined.append((i, j, size - moved))
    joined.reverse()
    return joined
