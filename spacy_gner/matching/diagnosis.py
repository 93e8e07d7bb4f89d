"""How an output departs from the words that it should copy (paper, appendix C, Table 9)."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass
class Discrepancies:
    """Counts of words.

    omissions (int): Words of the source that the output lacks.
    additions (int): Words of the output that the source lacks.
    substitutions (int): Words of the source with another one in their place.
    """

    omissions: int = 0
    additions: int = 0
    substitutions: int = 0

    @property
    def total(self) -> int:
        """RETURNS (int): All words that depart."""
        return self.omissions + self.additions + self.substitutions

    def __add__(self, other: "Discrepancies") -> "Discrepancies":
        return Discrepancies(
            self.omissions + other.omissions,
            self.additions + other.additions,
            self.substitutions + other.substitutions,
        )


def diagnose(
    words: Sequence[str], predicted: Sequence[str], alignment: Sequence[int | None]
) -> Discrepancies:
    """Count what was left out, added and replaced.

    Between two matches that follow each other there may be words without partner on both
    sides. They replace each other as far as they go; the rest was omitted or added. So
    "p e t" for "pet" is one substitution and two additions, where the paper, which
    counts cases, sees one substitution.

    words (Sequence[str]): The words of the source, length N.
    predicted (Sequence[str]): The words of the output.
    alignment (Sequence[int | None]): What the matcher gave for them, length N. A matcher
        without back tokenization shows words that the vocabulary cannot spell too.
    RETURNS (Discrepancies): The counts.
    """
    found = Discrepancies()
    last_i = last_j = -1
    ends = [*alignment, len(predicted)]
    for i, j in enumerate(ends):
        if j is None:
            continue
        n_words, n_predicted = i - last_i - 1, j - last_j - 1
        replaced = min(n_words, n_predicted)
        found.substitutions += replaced
        found.omissions += n_words - replaced
        found.additions += n_predicted - replaced
        last_i, last_j = i, j
    return found
