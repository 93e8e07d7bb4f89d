import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_gner.evaluation.records import Mention, ScoredSentence
from spacy_gner.evaluation.scores import normalize_text, score_strict, score_uniner

from .strategies import sentences


@pytest.mark.parametrize(
    "text, expected",
    [
        ("The U.S.  Senate", "us senate"),
        ("the-end", "theend"),
        ("a b an c the d", "b c d"),
        ("The", ""),
        ("Theory of A", "theory of"),
        ("Brontë — “x”", "brontë — “x”"),
    ],
)
def test_normalize_text(text, expected):
    assert normalize_text(text) == expected


@settings(max_examples=100)
@given(st.text())
def test_normalize_text_leaves_single_inner_spaces_only(text):
    normalized = normalize_text(text)
    assert normalized == " ".join(normalized.split())


@settings(max_examples=100)
@given(st.lists(sentences(), max_size=5))
def test_score_uniner_is_perfect_where_strict_is(batch):
    strict, uniner = score_strict(batch), score_uniner(batch)
    if strict["f"] == 1.0:
        assert uniner["f"] == 1.0
    if strict["f"] is None:
        assert uniner["f"] is None


def test_the_worked_example_of_the_docs():
    words = tuple("The Beatles met Elvis ; Elvis liked the Beatles .".split())
    gold = (
        Mention(0, 2, "band"),
        Mention(3, 4, "singer"),
        Mention(5, 6, "singer"),
        Mention(7, 9, "band"),
    )
    predicted = (Mention(1, 2, "band"), Mention(3, 4, "singer"))
    batch = [ScoredSentence(words, ("band", "singer"), gold, predicted)]
    strict = score_strict(batch)
    assert (strict["p"], strict["r"]) == (1 / 2, 1 / 4)
    assert strict["f"] == pytest.approx(1 / 3)
    assert score_uniner(batch) == {"p": 1.0, "r": 1.0, "f": 1.0}
