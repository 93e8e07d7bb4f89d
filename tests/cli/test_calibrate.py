import json

import pytest
import spacy

from spacy_gner.backbones.calibration import FILE, Calibration
from spacy_gner.formats import BIO

from .test_evaluate import LABELS, SENTENCES, pipeline, run  # noqa: F401


def scores(path):
    nlp = spacy.load(path)
    nlp.get_pipe("gner").set_labels(LABELS)
    return [ent._.gner_score for ent in nlp(SENTENCES[0][0]).ents]


@pytest.fixture
def half_right(tmp_path):
    """Sentences of which the model knows the answer, half of them annotated otherwise."""
    lines = []
    for i in range(160):
        text, spans = SENTENCES[i % len(SENTENCES)]
        words = text.split()
        spans = spans if i % 3 else [(0, 1, "award")]
        lines.append(json.dumps({"words": words, "labels": BIO().encode(len(words), spans)}))
    path = tmp_path / "dev.jsonl"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_calibrate_writes_what_the_pipeline_then_uses(pipeline, half_right, tmp_path):  # noqa: F811
    result = run("calibrate", "--model", pipeline, "--data", f"d={half_right}", "-o", tmp_path)
    assert result.exit_code == 0, result.output
    (scale,) = Calibration.read(tmp_path).scales.values()
    # A model that knows its answers by heart is far too sure where a third of them count as wrong.
    assert scale(0.999) < 0.9
    assert f"float32: temperature {scale.temperature:.2f}, shift {scale.shift:.2f}" in result.output
    before = scores(pipeline)
    place = pipeline / "gner" / "model"
    result = run("calibrate", "--model", pipeline, "--data", f"d={half_right}")
    assert result.exit_code == 0 and (place / FILE).is_file()
    after = scores(pipeline)
    assert len(after) == len(before) and all(a < b for a, b in zip(after, before, strict=True))
    # Calibrating again measures the model, not its calibration.
    run("calibrate", "--model", pipeline, "--data", f"d={half_right}")
    assert Calibration.read(place) == Calibration.read(tmp_path)
    (place / FILE).unlink()


def test_calibrate_says_what_is_wrong(pipeline, half_right, tmp_path):  # noqa: F811
    result = run("calibrate", "--model", "owner/name", "--data", f"d={half_right}")
    assert result.exit_code == 2 and "GNER-E323" in result.output
    few = tmp_path / "few.jsonl"
    few.write_text(half_right.read_text().splitlines()[1] + "\n")
    result = run("calibrate", "--model", pipeline, "--data", f"d={few}", "-o", tmp_path / "out")
    assert result.exit_code == 2 and "GNER-E322" in result.output
    assert not (tmp_path / "out").exists()
