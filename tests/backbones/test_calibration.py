import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_gner.backbones.calibration import FILE, Calibration, temper

scores = st.floats(0, 1)


@given(scores, scores, st.floats(0.2, 10))
def test_temperature_keeps_the_order_and_the_middle(a: float, b: float, temperature: float) -> None:
    low, high = sorted((temper(a, temperature), temper(b, temperature)))
    assert 0 <= low <= high <= 1
    assert (a <= b) == (temper(a, temperature) <= temper(b, temperature)) or low == high
    assert temper(0.5, temperature) == pytest.approx(0.5)
    assert temper(a, 1.0) == pytest.approx(a)


def test_temperature_divides_the_log_odds() -> None:
    assert temper(0.9, 2.0) == pytest.approx(0.75)  # odds 9, their root 3
    assert (temper(1.0, 3.0), temper(0.0, 3.0), temper(1.0000001, 3.0)) == (1.0, 0.0, 1.0)


def test_each_precision_has_its_own_and_others_take_float32(tmp_path) -> None:
    calibration = Calibration({"bfloat16": 1.0}).with_temperature("float32", 2.0)
    assert calibration.write(tmp_path) == tmp_path / FILE
    again = Calibration.read(tmp_path)
    assert again == calibration
    assert again(0.9, "bfloat16") == pytest.approx(0.9)
    assert again(0.9, "float32") == again(0.9, "float16") == pytest.approx(0.75)
    assert Calibration({"bfloat16": 2.0})(0.9, "float32") == pytest.approx(0.75)
    assert Calibration.read(tmp_path / "elsewhere") is None


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"format": 1}', '{"format": 9, "temperatures": {"float32": 1}}']
    + [f'{{"format": 1, "temperatures": {t}}}' for t in ("{}", "3", '{"float32": 0}', '{"x": "y"}')]
    + ['{"format": 1, "temperatures": {"float32": NaN}}'],
)
def test_broken_files_are_refused(tmp_path, text) -> None:
    (tmp_path / FILE).write_text(text)
    with pytest.raises(ValueError, match="GNER-E036"):
        Calibration.read(tmp_path)
