import json
import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest
import spacy
import torch
from thinc.api import NumpyOps, get_current_ops, set_current_ops
from transformers import BertConfig, BertModel

from spacy_gner.backbones import BackboneSettings, loading
from spacy_gner.backbones.device import resolve_device, resolve_dtype
from spacy_gner.backbones.loading import load_pretrained
from spacy_gner.backbones.sources import check_name, resolve_source
from spacy_gner.pipeline.architectures import build_transformer
from spacy_gner.pipeline.shim import BackboneShim, get_shim

from ..models import build_tiny_causal, build_tiny_seq2seq, save_tiny

AUTO = {"@architectures": "spacy_gner.Transformer.v1"}


@pytest.fixture(scope="module")
def causal_dir(tmp_path_factory):
    return save_tiny(build_tiny_causal(), tmp_path_factory.mktemp("causal"))


@pytest.fixture(scope="module")
def seq2seq_dir(tmp_path_factory):
    return save_tiny(build_tiny_seq2seq(), tmp_path_factory.mktemp("seq2seq"))


def same_weights(a, b):
    a, b = a.model.state_dict(), b.model.state_dict()
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


def test_loading_is_lazy_and_tells_the_family(causal_dir, seq2seq_dir):
    for path, family in ((causal_dir, "causal"), (seq2seq_dir, "seq2seq")):
        shim = get_shim(build_transformer(str(path)))
        assert not shim.is_loaded
        assert shim.backbone.family == family
        assert shim.backbone is shim.backbone
        assert next(shim.backbone.model.parameters()).dtype == torch.float32
        assert not shim.backbone.model.training


def test_loading_wrong_family(causal_dir, seq2seq_dir):
    for family, path in (("causal", seq2seq_dir), ("seq2seq", causal_dir)):
        with pytest.raises(ValueError, match="E013"):
            _ = get_shim(build_transformer(str(path), family=family)).backbone


def test_adding_a_component_finds_wrong_directories(tmp_path, seq2seq_dir):
    """Before anything is loaded: the weights are no weights."""
    shutil.copytree(seq2seq_dir, tmp_path / "t5")
    (tmp_path / "t5" / "model.safetensors").write_bytes(b"none")
    wrong = {
        "E013": {**AUTO, "family": "causal"},
        "E016": {"@architectures": "spacy_gner.Transformer.v1", "dtype": "float16"},
    }
    for code, model in wrong.items():
        with pytest.raises(ValueError, match=code):
            config = {"model": {**model, "name": str(tmp_path / "t5")}}
            spacy.blank("en").add_pipe("gner", config=config)
    (tmp_path / "t5" / "config.json").write_text("{", encoding="utf8")
    model = {"@architectures": "spacy_gner.Transformer.v1", "name": str(tmp_path / "t5")}
    with pytest.raises(ValueError, match="E023"):
        spacy.blank("en").add_pipe("gner", config={"model": model})


def test_loading_encoder_is_refused(tmp_path, causal_dir):
    shutil.copytree(causal_dir, tmp_path / "bert")
    config = BertConfig(hidden_size=16, num_hidden_layers=1, num_attention_heads=2, vocab_size=50)
    BertModel(config).save_pretrained(tmp_path / "bert")
    values = json.loads((tmp_path / "bert" / "config.json").read_text())
    values["architectures"] = ["BertForMaskedLM"]
    (tmp_path / "bert" / "config.json").write_text(json.dumps(values))
    with pytest.raises(ValueError, match="E013"):
        _ = get_shim(build_transformer(str(tmp_path / "bert"))).backbone


def test_loading_dtype_and_device_are_explicit(causal_dir):
    backbone = get_shim(build_transformer(str(causal_dir), dtype="bfloat16", device="cpu")).backbone
    assert next(backbone.model.parameters()).dtype == torch.bfloat16
    assert backbone.device == torch.device("cpu")


@pytest.mark.parametrize(
    "name, code",
    [
        ("/no/such/directory", "E010"),
        ("./no_such_directory", "E010"),
        ("a/b/c", "E010"),
        ("", "E017"),
    ],
)
def test_loading_wrong_name_at_configuration_time(name, code):
    with pytest.raises(ValueError, match=code):
        spacy.blank("en").add_pipe("gner", config={"model": {**AUTO, "name": name}})


def test_loading_unknown_hub_name_offline(monkeypatch):
    shim = get_shim(build_transformer("nobody/no-such-model"))
    with pytest.raises(ValueError, match="E010.*nobody/no-such-model"):
        _ = shim.backbone


def test_loading_unknown_name_says_how_pipelines_are_installed():
    shim = get_shim(build_transformer("en_core_none_sm"))
    with pytest.raises(ValueError, match="E010.*en_core_none_sm.*python -m spacy download"):
        _ = shim.backbone


