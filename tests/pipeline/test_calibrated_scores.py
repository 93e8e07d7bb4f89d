import pickle
import shutil

import pytest
import spacy
from spacy.training import Example

from spacy_gner.backbones.calibration import FILE, Calibration, Scale
from spacy_gner.pipeline.shim import get_shim

from .conftest import LABELS, TEXTS


def scores(nlp):
    return [ent._.gner_score for doc in nlp.pipe(TEXTS) for ent in doc.ents]


def shim_of(nlp):
    return get_shim(nlp.get_pipe("gner").model)


@pytest.fixture
def calibrated_dir(model_dir, tmp_path):
    folder = tmp_path / "lm"
    shutil.copytree(model_dir, folder)
    Calibration({"float32": Scale(4.0, -0.5)}).write(folder)
    return folder


def test_scores_are_those_of_the_models_calibration(make_nlp, calibrated_dir):
    plain = scores(make_nlp())
    calibrated = scores(make_nlp(model={"name": str(calibrated_dir)}))
    assert calibrated == pytest.approx([Scale(4.0, -0.5)(score) for score in plain])
    assert calibrated != pytest.approx(plain)


def test_threshold_is_about_calibrated_scores(make_nlp, calibrated_dir):
    model = {"name": str(calibrated_dir)}
    middle = sorted(scores(make_nlp(model=model)))[3]
    kept = scores(make_nlp({"threshold": middle}, model=model))
    assert kept and min(kept) >= middle


def test_threshold_of_the_calibration_holds_unless_the_config_has_another(
    make_nlp, calibrated_dir, tmp_path
):
    model = {"name": str(calibrated_dir)}
    everything = scores(make_nlp(model=model))
    # Between two scores, whose last digits move.
    middle = sum(sorted(set(everything))[2:4]) / 2
    Calibration({"float32": Scale(4.0, -0.5, middle)}).write(calibrated_dir)
    nlp = make_nlp(model=model)
    assert nlp.get_pipe("gner").threshold == "auto"
    sure = [score for score in everything if score >= middle]
    assert scores(nlp) == pytest.approx(sure) and len(sure) < len(everything)
    nlp.to_disk(tmp_path / "saved")
    assert scores(spacy.load(tmp_path / "saved")) == pytest.approx(sure)
    config = {"components.gner.threshold": None}
    assert scores(spacy.load(tmp_path / "saved", config=config)) == pytest.approx(everything)
    for threshold in (None, 0.0, {LABELS[0]: 0.0}):
        assert scores(make_nlp({"threshold": threshold}, model=model)) == pytest.approx(everything)
        nlp.get_pipe("gner").threshold = threshold
        assert scores(nlp) == pytest.approx(everything)
        nlp.to_disk(tmp_path / "saved")
        assert scores(spacy.load(tmp_path / "saved")) == pytest.approx(everything)
    # The weights have changed, and with them what the scores mean.
    nlp.get_pipe("gner").threshold = "auto"
    shim_of(nlp).calibration = None
    assert scores(nlp) == pytest.approx(scores(make_nlp()))
    with pytest.raises(ValueError, match='GNER-E017.*"auto"'):
        nlp.get_pipe("gner").threshold = "best"


@pytest.mark.parametrize("save_weights", [True, False])
def test_calibration_is_saved_with_the_pipeline(make_nlp, calibrated_dir, tmp_path, save_weights):
    nlp = make_nlp(model={"name": str(calibrated_dir), "save_weights": save_weights})
    expected = scores(nlp)
    nlp.to_disk(tmp_path / "saved")
    again = spacy.load(tmp_path / "saved")
    assert scores(again) == pytest.approx(expected)
    assert scores(pickle.loads(pickle.dumps(again))) == pytest.approx(expected)
    # What was found for the saved pipeline goes before what its source says.
    Calibration({"float32": Scale(1.0)}).write(tmp_path / "saved" / "gner" / "model")
    assert scores(spacy.load(tmp_path / "saved")) == pytest.approx(scores(make_nlp()), abs=1e-5)
    shim_of(again).calibration = None
    again.to_disk(tmp_path / "saved")
    assert not (tmp_path / "saved" / "gner" / "model" / FILE).exists()


def test_training_makes_it_void(make_nlp, calibrated_dir, tmp_path):
    nlp = make_nlp(model={"name": str(calibrated_dir)})
    assert scores(nlp) and shim_of(nlp).calibration is not None
    doc = nlp.make_doc(TEXTS[0])
    example = Example.from_dict(doc, {"entities": [(0, 11, LABELS[0])]})
    nlp.update([example], sgd=nlp.resume_training())
    assert shim_of(nlp).calibration is None
    nlp.to_disk(tmp_path / "saved")
    assert shim_of(spacy.load(tmp_path / "saved")).calibration is None
