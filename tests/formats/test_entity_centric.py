import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_gner.formats import EntityCentric
from spacy_gner.formats.entity_centric import _marks

WORDS = "John explored Tokyo , sampling sushi , and flew back to New York .".split()
SPANS = [(0, 1, "person"), (2, 3, "location"), (11, 13, "location")]


@pytest.mark.parametrize(
    "context, target",
    [
        (0, "[John](person) [Tokyo](location) [New York](location)"),
        (
            1,
            "[John](person) explored [Tokyo](location) , to [New York](location) .",
        ),
        (
            None,
            "[John](person) explored [Tokyo](location) , sampling sushi , and flew back to "
            "[New York](location) .",
        ),
    ],
)
def test_entity_centric_targets_of_figure_3(context, target):
    format = EntityCentric(context=context)
    assert format.write(WORDS, SPANS, ["person", "location"]) == target
    parsed = format.parse(target, ["person", "location"])
    entity_words = [(p.word, p.tag) for p in parsed if p.tag != "O"]
    assert entity_words == [
        ("John", "B-person"),
        ("Tokyo", "B-location"),
        ("New", "B-location"),
        ("York", "I-location"),
    ]
    # A label that was not asked for is no entity.
    assert all(p.tag == "O" for p in format.parse(target, ["city"]))


def test_entity_centric_refuses_negative_context():
    with pytest.raises(ValueError, match="E017"):
        EntityCentric(context=-1)


# What is meant, in time that grows with the square of the text.
_MARK = re.compile(r"\[(.*?)\]\(([^()]*)\)(?=\s|\Z)", re.DOTALL)


@settings(max_examples=500)
@given(st.text("[]()a \n", max_size=24))
def test_entity_centric_marks_are_those_of_the_expression(text):
    expected = [(m.start(), m.start(2), m.end(2)) for m in _MARK.finditer(text)]
    assert [tuple(mark) for mark in _marks(text)] == expected


class _Counting(str):
    """A text that counts the characters that are looked at."""

    looked_at = 0

    def __getitem__(self, key):
        found = super().__getitem__(key)
        _Counting.looked_at += len(found)
        return found

    def find(self, sub, start=0):
        found = super().find(sub, start)
        _Counting.looked_at += (len(self) if found < 0 else found) - start + 1
        return found


@pytest.mark.parametrize("unit", ["[a](", "[", "[a](b)", "](", "[](x", "[a](b) "])
def test_entity_centric_marks_take_linear_time(unit):
    steps = []
    for n in (500, 1000):
        _Counting.looked_at = 0
        list(_marks(_Counting(unit * n)))
        steps.append(_Counting.looked_at)
    assert steps[1] <= 2.1 * steps[0]
