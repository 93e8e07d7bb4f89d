from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st
from spacy.util import registry
from thinc.api import Adam

from spacy_gner.backbones import Lora
from spacy_gner.training.schedules import warmup_cosine


@given(st.floats(1e-6, 1), st.integers(1, 300), st.floats(0, 0.9), st.floats(0, 1))
def test_warmup_cosine_rises_and_falls(peak, total, warmup, share):
    minimum = peak * share
    rates = list(islice(warmup_cosine(peak, total, warmup, minimum), total + 5))
    top = rates.index(max(rates))
    assert max(rates) == pytest.approx(peak)
    assert rates[:top] == sorted(rates[:top])
    assert all(a >= b - 1e-12 for a, b in zip(rates[top:], rates[top + 1 :], strict=False))
    assert rates[-5:] == [minimum] * 5


def test_warmup_cosine_steps_and_share_are_the_same():
    assert list(islice(warmup_cosine(1.0, 100, 0.04), 100)) == list(
        islice(warmup_cosine(1.0, 100, 4), 100)
    )


def test_warmup_cosine_drives_an_optimizer():
    make = registry.schedules.get("spacy_gner.warmup_cosine.v1")
    optimizer = Adam(make(peak=1.0, total_steps=10, warmup=2), use_averages=False)
    seen = []
    for _ in range(4):
        seen.append(optimizer.learn_rate)
        optimizer.step_schedules()
    assert seen[:3] == [0.5, 1.0, 1.0] and seen[3] < 1.0


@pytest.mark.parametrize(
    "values", [(0.0, 10), (1.0, 0), (1.0, 10, 10), (1.0, 10, -1), (1.0, 10, 0.1, 2.0)]
)
def test_warmup_cosine_wrong_values(values):
    with pytest.raises(ValueError, match="E503"):
        warmup_cosine(*values)


@pytest.mark.parametrize("values", [{"rank": 0}, {"alpha": 0.0}, {"dropout": 1.0}, {"targets": []}])
def test_lora_wrong_values(values):
    with pytest.raises(ValueError, match="E505"):
        Lora(**values)
