import random

import pytest

from spacy_gner.backbones.calibration import Scale
from spacy_gner.evaluation.calibrate import (
    MIN_PREDICTIONS,
    calibration_directory,
    cross_fitted,
    fit_scale,
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
    before, after = score_calibration(spoiled), score_calibration(cross_fitted(spoiled))
    assert after["n"] == before["n"] and after["ece"] < 0.03
    assert temperature == 1 or after["ece"] < before["ece"] / 2


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
