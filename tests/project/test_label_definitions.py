import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "project" / "benchmarks"))

from label_definitions import Counts


def test_definition_steers_if_it_brings_more_of_its_own_entities_than_the_other_one() -> None:
    counts = Counts()
    counts.add({"a", "b"}, with_own={"a", "x"}, with_other={"x"})
    counts.add({"c"}, with_own={"x"}, with_other={"c"})
    counts.add({"d"}, with_own={"d"}, with_other={"d", "x", "y"})
    assert (counts.n, counts.steered, counts.opposite) == (3, 1, 1)
    # Right, found, and gold entities.
    assert counts.own == [2, 4, 4] and counts.other == [2, 5, 4]
    assert "F1 with the right definition 50.0, with the other 44.4" in str(counts)
