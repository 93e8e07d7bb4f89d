"""Openings of tags as tokens: added, trained, saved with the pipeline, loaded with an adapter."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from spacy_gner.backbones import Lora
from spacy_gner.pipeline.architectures import build_transformer
from spacy_gner.pipeline.shim import get_shim

from ..models import build_tiny_causal, build_tiny_seq2seq, save_tiny
from ..training.test_lora import learn, logits_of, reload, same

TOKENS = ("(O)", "(B-", "(I-")


@pytest.fixture
def source(tmp_path):
    return save_tiny(build_tiny_causal(), tmp_path / "source")


def make(source, **kwargs):
    return build_transformer(str(source), device="cpu", **kwargs)


def rows_of(model):
    backbone = get_shim(model).backbone
    ids = backbone.codec.tokenizer.convert_tokens_to_ids(list(TOKENS))
    base = backbone.model
    base = base.get_base_model() if hasattr(base, "get_base_model") else base
    table = base.get_input_embeddings()
    with torch.no_grad():
        return table(torch.tensor(ids)).clone()


def test_tag_tokens_shorten_the_output_and_keep_the_text(source):
    plain, short = get_shim(make(source)).backbone, get_shim(make(source, tag_tokens=True)).backbone
    pieces = ["Paris(B-city)", "Marie(I-person)", "won(O)", "(a)(O)"]
    before = [i for ids in plain.codec.target_ids(pieces) for i in ids]
    after = [i for ids in short.codec.target_ids(pieces) for i in ids]
    assert len(after) < len(before)
    assert short.codec.decode(after) == " ".join(pieces) == plain.codec.decode(before)
    vocabulary = short.codec.tokenizer.get_vocab()
    assert set(TOKENS) <= set(vocabulary)
    assert short.model.get_input_embeddings().weight.shape[0] == len(short.codec.tokenizer)


def test_new_rows_are_the_mean_of_what_spelled_them(source):
    plain = get_shim(make(source)).backbone
    spelled = plain.codec.target_ids(["x(O)"])[0][len(plain.codec.target_ids(["x"])[0]) :]
    rows = rows_of(make(source, tag_tokens=True))
    expected = plain.model.get_input_embeddings().weight[spelled].mean(0)
    torch.testing.assert_close(rows[0], expected)


def test_base_checkpoint_is_not_touched(source):
    before = {p.name: p.read_bytes() for p in source.iterdir()}
    model = make(source, tag_tokens=True, lora=Lora(rank=2))
    learn(model, steps=1)
    assert {p.name: p.read_bytes() for p in source.iterdir()} == before


@pytest.mark.parametrize("lora", [Lora(rank=4, alpha=8.0), None])
@pytest.mark.parametrize("save_weights", [True, False])
def test_rows_are_trained_and_saved(source, tmp_path, lora, save_weights):
    if lora is None and not save_weights:
        pytest.skip("full training cannot be saved by reference")
    options = {"tag_tokens": True, "lora": lora, "save_weights": save_weights}
    model = make(source, **options)
    before = rows_of(model)
    losses = learn(model)
    assert losses[-1] < losses[0]
    trained = rows_of(model)
    assert all(not torch.equal(a, b) for a, b in zip(before, trained, strict=True))
    loaded = reload(model, tmp_path / "saved", source, **options)
    torch.testing.assert_close(rows_of(loaded), trained)
    same(model, loaded)
    # Input and output layer still share their weights.
    bare = get_shim(loaded).backbone.model
    assert bare.get_input_embeddings().weight is bare.get_output_embeddings().weight
    # Training goes on from there, and what is saved again is the same.
    more = learn(loaded, steps=2)
    assert more[0] == pytest.approx(losses[-1], rel=0.5) and more[-1] < losses[0]
    same(loaded, reload(loaded, tmp_path / "again", source, **options))


def test_saved_tokens_need_no_option(source, tmp_path):
    model = make(source, tag_tokens=True)
    learn(model, steps=1)
    loaded = reload(model, tmp_path / "saved", source)
    same(model, loaded)


@pytest.fixture
def adapter(source, tmp_path):
    """An adapter that brings a tokenizer with added tokens, and their rows, made by hand."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(source)
    tokenizer.add_tokens(list(TOKENS))
    folder = tmp_path / "adapter"
    tokenizer.save_pretrained(folder)
    first = len(tokenizer) - len(TOKENS)
    torch.manual_seed(1)
    prefix = "base_model.model.model"
    tensors = {
        f"{prefix}.embed_tokens.token_adapter.trainable_tokens_delta": torch.randn(3, 32).half(),
        f"{prefix}.layers.0.self_attn.q_proj.lora_A.weight": torch.randn(2, 32).half(),
        f"{prefix}.layers.0.self_attn.q_proj.lora_B.weight": torch.randn(32, 2).half(),
        f"{prefix}.layers.1.self_attn.q_proj.lora_A.weight": torch.randn(2, 32).half(),
        f"{prefix}.layers.1.self_attn.q_proj.lora_B.weight": torch.randn(32, 2).half(),
    }
    save_file(tensors, folder / "adapter_model.safetensors", metadata={"format": "pt"})
    config = {
        "base_model_name_or_path": str(source),
        "bias": "none",
        "inference_mode": True,
        "lora_alpha": 4,
        "lora_dropout": 0.0,
        "peft_type": "LORA",
        "r": 2,
        "target_modules": ["q_proj"],
        "task_type": "CAUSAL_LM",
        "trainable_token_indices": list(range(first, first + 3)),
    }
    (folder / "adapter_config.json").write_text(json.dumps(config), encoding="utf8")
    return folder


