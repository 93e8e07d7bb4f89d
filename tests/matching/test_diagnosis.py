import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_gner.matching import Discrepancies, LCSMatcher, diagnose


@pytest.mark.parametrize(
    "words,predicted,expected",
    [
        ("a b c", "a b c", (0, 0, 0)),
        ("", "", (0, 0, 0)),
        ("a b", "", (2, 0, 0)),
        ("", "a b", (0, 2, 0)),
        # The paper's Table 9.
        ("who directed the film the lorax", "who directed the lorax", (2, 0, 0)),
        ("by wet wet wet that", "by wet wet wet wet that", (0, 1, 0)),
        ("starred william forsythe", "starred william forsythe the", (0, 1, 0)),
        ("in manattan have", "in manhattan have", (0, 0, 1)),
        ("( pet ) bottles", "( p e t ) bottles", (0, 2, 1)),
        ("charlotte brontë , emily brontë", "charlotte bront , emily bront", (0, 0, 2)),
        ("x y b c d", "y2 b d e", (2, 1, 1)),
    ],
)
def test_diagnosis_counts(words, predicted, expected):
    words, predicted = words.split(), predicted.split()
    alignment = LCSMatcher()(words, predicted)
    assert diagnose(words, predicted, alignment) == Discrepancies(*expected)


@settings(max_examples=100)
@given(
    words=st.lists(st.sampled_from("abc"), max_size=10),
    predicted=st.lists(st.sampled_from("abc"), max_size=10),
)
def test_diagnosis_accounts_for_every_word(words, predicted):
    alignment = LCSMatcher()(words, predicted)
    n_matched = len(alignment) - alignment.count(None)
    found = diagnose(words, predicted, alignment)
    assert n_matched + found.substitutions + found.omissions == len(words)
    assert n_matched + found.substitutions + found.additions == len(predicted)


def test_diagnosis_adds_up():
    total = Discrepancies(1, 2, 3) + Discrepancies(1, 1, 1)
    assert total == Discrepancies(2, 3, 4)
    assert total.total == 9
