import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_gner.evaluation.records import Mention, ScoredSentence
from spacy_gner.evaluation.scores import score_calibration

from .strategies import sentences


def _sentence(scores, n_right):
    predicted = tuple(Mention(i, i + 1, "a") for i in range(len(scores)))
    words = tuple("x" for _ in scores)
    return ScoredSentence(words, ("a",), predicted[:n_right], predicted, tuple(scores))


def test_score_calibration_of_scores_that_are_the_precision_is_zero():
    assert score_calibration([_sentence([0.5] * 4, 2)])["ece"] == 0.0


def test_score_calibration_of_certain_and_wrong_is_one():
    scores = score_calibration([_sentence([1.0, 1.0], 0)])
    assert scores["ece"] == 1.0
    assert scores["bins"][-1] == {
        "lower": 0.9,
        "upper": 1.0,
        "n": 2,
        "confidence": 1.0,
        "precision": 0.0,
    }


def test_score_calibration_weighs_bins_by_size():
    # three at 0.9 of which all are right (gap 0.1), one at 0.25 that is wrong (gap 0.25)
    scores = score_calibration([_sentence([0.95, 0.95, 0.95, 0.25], 3)])
    assert scores["ece"] == pytest.approx((3 * 0.05 + 0.25) / 4)


def test_score_calibration_without_scores_is_none():
    assert score_calibration([_sentence([None], 1)]) is None
    assert score_calibration([]) is None


@settings(max_examples=100)
@given(st.lists(sentences(), max_size=4))
def test_score_calibration_counts_every_prediction(batch):
    scores = score_calibration(batch)
    n = sum(len(sentence.predicted) for sentence in batch)
    if scores is None:
        assert n == 0
        return
    assert scores["n"] == n == sum(part["n"] for part in scores["bins"])
    assert 0 <= scores["ece"] <= 1
