import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_gner.backbones.calibration import FILE, Calibration, Scale

scores = st.floats(0, 1)


@given(scores, scores, st.floats(1e-6, 10), st.floats(-3, 3))
def test_scale_keeps_the_order(a: float, b: float, temperature: float, shift: float) -> None:
    scale = Scale(temperature, shift)
    low, high = sorted((a, b))
    assert 0 <= scale(low) <= scale(high) <= 1
    assert Scale(1.0)(a) == pytest.approx(a, abs=1e-5)
    assert Scale(temperature)(0.5) == pytest.approx(0.5)


def test_temperature_divides_the_log_odds_and_the_shift_is_added() -> None:
    assert Scale(2.0)(0.9) == pytest.approx(0.75)  # odds 9, their root 3
    assert Scale(1.0, -1.0986123)(0.9) == pytest.approx(0.75)


def test_each_precision_has_its_own_and_others_take_float32(tmp_path) -> None:
    calibration = Calibration({"bfloat16": Scale(1.0)}).with_scale("float32", Scale(2.0, 0.0))
    assert calibration.write(tmp_path) == tmp_path / FILE
    again = Calibration.read(tmp_path)
    assert again == calibration
    assert again(0.9, "bfloat16") == pytest.approx(0.9)
    assert again(0.9, "float32") == again(0.9, "float16") == pytest.approx(0.75)
    assert Calibration({"bfloat16": Scale(2.0)})(0.9, "float32") == pytest.approx(0.75)
    assert Calibration.read(tmp_path / "elsewhere") is None


def test_a_file_that_can_be_read_is_the_measure_of_the_broken_ones(tmp_path) -> None:
    (tmp_path / FILE).write_text(f'{{"format": 1, "scales": {{"float32": {SCALE}}}}}')
    assert Calibration.read(tmp_path) == Calibration({"float32": Scale(1.0)})
    thresholds = Calibration({"float32": Scale(1.0, 0.5, 0.3)})
    thresholds.write(tmp_path)
    again = Calibration.read(tmp_path)
    assert again == thresholds and again.scale_of("bfloat16").threshold == 0.3


SCALE = '{"temperature": 1, "shift": 0, "threshold": 0}'


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"format": 1}', f'{{"format": 9, "scales": {{"float32": {SCALE}}}}}']
    + [
        f'{{"format": 1, "scales": {scales}}}'
        for scales in (
            "{}",
            "3",
            '{"float32": 0}',
            '{"float32": {"temperature": 0, "shift": 0, "threshold": 0}}',
            '{"float32": {"temperature": 1, "shift": 0}}',
            '{"float32": {"temperature": NaN, "shift": 0, "threshold": 0}}',
            '{"float32": {"temperature": 1, "shift": Infinity, "threshold": 0}}',
            '{"float32": {"temperature": 1, "shift": 0, "threshold": 1.5}}',
            '{"float32": {"temperature": 1, "shift": 0, "threshold": NaN}}',
            '{"float32": {"temperature": 1, "threshold": 0, "shift": 1' + 400 * "0" + "}}",
            100_000 * "[",
        )
    ],
)
def test_broken_files_are_refused(tmp_path, text) -> None:
    (tmp_path / FILE).write_text(text)
    with pytest.raises(ValueError, match="GNER-E036"):
        Calibration.read(tmp_path)
