"""Adapters: what is saved, what is merged, what goes on."""

import json

import pytest
import torch
from safetensors.torch import load_file
from thinc.api import Adam

from spacy_gner.backbones import Lora
from spacy_gner.backbones.sources import resolve_source
from spacy_gner.formats import BIO, LabelSet
from spacy_gner.pipeline.architectures import build_transformer
from spacy_gner.pipeline.shim import BackboneShim, get_shim
from spacy_gner.planning.planner import Planner
from spacy_gner.planning.windows import Windower
from spacy_gner.training.encoding import encode_examples
from spacy_gner.training.forward import get_loss

from ..models import SHORT, build_tiny_causal, build_tiny_seq2seq, save_tiny
from .examples import LABELS, examples

FORMAT = BIO(**SHORT)
LORA = Lora(rank=4, alpha=8.0)
RESUME = Lora(rank=4, alpha=8.0, resume=True)


@pytest.fixture(params=["causal", "seq2seq"])
def source(request, tmp_path):
    build = {"causal": build_tiny_causal, "seq2seq": build_tiny_seq2seq}[request.param]
    return save_tiny(build(), tmp_path / "source")


def make(source, **kwargs):
    return build_transformer(str(source), device="cpu", **kwargs)


def batch_of(model):
    return encode_examples(
        examples(),
        planner=Planner(get_shim(model).backbone.codec, FORMAT, Windower()),
        labels=LabelSet.make(LABELS),
    )


def learn(model, steps=5, rate=5e-3):
    """RETURNS (list[float]): The losses."""
    optimizer = Adam(rate, use_averages=False)
    losses = []
    for _ in range(steps):
        batch = batch_of(model)
        logits, backprop = model.begin_update(batch)
        loss, gradient = get_loss(batch, logits)
        backprop(gradient)
        model.finish_update(optimizer)
        losses.append(loss)
    return losses


def logits_of(model):
    return model.predict(batch_of(model))


def same(a, b):
    torch.testing.assert_close(logits_of(a), logits_of(b), rtol=1e-3, atol=1e-4)


def reload(model, path, source, **kwargs):
    get_shim(model).to_disk(path)
    loaded = make(source, **kwargs)
    get_shim(loaded).from_disk(path)
    return loaded


@pytest.mark.parametrize("save_weights", [True, False])
@pytest.mark.parametrize("lora", [LORA, RESUME])
def test_adapter_is_saved_loaded_and_trained_on(source, tmp_path, save_weights, lora):
    options = {"lora": lora, "save_weights": save_weights}
    first = make(source, **options)
    losses = learn(first)
    loaded = reload(first, tmp_path / "first", source, **options)
    # Merged: no layer of the adapter is left.
    assert not hasattr(get_shim(loaded).backbone.model, "peft_config")
    same(first, loaded)
    assert (tmp_path / "first" / "weights").exists() is save_weights
    assert (tmp_path / "first" / "adapter" / "adapter_model.safetensors").is_file()
    # Training goes on where it ended.
    more = learn(loaded)
    assert more[0] == pytest.approx(get_loss_of(first), rel=1e-3)
    assert more[-1] < losses[-1]
    again = reload(loaded, tmp_path / "second", source, **options)
    same(loaded, again)


def get_loss_of(model):
    batch = batch_of(model)
    return get_loss(batch, model.predict(batch))[0]


def test_adapter_by_reference_is_kept_without_training(source, tmp_path):
    options = {"lora": LORA, "save_weights": False}
    first = make(source, **options)
    learn(first)
    loaded = reload(first, tmp_path / "first", source, **options)
    # Saved a second time, without training in between.
    again = reload(loaded, tmp_path / "second", source, **options)
    same(first, again)
    name = "adapter/adapter_model.safetensors"
    one, two = (load_file(tmp_path / folder / name) for folder in ("first", "second"))
    assert all(torch.equal(one[key], two[key]) for key in one)
    data = get_shim(again).to_bytes()
    packed = make(source, **options)
    get_shim(packed).from_bytes(data)
    same(first, packed)


def test_adapter_by_reference_stays_one_adapter(source, tmp_path):
    """What is saved by reference is relative to the source, however often it was trained."""
    options = {"lora": LORA, "save_weights": False}
    model = make(source, **options)
    for i in range(3):
        learn(model, steps=2)
        model = reload(model, tmp_path / str(i), source, **options)
    base = get_shim(make(source)).backbone.model.state_dict()
    learn(model, steps=1)
    inner = get_shim(model).backbone.model.get_base_model().state_dict()
    for key, value in base.items():
        key = key if key in inner else key.replace(".weight", ".base_layer.weight")
        torch.testing.assert_close(inner[key], value, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("resume", [True, False])
def test_adapter_of_the_source(source, tmp_path, resume):
    """A source that is itself an adapter on a base, as the embedded default is."""
    model = make(source, lora=LORA, save_weights=False)
    learn(model)
    get_shim(model).to_disk(tmp_path / "saved")
    adapter = tmp_path / "saved" / "adapter"
    config = json.loads((adapter / "adapter_config.json").read_text())
    config["base_model_name_or_path"] = str(source)
    (adapter / "adapter_config.json").write_text(json.dumps(config))
    options = {"lora": RESUME if resume else LORA, "save_weights": False}
    default = make(adapter, **options)
    same(model, default)
    before = get_loss_of(default)
    losses = learn(default)
    assert losses[0] == pytest.approx(before, rel=1e-3)
    loaded = reload(default, tmp_path / "tuned", adapter, **options)
    same(default, loaded)
    meta = json.loads((tmp_path / "tuned" / "backbone.json").read_text())
    assert meta["adapter_replaces"] is resume
    tuned = tmp_path / "tuned" / "adapter"
    config = json.loads((tuned / "adapter_config.json").read_text())
    assert (config["base_model_name_or_path"] == str(adapter)) is not resume
    if not resume:
        # On top of another adapter: taken out of its pipeline, it is not put beside the bare model.
        with pytest.raises(ValueError, match="E030"):
            resolve_source(str(tuned))
    more = learn(loaded, steps=2)
    assert more[0] < losses[0]
    same(loaded, reload(loaded, tmp_path / "more", adapter, **options))


def test_full_training_by_reference_is_refused(source, tmp_path):
    model = make(source, save_weights=False)
    learn(model, steps=1)
    with pytest.raises(ValueError, match="E021"):
        get_shim(model).to_disk(tmp_path / "model")
    # Also after an adapter: what it says about the weights no longer holds.
    tuned = make(source, lora=LORA, save_weights=False)
    learn(tuned, steps=1)
    loaded = reload(tuned, tmp_path / "tuned", source, save_weights=False)
    learn(loaded, steps=1)
    with pytest.raises(ValueError, match="E021"):
        get_shim(loaded).to_disk(tmp_path / "model")


def test_training_settings_follow_the_config(source, tmp_path):
    model = make(source, lora=LORA)
    learn(model, steps=1)
    loaded = reload(model, tmp_path / "model", source, gradient_checkpointing=True)
    shim = get_shim(loaded)
    assert isinstance(shim, BackboneShim)
    assert shim.settings.lora is None and shim.settings.gradient_checkpointing
    learn(loaded, steps=1)
    assert not hasattr(shim.backbone.model, "peft_config")
