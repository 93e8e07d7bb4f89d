import copy
import pickle

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from spacy_gner.backbones import linear as module
from spacy_gner.backbones.linear import (
    FastLinear,
    gated_packed,
    linear,
    linear_of_some,
    linear_packed,
    pack_weight,
    use_fast_linear,
)

from ..models import build_tiny_causal


@settings(max_examples=100)
@given(
    st.lists(st.integers(0, 5), min_size=1, max_size=2),
    st.integers(1, 70),
    st.integers(1, 70),
    st.booleans(),
    st.booleans(),
)
def test_linear_is_linear(shape, n, m, has_bias, is_strided):
    torch.manual_seed(0)
    weight, bias = torch.randn(m, n), torch.randn(m) if has_bias else None
    x = torch.randn(*shape, n)
    if is_strided:
        x = torch.randn(*shape, 2 * n)[..., ::2]
        weight = torch.randn(n, m).T
    with torch.inference_mode():
        torch.testing.assert_close(
            linear(x, weight, bias), F.linear(x, weight, bias), rtol=1e-4, atol=1e-4
        )


@pytest.mark.skipif(not module.HAS_KERNEL, reason="this build of torch has no oneDNN")
def test_linear_takes_the_kernel_only_where_it_can(monkeypatch):
    taken = []

    class Ops:
        @staticmethod
        def _linear_pointwise(x, weight, bias, *rest):
            taken.append(x.shape)
            return F.linear(x, weight, bias)

    monkeypatch.setattr(torch.ops, "mkldnn", Ops)
    layer = FastLinear(3, 4)
    x = torch.randn(2, 3)
    with torch.no_grad():
        layer(x)
        assert taken == [(2, 3)]
        layer(x[0])
        layer(x[:0])
        layer.bfloat16()(x.bfloat16())
    layer.float()(x).sum().backward()
    assert len(taken) == 1 and layer.weight.grad is not None


def test_fast_linear_changes_nothing_else():
    class Own(nn.Linear):
        pass

    model = nn.Sequential(nn.Linear(3, 4), Own(4, 4), nn.Linear(4, 2, bias=False))
    names, weights = list(model.state_dict()), list(model.parameters())
    use_fast_linear(model)
    assert [type(part) for part in model] == [FastLinear, Own, FastLinear]
    assert list(model.state_dict()) == names
    assert all(a is b for a, b in zip(model.parameters(), weights, strict=True))
    x = torch.randn(5, 3)
    for same in (copy.deepcopy(model), pickle.loads(pickle.dumps(model[0]))):
        part = same[0] if isinstance(same, nn.Sequential) else same
        assert type(part) is FastLinear
        torch.testing.assert_close(part(x), model[0](x))
    use_fast_linear(model, False)
    assert [type(part) for part in model] == [nn.Linear, Own, nn.Linear]


def test_backbones_have_fast_linear_layers():
    kinds = {type(part) for part in build_tiny_causal().model.modules()}
    assert FastLinear in kinds and nn.Linear not in kinds


@pytest.mark.parametrize("has_kernel", [True, False])
@torch.inference_mode()
def test_packed_weights_multiply_as_they_are(monkeypatch, has_kernel):
    monkeypatch.setattr(module, "HAS_KERNEL", has_kernel and module.HAS_KERNEL)
    torch.manual_seed(0)
    weight, bias = torch.randn(40, 64).bfloat16(), torch.randn(40).bfloat16()
    x = torch.randn(50, 64).bfloat16()
    packed = pack_weight(weight)
    assert packed.is_mkldnn or packed is weight
    for b in (bias, None):
        expected = F.linear(x.float(), weight.float(), None if b is None else b.float())
        found = linear_packed(x, packed, b).float()
        torch.testing.assert_close(found, expected, atol=0.1, rtol=0.01)


@torch.inference_mode()
def test_gated_packed_is_a_product_times_silu_of_another():
    torch.manual_seed(0)
    weights = [torch.randn(40, 64).bfloat16() for _ in range(2)]
    biases = [torch.randn(40).bfloat16(), None]
    x = torch.randn(50, 64).bfloat16()
    gate, up = (
        F.linear(x.float(), w.float(), None if b is None else b.float())
        for w, b in zip(weights, biases, strict=True)
    )
    for pack in (pack_weight, lambda weight: weight):
        layers = [(pack(w), b) for w, b in zip(weights, biases, strict=True)]
        found = gated_packed(x, *layers).float()
        torch.testing.assert_close(found, F.silu(gate) * up, atol=1.0, rtol=0.03)


@torch.inference_mode()
def test_products_of_many_shapes_are_done_in_few(monkeypatch):
    """oneDNN keeps what it has compiled for a shape as long as the process lives."""
    shapes = set()

    def watched(x, weight, bias):
        shapes.add((tuple(x.shape), tuple(weight.shape)))
        return linear(x, weight, bias)

    monkeypatch.setattr(module, "linear", watched)
    for n_rows in range(1, 33):
        for n_columns in (1, 2, 63, 64, 65, 127):
            x, weight, bias = (
                torch.randn(n_rows, 8),
                torch.randn(n_columns, 8),
                torch.randn(n_columns),
            )
            for b in (None, bias):
                found = linear_of_some(x[None], weight, b)[0]
                torch.testing.assert_close(found, F.linear(x, weight, b), atol=1e-5, rtol=1e-4)
    assert len(shapes) == 4


def test_products_with_gradients_are_as_they_are():
    x, weight = torch.randn(3, 8, requires_grad=True), torch.randn(5, 8)
    assert torch.equal(linear_of_some(x, weight, None), F.linear(x, weight))
    with torch.inference_mode():
        assert linear_of_some(torch.randn(0, 8), weight, None).shape == (0, 5)
