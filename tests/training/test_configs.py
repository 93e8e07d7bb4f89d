"""Every shipped config is valid, and trains with a tiny model in the place of its own."""

from pathlib import Path

import pytest
import srsly
from spacy.cli.debug_config import debug_config
from spacy.cli.train import train
from spacy.util import load_config

from ..models import build_tiny_causal, build_tiny_seq2seq, save_tiny
from .examples import SENTENCES, examples

CONFIGS = Path(__file__).parents[2] / "configs"
NAMES = sorted(path.name for path in CONFIGS.glob("*.cfg"))


@pytest.fixture(scope="module")
def corpora(tmp_path_factory):
    """RETURNS (dict[str, Path]): The same sentences in the format of each reader."""
    from spacy.tokens import DocBin

    root = tmp_path_factory.mktemp("corpora")
    rows = [{"words": w.split(), "labels": t.split()} for w, t in SENTENCES]
    srsly.write_jsonl(root / "bio.jsonl", rows)
    DocBin(docs=[eg.reference for eg in examples()], store_user_data=True).to_disk(
        root / "docs.spacy"
    )
    (root / "inline.txt").write_text("[Marie](person) lives in [Paris](city) .\nno one\n" * 4)
    turns = [
        ("human", "Text: Marie lives in Paris."),
        ("gpt", "I've read this text."),
        ("human", "What describes person in the text?"),
        ("gpt", '["Marie"]'),
        ("human", "What describes city in the text?"),
        ("gpt", '["Paris"]'),
    ]
    pile = [{"id": "x", "conversations": [{"from": a, "value": b} for a, b in turns]}]
    srsly.write_json(root / "pile.json", pile * 4)
    return {
        "spacy_gner.BIOCorpus.v1": root / "bio.jsonl",
        "spacy_gner.InlineCorpus.v1": root / "inline.txt",
        "spacy_gner.PileNER.v1": root / "pile.json",
        "spacy_gner.DocBinCorpus.v1": root / "docs.spacy",
    }


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    root = tmp_path_factory.mktemp("models")
    return {
        "causal": save_tiny(build_tiny_causal(), root / "causal"),
        "seq2seq": save_tiny(build_tiny_seq2seq(), root / "seq2seq"),
    }


def overrides_for(config, corpora, models):
    model = config["components"]["gner"]["model"]
    found = {
        "components.gner.model.name": str(models[model["family"]]),
        "training.max_steps": 2,
        "training.max_epochs": 2,
        "training.eval_frequency": 2,
        "training.accumulate_gradient": 2,
        "training.batcher.size": 4,
    }
    for part in ("train", "dev"):
        block = config["corpora"][part]
        readers = block.get("corpora", {None: block})
        for name, reader in readers.items():
            key = f"corpora.{part}.path" if name is None else f"corpora.{part}.corpora.{name}.path"
            found[key] = str(corpora[reader["@readers"]])
    return found


def test_all_configs_are_here():
    sizes = ("small", "base", "large", "xl")
    expected = {f"t5_{size}_task_adaptation.cfg" for size in sizes} | {
        "default_lora_cpu.cfg",
        "llama_7b.cfg",
        "t5_supervised.cfg",
    }
    assert expected <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_config_is_valid(name, capsys):
    debug_config(CONFIGS / name)
    assert "Config is valid" in capsys.readouterr().out


@pytest.mark.parametrize("name", NAMES)
def test_config_trains_two_steps(name, corpora, models, tmp_path):
    overrides = overrides_for(load_config(CONFIGS / name), corpora, models)
    train(CONFIGS / name, tmp_path / "out", overrides=overrides)
    assert (tmp_path / "out" / "model-last" / "gner" / "model" / "backbone.json").is_file()


@pytest.mark.parametrize(
    ("name", "model"), [("llama_7b", build_tiny_causal), ("t5_xxl", build_tiny_seq2seq)]
)
def test_launcher_cuts_up_the_layers_of_the_model(name, model, monkeypatch):
    pytest.importorskip("accelerate", "1.6", reason="needs the extra train")
    from accelerate.commands.launch import _validate_launch_command, launch_command_parser
    from accelerate.utils.launch import prepare_multi_gpu_env

    from spacy_gner.training.sharding import read_plugin

    assert read_plugin() is None
    path = CONFIGS / "accelerate" / f"fsdp2_{name}.yaml"
    command = ["--config_file", str(path), "-m", "spacy_gner", "train"]
    arguments, _, _ = _validate_launch_command(launch_command_parser().parse_args(command))
    for key, value in prepare_multi_gpu_env(arguments).items():
        if key.startswith(("FSDP_", "ACCELERATE_USE_FSDP")):
            monkeypatch.setenv(key, value)
    plugin = read_plugin()
    layers = plugin.transformer_cls_names_to_wrap
    assert set(layers) == set(model().model._no_split_modules)
    assert plugin.reshard_after_forward is True
    version_1 = {
        "FSDP_VERSION": "1",
        "FSDP_RESHARD_AFTER_FORWARD": "FULL_SHARD",
        "FSDP_SYNC_MODULE_STATES": "false",
    }
    for settings in (
        version_1,
        {"FSDP_ACTIVATION_CHECKPOINTING": "true"},
        {"FSDP_CPU_RAM_EFFICIENT_LOADING": "true"},
    ):
        with monkeypatch.context() as patched:
            for setting, value in settings.items():
                patched.setenv(setting, value)
            with pytest.raises(ValueError, match="GNER-E515"):
                read_plugin()
