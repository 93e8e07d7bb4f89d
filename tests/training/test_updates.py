"""Forward, loss and optimizer together: the arithmetic of an update."""

import warnings

import pytest
import torch
from thinc.api import SGD, Adam, RAdam, decaying

from spacy_gner.backbones import Lora
from spacy_gner.formats import BIO, LabelSet
from spacy_gner.pipeline.architectures import build_transformer
from spacy_gner.pipeline.shim import get_shim
from spacy_gner.planning.planner import Planner
from spacy_gner.planning.windows import Windower
from spacy_gner.training.encoding import encode_examples
from spacy_gner.training.forward import get_loss
from spacy_gner.training.weights import TokenWeights

from ..models import SHORT, build_tiny_causal, build_tiny_seq2seq, save_tiny
from .examples import LABELS, example_of, examples

FORMAT = BIO(**SHORT)
WEIGHTS = TokenWeights(0.1, 1.0, 2.0)


@pytest.fixture(scope="module")
def directories(tmp_path_factory):
    return {
        "causal": save_tiny(build_tiny_causal(), tmp_path_factory.mktemp("causal")),
        "seq2seq": save_tiny(build_tiny_seq2seq(), tmp_path_factory.mktemp("seq2seq")),
    }


@pytest.fixture(params=["causal", "seq2seq"])
def make_model(request, directories):
    return lambda **kwargs: build_transformer(
        str(directories[request.param]), device="cpu", **kwargs
    )


def batch_of(model, egs, **kwargs):
    return encode_examples(
        egs,
        planner=Planner(get_shim(model).backbone.codec, FORMAT, Windower()),
        labels=LabelSet.make(LABELS),
        weights=WEIGHTS,
        **kwargs,
    )


def backward(model, egs):
    """RETURNS (float): The reported loss; the gradients are added to the parameters."""
    batch = batch_of(model, egs)
    logits, backprop = model.begin_update(batch)
    loss, d_logits = get_loss(batch, logits)
    backprop(d_logits)
    return loss


def gradients(model):
    named = get_shim(model).backbone.model.named_parameters()
    return {name: p.grad.clone() for name, p in named if p.grad is not None}


def close(a, b, tolerance=1e-5):
    assert a.keys() == b.keys() and a
    for name in a:
        torch.testing.assert_close(a[name], b[name], rtol=1e-4, atol=tolerance)


