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
