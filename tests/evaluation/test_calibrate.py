import random

import pytest

from spacy_gner.evaluation.calibrate import (
    MIN_PREDICTIONS,
    calibration_directory,
    fit_temperature,
    tempered,
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


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_fit_finds_the_temperature_that_spoiled_the_scores(temperature):
    honest = drawn(4000)
    spoiled = tempered(honest, 1 / temperature)
    found = fit_temperature(spoiled)
    assert found == pytest.approx(temperature, rel=0.1)
    before, after = score_calibration(spoiled), score_calibration(tempered(spoiled, found))
    assert after["ece"] < 0.03
    assert temperature == 1 or after["ece"] < before["ece"] / 2


def test_what_cannot_be_fitted_is_refused():
    right = ScoredSentence(("x",), ("a",), (Mention(0, 1, "a"),), (Mention(0, 1, "a"),), (0.9,))
    wrong = ScoredSentence(("x",), ("a",), (), (Mention(0, 1, "a"),), (0.9,))
    for sentences in ([right] * 100, [wrong] * 100, [right, wrong] * (MIN_PREDICTIONS // 2 - 1)):
        with pytest.raises(ValueError, match="GNER-E322"):
            fit_temperature(sentences)
    # Systems without scores.
    none = ScoredSentence(("x",), ("a",), (), (Mention(0, 1, "a"),), (None,))
    with pytest.raises(ValueError, match="GNER-E322"):
        fit_temperature([none] * 100)
    assert tempered([none], 2.0) == [none]


def test_calibration_belongs_where_the_model_is(tmp_path):
    assert calibration_directory(None).name == "gner-smollm2-135m"
    assert calibration_directory("owner/name") is None
    assert calibration_directory(str(tmp_path)) == tmp_path
    backbone = tmp_path / "my_ner" / "model"
    backbone.mkdir(parents=True)
    (backbone / "backbone.json").write_text("{}")
    assert calibration_directory(str(tmp_path)) == backbone