def test_forward_equals_the_plain_model(make_model):
    model = make_model()
    backbone = get_shim(model).backbone
    batch = batch_of(model, examples())
    logits, _ = model(batch, is_train=True)
    arguments = {"input_ids": batch.input_ids, "attention_mask": batch.attention_mask}
    if batch.decoder_input_ids is not None:
        arguments["decoder_input_ids"] = batch.decoder_input_ids
    with torch.no_grad():
        plain = backbone.model(**arguments).logits[batch.rows, batch.positions]
    torch.testing.assert_close(logits, plain, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(model.predict(batch), plain, rtol=1e-4, atol=1e-5)


def test_gradient_equals_torch_cross_entropy(make_model):
    model, other = make_model(), make_model()
    reported = backward(model, examples())
    batch = batch_of(other, examples())
    backbone = get_shim(other).backbone
    arguments = {"input_ids": batch.input_ids, "attention_mask": batch.attention_mask}
    if batch.decoder_input_ids is not None:
        arguments["decoder_input_ids"] = batch.decoder_input_ids
    logits = backbone.model(**arguments).logits[batch.rows, batch.positions]
    losses = torch.nn.functional.cross_entropy(logits, batch.targets, reduction="none")
    total = (losses * batch.weights).sum()
    total.backward()
    assert reported == pytest.approx(float(total.detach() / batch.weights.sum()), rel=1e-5)
    close(gradients(model), gradients(other), 1e-4)


def test_one_batch_of_eight_equals_four_of_two(make_model):
    whole, parts = make_model(), make_model()
    optimizer = Adam(1e-2, use_averages=False, L2=0.1)
    egs = examples()
    backward(whole, egs)
    for start in range(0, 8, 2):
        backward(parts, egs[start : start + 2])
    close(gradients(whole), gradients(parts), 1e-4)
    for model in (whole, parts):
        model.finish_update(optimizer)
    a, b = (get_shim(m).backbone.model.state_dict() for m in (whole, parts))
    close(a, b, 2e-4)


def test_gradient_checkpointing_changes_nothing_but_memory(make_model):
    plain, checkpointed = make_model(), make_model(gradient_checkpointing=True)
    assert backward(plain, examples()) == pytest.approx(backward(checkpointed, examples()))
    close(gradients(plain), gradients(checkpointed), 1e-4)
    assert not get_shim(checkpointed).backbone.model.training


def test_update_learns_and_counts(make_model):
    model = make_model()
    shim = get_shim(model)
    optimizer = Adam(1e-2, use_averages=False)
    losses = []
    for _ in range(5):
        losses.append(backward(model, examples()))
        model.finish_update(optimizer)
    assert losses[-1] < losses[0]
    assert shim.modified and shim.backbone.version == 5
    assert not gradients(model) and shim.trainer.pending_weight == 0
    # Without gradients nothing happens.
    model.finish_update(optimizer)
    assert shim.backbone.version == 5


def test_optimizer_is_adamw_with_global_clipping(make_model):
    model, other = make_model(), make_model()
    optimizer = Adam(
        3e-3, beta1=0.8, beta2=0.95, eps=1e-6, L2=0.1, grad_clip=0.5, use_averages=False
    )
    # The model that is trained: until then both had the same one.
    torch_model = get_shim(other).trainer.backbone.model
    named = list(torch_model.named_parameters())
    groups = [
        {"params": [p for _, p in named if p.ndim > 1], "weight_decay": 0.1},
        {"params": [p for _, p in named if p.ndim == 1], "weight_decay": 0.0},
    ]
    reference = torch.optim.AdamW(groups, lr=3e-3, betas=(0.8, 0.95), eps=1e-6)
    for _ in range(3):
        backward(model, examples())
        model.finish_update(optimizer)
        backward(other, examples())
        trainer = get_shim(other).trainer
        for p in torch_model.parameters():
            p.grad /= trainer.pending_weight
        trainer.pending_weight = 0.0
        torch.nn.utils.clip_grad_norm_(torch_model.parameters(), 0.5)
        reference.step()
        reference.zero_grad()
    close(get_shim(model).backbone.model.state_dict(), torch_model.state_dict(), 1e-4)


def test_optimizer_follows_schedules(make_model):
    model = make_model()
    optimizer = Adam(decaying(0.1, 0.5), use_averages=False)
    for expected in (0.1, 0.1 / 1.5, 0.1 / 2):
        backward(model, examples()[:1])
        model.finish_update(optimizer)
        trainer = get_shim(model).trainer
        assert trainer.optimizer.torch_optimizer.param_groups[0]["lr"] == pytest.approx(expected)
        optimizer.step_schedules()


def test_optimizer_kinds(make_model):
    model = make_model()
    for optimizer, kind in (
        (RAdam(1e-3, use_averages=False), torch.optim.RAdam),
        (SGD(1e-3, use_averages=False), torch.optim.SGD),
        (Adam(1e-3, use_averages=False), torch.optim.AdamW),
    ):
        backward(model, examples()[:1])
        model.finish_update(optimizer)
        assert type(get_shim(model).trainer.optimizer.torch_optimizer) is kind


def test_optimizer_says_what_it_does_not_do(make_model):
    model = make_model()
    backward(model, examples()[:1])
    with pytest.warns(UserWarning, match="W504"):
        model.finish_update(Adam(1e-3, use_averages=True))
    backward(model, examples()[:1])
    with pytest.warns(UserWarning, match="W505"):
        model.finish_update(Adam(1e-3, L2=0.1, L2_is_weight_decay=False, use_averages=False))


def test_update_with_infinite_gradient_is_left_out(make_model):
    model = make_model()
    before = {k: v.clone() for k, v in get_shim(model).backbone.model.state_dict().items()}
    batch = batch_of(model, examples()[:1])
    logits, backprop = model.begin_update(batch)
    backprop(torch.full_like(logits, float("nan")))
    with pytest.warns(UserWarning, match="W503"):
        model.finish_update(Adam(1e-3, use_averages=False))
    after = get_shim(model).backbone.model.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_dropout_is_on_only_when_asked_for(directories):
    model = build_transformer(str(directories["seq2seq"]), device="cpu")
    torch_model = get_shim(model).backbone.model
    for module in torch_model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.5
    still = [model(batch_of(model, examples(), drop=0.0), is_train=True)[0] for _ in range(2)]
    assert torch.equal(*still)
    moving = [model(batch_of(model, examples(), drop=0.1), is_train=True)[0] for _ in range(2)]
    assert not torch.equal(*moving)
    # To rounding: attention may take another way where no gradient is wanted.
    predicted = model.predict(batch_of(model, examples(), drop=0.1))
    torch.testing.assert_close(predicted, still[0], rtol=1e-4, atol=1e-5)


def test_lora_trains_only_the_adapter(make_model):
    model = make_model(lora=Lora(rank=4, alpha=8.0))
    shim = get_shim(model)
    before = {k: v.clone() for k, v in shim.backbone.model.state_dict().items()}
    optimizer = Adam(1e-2, use_averages=False)
    losses = []
    for _ in range(5):
        losses.append(backward(model, examples()))
        model.finish_update(optimizer)
    assert losses[-1] < losses[0]
    assert all("lora_" in name for name in gradients(model) or ["lora_"])
    after = {
        name.replace("base_model.model.", "").replace(".base_layer", ""): value
        for name, value in shim.backbone.model.state_dict().items()
        if "lora_" not in name
    }
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_lora_wrong_targets(make_model):
    model = make_model(lora=Lora(targets=("no_such_layer",)))
    with pytest.raises(ValueError, match="E506"):
        backward(model, examples()[:1])


def test_half_precision_training_warns(make_model):
    model = make_model(dtype="bfloat16")
    with pytest.warns(UserWarning, match="W506"):
        backward(model, examples()[:1])


def test_missing_annotation_gives_no_gradient_to_tags(make_model):
    """A tag that nobody annotated has no influence, whatever stands in its place."""
    model, other = make_model(), make_model()
    backward(model, [example_of("Marie met Angela", ["B-person", "O", None])])
    batch = batch_of(other, [example_of("Marie met Angela", "B-person O O")])
    masked = batch_of(other, [example_of("Marie met Angela", ["B-person", "O", None])])
    assert batch.n_targets > masked.n_targets
    logits, backprop = other.begin_update(masked)
    backprop(get_loss(masked, logits)[1])
    close(gradients(model), gradients(other))


def test_token_weights_are_checked():
    assert TokenWeights() == TokenWeights(1.0, 1.0, 1.0)
    for wrong in ((-1.0, 1.0, 1.0), (0.0, 0.0, 0.0)):
        with pytest.raises(ValueError, match="E502"):
            TokenWeights(*wrong)


def test_mixed_precision_is_for_gpus_only(make_model):
    plain, mixed = make_model(), make_model(mixed_precision=True)
    assert torch.equal(
        plain.predict(batch_of(plain, examples())), mixed.predict(batch_of(mixed, examples()))
    )


def test_finish_update_loads_nothing(make_model):
    model = make_model()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.finish_update(Adam(1e-3))
    assert not get_shim(model).is_loaded


@pytest.mark.parametrize("stage", ["forward", "backward"])
def test_interrupted_update_leaves_no_dropout_on(make_model, monkeypatch, stage):
    model = make_model()
    backbone = get_shim(model).backbone
    batch = batch_of(model, examples()[:2], drop=0.1)

    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    if stage == "forward":
        monkeypatch.setattr("spacy_gner.training.forward.target_logits", interrupt)
    else:
        monkeypatch.setattr(torch.Tensor, "backward", interrupt)
    with pytest.raises(KeyboardInterrupt):
        logits, backprop = model.begin_update(batch)
        backprop(torch.zeros_like(logits))
    assert not backbone.model.training
    assert not get_shim(model).trainer.pending_weight