def test_device_that_is_not_there_is_not_advised(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(ValueError, match="E014.*'cuda:0'") as caught:
        resolve_device("cuda:0")
    advice = str(caught.value).split("Write")[1]
    assert '"cpu"' in advice and "cuda" not in advice and "mps" not in advice
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(ValueError, match='E014.*"cpu", "cuda:0", "cuda:1"\\.'):
        resolve_device("cuda:2")


def test_loading_directory_without_config(tmp_path):
    with pytest.raises(ValueError, match="E011"):
        check_name(str(tmp_path))
    with pytest.raises(ValueError, match="E011"):
        _ = get_shim(build_transformer(str(tmp_path))).backbone


def test_loading_pickled_weights_are_refused(tmp_path, causal_dir):
    path = tmp_path / "pickled"
    shutil.copytree(causal_dir, path)
    (path / "model.safetensors").unlink()
    torch.save({}, path / "pytorch_model.bin")
    with pytest.raises(ValueError, match="E012.*pytorch_model.bin"):
        check_name(str(path))
    with pytest.raises(ValueError, match="E012.*pytorch_model.bin"):
        _ = get_shim(build_transformer(str(path))).backbone


def test_loading_broken_tokenizer(tmp_path, causal_dir):
    path = tmp_path / "broken"
    shutil.copytree(causal_dir, path)
    for file in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
        (path / file).unlink(missing_ok=True)
    with pytest.raises(ValueError, match="E018"):
        _ = get_shim(build_transformer(str(path))).backbone


@pytest.mark.parametrize(
    "settings",
    [
        {"family": "encoder"},
        {"max_length": 0},
        {"prompt_format": "no place for it"},
    ],
)
def test_settings_are_checked(settings):
    with pytest.raises(ValueError, match="E017"):
        BackboneSettings("x", **settings)


def test_device_and_dtype_errors(causal_dir):
    assert resolve_device("cpu") == torch.device("cpu")
    assert resolve_device("auto") == torch.device("cpu")
    for device in ("gpu", "cuda:99", "meta"):
        with pytest.raises(ValueError, match="E014"):
            build_transformer(str(causal_dir), device=device)
    with pytest.raises(ValueError, match="E015"):
        build_transformer(str(causal_dir), dtype="float8")
    with pytest.raises(ValueError, match="E016"):
        resolve_dtype("float16", torch.device("cpu"), "t5")
    assert resolve_dtype("float16", torch.device("cpu"), "llama") == torch.float16


@pytest.mark.parametrize("build", [build_tiny_causal, build_tiny_seq2seq])
def test_shim_to_disk_and_back(tmp_path, build):
    # T5 ties its embeddings: the very case that plain safetensors refuses.
    source = save_tiny(build(seed=3), tmp_path / "source")
    shim = get_shim(build_transformer(str(source)))
    shim.to_disk(tmp_path / "saved")
    shutil.rmtree(source)
    assert not list((tmp_path / "saved").rglob("*.bin"))
    again = BackboneShim(BackboneSettings("another-name")).from_disk(tmp_path / "saved")
    assert same_weights(shim.backbone, again.backbone)
    assert again.backbone.family == shim.backbone.family
    packed = BackboneShim(BackboneSettings("another-name")).from_bytes(again.to_bytes())
    assert same_weights(shim.backbone, packed.backbone)


def test_shim_by_reference(tmp_path, causal_dir):
    shim = get_shim(build_transformer(str(causal_dir), save_weights=False))
    _ = shim.backbone
    shim.to_disk(tmp_path / "saved")
    assert [p.name for p in (tmp_path / "saved").iterdir()] == ["backbone.json"]
    settings = BackboneSettings("another-name", save_weights=False)
    again = BackboneShim(settings).from_disk(tmp_path / "saved")
    assert not again.is_loaded
    assert same_weights(shim.backbone, again.backbone)
    # What full training changed cannot be referred to.
    shim.modified = True
    with pytest.raises(ValueError, match="E021"):
        shim.to_disk(tmp_path / "again")


def test_shim_unreadable_directory(tmp_path):
    shim = BackboneShim(BackboneSettings("x"))
    with pytest.raises(ValueError, match="E023"):
        shim.from_disk(tmp_path)
    (tmp_path / "backbone.json").write_text('{"format": 99}')
    with pytest.raises(ValueError, match="E023.*99"):
        shim.from_disk(tmp_path)


def test_storage_bytes_cannot_leave_their_directory():
    import srsly

    shim = BackboneShim(BackboneSettings("x"))
    with pytest.raises(ValueError, match="E023"):
        shim.from_bytes(srsly.msgpack_dumps({"../evil": b"x"}))


def test_shim_takes_the_device_of_its_maker_to_other_threads(causal_dir, monkeypatch):
    class OtherOps(NumpyOps):
        pass

    seen = []

    def load(settings, *rest):
        seen.append(type(get_current_ops()))
        return load_pretrained(settings, *rest)

    monkeypatch.setattr(loading, "load_pretrained", load)
    here = get_current_ops()
    set_current_ops(OtherOps())
    try:
        shim = get_shim(build_transformer(str(causal_dir)))
    finally:
        set_current_ops(here)
    with ThreadPoolExecutor(1) as threads:
        assert threads.submit(lambda: shim.backbone.codec.is_causal).result()
        assert threads.submit(get_current_ops).result().__class__ is NumpyOps
    # In the thread of its maker the present choice counts. Other settings: else it would share.
    other = get_shim(build_transformer(str(causal_dir), max_length=64))
    assert other.backbone.codec.is_causal
    assert seen == [OtherOps, type(here)]


def test_adapter_on_top_of_an_adapter_is_refused(tmp_path):
    (tmp_path / "adapter_config.json").write_text(
        json.dumps({"base_model_name_or_path": "gner-smollm2-135m"})
    )
    (tmp_path / "adapter_model.safetensors").touch()
    with pytest.raises(ValueError, match="E030.*lora.resume"):
        resolve_source(str(tmp_path))
