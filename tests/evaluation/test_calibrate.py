import random

import pytest

from spacy_gner.backbones.calibration import Scale
from spacy_gner.evaluation.calibrate import (
    MIN_PREDICTIONS,
    above,
    calibration_directory,
    cross_fitted,
    fit,
    fit_scale,
    mean_f1,
    scaled,
)
from spacy_gner.evaluation.records import Mention, ScoredSentence
from spacy_gner.evaluation.scores import score_calibration


def drawn(n, seed=0):
    """Predictions that are right with their score as the probability."""
    rng = random.Random(seed)
    result = []
    for _ in range(n):
        score = rng.uniform(0.05, 0.99)
        mention = Mention(0, 1, "a")
        gold = (mention,) if rng.random() < score else ()
        result.append(ScoredSentence(("x",), ("a",), gold, (mention,), (score,)))
    return result


@pytest.mark.parametrize(("temperature", "shift"), [(1.0, 0.0), (3.0, 0.0), (0.5, -1.0)])
def test_fit_finds_the_scale_that_spoiled_the_scores(temperature, shift):
    honest = drawn(4000)
    # The inverse of the scale.
    spoiled = scaled(honest, Scale(1 / temperature, -shift * temperature))
    found = fit_scale(spoiled)
    assert found.temperature == pytest.approx(temperature, rel=0.1)
    assert found.shift == pytest.approx(shift, abs=0.1)
    ((corrected, kept),) = cross_fitted({"x": spoiled})
    before, after = score_calibration(spoiled), score_calibration(corrected)
    assert sum(len(row.predicted) for row in kept) < after["n"]
    assert after["n"] == before["n"] and after["ece"] < 0.03
    assert temperature == 1 or after["ece"] < before["ece"] / 2


def test_threshold_is_half_of_the_highest_f1():
    # Lipton et al. 2014, theorem 1, where scores are probabilities.
    rows = drawn(6000)
    scale = fit({"x": rows})
    best = mean_f1([above(scaled(rows, scale), scale.threshold)])
    assert best > mean_f1([rows]) + 0.005
    assert scale.threshold == pytest.approx(best / 2, abs=0.05)
    (kept,) = (kept for _, kept in cross_fitted({"x": rows}))
    assert mean_f1([rows]) < mean_f1([kept]) <= best


def test_threshold_is_for_the_mean_of_data_sets_and_none_where_it_costs():
    mention = Mention(0, 1, "a")

    def rows(n, score, is_right):
        gold = (mention,) if is_right else ()
        return [ScoredSentence(("x",), ("a",), gold, (mention,), (score,))] * n

    good = [*rows(60, 0.6, True), *rows(20, 0.9, True)]
    assert fit({"good": [*good, *rows(1, 0.9, False)]}).threshold == 0
    # What is wrong has the lower scores: all above them is right.
    mixed = {"many": [*good, *rows(60, 0.3, False)], "few": [*rows(2, 0.9, True)]}
    scale = fit(mixed)
    assert scale(0.3) < scale.threshold <= scale(0.6)
    assert mean_f1(above(scaled(d, scale), scale.threshold) for d in mixed.values()) == 1.0


def test_predictions_without_a_score_stay_above_any_threshold():
    one, other = Mention(0, 1, "a"), Mention(1, 2, "a")
    row = ScoredSentence(("x", "y"), ("a",), (), (one, other), (None, 0.3))
    assert above([row], 0.5)[0].predicted == (one,)
    assert above([row], 0.3) == [row]
    assert mean_f1([[ScoredSentence(("x",), ("a",), ())]]) == 0.0


def test_scores_that_tell_nothing_become_the_share_of_right_ones():
    mention = Mention(0, 1, "a")
    rows = [
        ScoredSentence(("x",), ("a",), (mention,) if i % 4 == 0 else (), (mention,), (1.0,))
        for i in range(200)
    ]
    assert fit_scale(rows)(1.0) == pytest.approx(0.25, abs=0.02)


def test_what_cannot_be_fitted_is_refused():
    right = ScoredSentence(("x",), ("a",), (Mention(0, 1, "a"),), (Mention(0, 1, "a"),), (0.9,))
    wrong = ScoredSentence(("x",), ("a",), (), (Mention(0, 1, "a"),), (0.9,))
    for sentences in ([right] * 100, [wrong] * 100, [right, wrong] * (MIN_PREDICTIONS // 2 - 1)):
        with pytest.raises(ValueError, match="GNER-E322"):
            fit_scale(sentences)
    # Systems without scores.
    none = ScoredSentence(("x",), ("a",), (), (Mention(0, 1, "a"),), (None,))
    with pytest.raises(ValueError, match="GNER-E322"):
        fit_scale([none] * 100)
    assert scaled([none], Scale(2.0)) == [none]


def test_calibration_belongs_where_the_model_is(tmp_path):
    assert calibration_directory(None).name == "gner-smollm2-135m"
    assert calibration_directory("owner/name") is None
    assert calibration_directory(str(tmp_path)) == tmp_path
    backbone = tmp_path / "my_ner" / "model"
    backbone.mkdir(parents=True)
    (backbone / "backbone.json").write_text("{}")
    assert calibration_directory(str(tmp_path)) == backbone
