"""How much faster the matcher is than the classic LCS, by length (Table 5)."""

from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any

from .records import ScoredSentence
from .repair import DEFAULT_READING, VARIANTS, Reading

# The ranges of Table 5, in words: from the first up to, but not including, the second.
RANGES = ((0, 60), (60, 100), (100, 200))


def measure_matching(
    sentences: Sequence[ScoredSentence],
    reading: Reading = DEFAULT_READING,
    max_per_range: int = 100,
) -> list[dict[str, Any]]:
    """Time the matching of raw outputs, once by the package's matcher and once by the
    classic dynamic programme, O(N^2), both in this process.

    sentences (Sequence[ScoredSentence]): The sentences; those without one raw output are
        left out.
    reading (Reading): How to read the outputs.
    max_per_range (int): How many outputs to match per range.
    RETURNS (list[dict]): One per range that has outputs: `words` (such as "60-100"), `n`,
        `speedup` (time of the classic LCS over time of the matcher).
    """
    pairs: dict[tuple[int, int], list[tuple[list[str], list[str]]]] = {}
    for sentence in sentences:
        if len(sentence.outputs) != 1:
            continue
        output = sentence.outputs[0]
        for limits in RANGES:
            chosen = pairs.setdefault(limits, [])
            if limits[0] <= len(output.words) < limits[1] and len(chosen) < max_per_range:
                predicted = [
                    word.word for word in reading.format.parse(output.text, sentence.labels)
                ]
                chosen.append((list(output.words), predicted))
    return [
        {
            "words": f"{low}-{high}",
            "n": len(chosen),
            "speedup": _seconds(classic_lcs, chosen) / _seconds(VARIANTS["full"], chosen),
        }
        for (low, high), chosen in pairs.items()
        if chosen
    ]


def classic_lcs(words: Sequence[str], predicted: Sequence[str]) -> list[int | None]:
    """Align by the textbook dynamic programme: the reference of the paper's Table 5.

    words (Sequence[str]): The words of the source, length N.
    predicted (Sequence[str]): The words of the output, length M.
    RETURNS (list[int | None]): Per word of the source, its predicted word. Length N.
    """
    a, b = [word.casefold() for word in words], [word.casefold() for word in predicted]
    # lengths[i][j]: of the LCS of a[i:] and b[j:]
    lengths = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i in range(len(a) - 1, -1, -1):
        row, below = lengths[i], lengths[i + 1]
        for j in range(len(b) - 1, -1, -1):
            row[j] = below[j + 1] + 1 if a[i] == b[j] else max(below[j], row[j + 1])
    alignment: list[int | None] = [None] * len(a)
    i = j = 0
    while i < len(a) and j < len(b):
        if a[i] == b[j]:
            alignment[i] = j
            i, j = i + 1, j + 1
        elif lengths[i + 1][j] >= lengths[i][j + 1]:
            i += 1
        else:
            j += 1
    return alignment


def _seconds(
    match: Callable[[Sequence[str], Sequence[str]], object],
    pairs: Sequence[tuple[list[str], list[str]]],
) -> float:
    start = perf_counter()
    for words, predicted in pairs:
        match(words, predicted)
    return max(perf_counter() - start, 1e-9)