def test_adapter_with_tokens_and_rows_loads(adapter, source):
    model = make(adapter)
    backbone = get_shim(model).backbone
    expected = load_file(adapter / "adapter_model.safetensors")
    rows = expected["base_model.model.model.embed_tokens.token_adapter.trainable_tokens_delta"]
    torch.testing.assert_close(rows_of(model), rows.float())
    assert not hasattr(backbone.model, "peft_config")
    before = get_shim(make(source)).backbone.model.state_dict()
    name = "model.layers.0.self_attn.q_proj.weight"
    a, b = (
        expected[f"base_model.model.{name.replace('weight', part)}"].float()
        for part in ("lora_A.weight", "lora_B.weight")
    )
    torch.testing.assert_close(
        backbone.model.state_dict()[name], before[name] + 2 * (b @ a), atol=1e-4, rtol=1e-3
    )
    # The weights of all other tokens are those of the base.
    n_base = before["model.embed_tokens.weight"].shape[0]
    table = backbone.model.get_input_embeddings().weight
    assert torch.equal(table[:n_base], before["model.embed_tokens.weight"])
    assert table is backbone.model.get_output_embeddings().weight


@pytest.mark.parametrize("resume", [True, False])
@pytest.mark.parametrize("save_weights", [True, False])
def test_adapter_with_tokens_is_trained_on(adapter, tmp_path, resume, save_weights):
    options = {"lora": Lora(rank=2, resume=resume), "save_weights": save_weights}
    model = make(adapter, **options)
    before = logits_of(model)
    losses = learn(model, steps=3)
    assert losses[-1] < losses[0]
    fresh = make(adapter, **options)
    torch.testing.assert_close(logits_of(fresh), before)
    same(model, reload(model, tmp_path / "saved", adapter, **options))


def test_adapter_without_the_rows_of_its_tokens_is_refused(adapter):
    path = adapter / "adapter_config.json"
    config = json.loads(path.read_text(encoding="utf8"))
    config["trainable_token_indices"] = config["trainable_token_indices"][:2]
    path.write_text(json.dumps(config), encoding="utf8")
    with pytest.raises(ValueError, match="E040.*rows"):
        _ = get_shim(make(adapter)).backbone


def test_tokenizer_that_would_change_the_text_is_refused(tmp_path):
    # T5's puts a blank behind added tokens: "Paris(B- city)".
    source = save_tiny(build_tiny_seq2seq(), tmp_path / "t5")
    with pytest.raises(ValueError, match="E040.*tag_tokens"):
        _ = get_shim(make(source, tag_tokens=True)).backbone


def test_tokens_of_other_schemes_come_from_the_format(source):
    model = make(source, tag_tokens=True)
    get_shim(model).tag_tokens = ("(O)", "(B-", "(I-", "(E-", "(S-")
    vocabulary = get_shim(model).backbone.codec.tokenizer.get_vocab()
    assert {"(E-", "(S-"} <= set(vocabulary)


def test_saved_directory_survives_a_move(source, tmp_path):
    model = make(source, tag_tokens=True, lora=Lora(rank=2), save_weights=False)
    learn(model, steps=2)
    get_shim(model).to_disk(tmp_path / "saved")
    shutil.move(tmp_path / "saved", tmp_path / "moved")
    loaded = make(source, lora=Lora(rank=2), save_weights=False)
    get_shim(loaded).from_disk(tmp_path / "moved")
    same(model, loaded)
