import shutil
from collections import Counter
from pathlib import Path

import pytest
import spacy
from spacy.cli.train import train
from spacy.util import load_config
from weasel.cli.run import project_run
from weasel.util.config import load_project_config

from spacy_gner.corpora.corpus import InlineCorpus
from spacy_gner.formats import LabelSet
from spacy_gner.training.pairs import gold_pair

from .models import build_tiny_causal, save_tiny

ROOT = Path(__file__).parents[1]


def test_project_is_complete():
    config = load_project_config(ROOT)
    commands = {command["name"]: command for command in config["commands"]}
    assert {step for steps in config["workflows"].values() for step in steps} <= commands.keys()
    made = {path for c in commands.values() for path in c.get("outputs", ())}
    for command in commands.values():
        assert command["help"] and command["script"]
        for path in command.get("deps", ()):
            assert path in made or (ROOT / path).exists(), path
    for asset in config["assets"]:
        assert (asset.get("url") or asset["git"]["repo"]).startswith("https://")


SAMPLE = ROOT / "project" / "assets" / "sample_train.txt"


def sample_examples():
    return list(InlineCorpus(SAMPLE)(spacy.blank("en")))


def check_sample_pipeline(path):
    """A text without labels of its own is annotated."""
    nlp = spacy.load(path)
    counts = Counter(ent.label_ for eg in sample_examples() for ent in eg.reference.ents)
    assert set(nlp.get_pipe("gner").labels) == {label for label, _ in counts.most_common(10)}
    doc = nlp("Marie Curie moved to Paris in 1891.")
    assert doc.has_annotation("ENT_IOB")
    assert {ent.label_ for ent in doc.ents} <= set(nlp.get_pipe("gner").labels)


def test_sample_pipeline_has_labels(tmp_path):
    model = save_tiny(build_tiny_causal(), tmp_path / "model")
    overrides = {
        "paths.train": str(SAMPLE),
        "paths.dev": str(SAMPLE.with_name("sample_dev.txt")),
        "components.gner.model.name": str(model),
        "training.max_steps": 1,
        "training.eval_frequency": 1,
        "training.batcher.size": 2,
        "corpora.dev.limit": 2,
    }
    train(ROOT / "configs" / "default_lora_cpu.cfg", tmp_path / "out", overrides=overrides)
    check_sample_pipeline(tmp_path / "out" / "model-last")


def test_labels_of_the_sample_pipeline_change_no_passage():
    """Training and evaluation ask for the types of each passage, with or without them."""
    config = load_config(ROOT / "configs" / "default_lora_cpu.cfg")["components"]["gner"]
    assert config["labels"]
    gner = spacy.blank("en").add_pipe("gner", config={"labels": config["labels"]})
    none = LabelSet.make([])
    for eg in sample_examples():
        own = eg.reference._.gner_labels
        assert gold_pair(eg.reference, gner.label_set) == gold_pair(eg.reference, none)
        assert gner.labels_of(eg.predicted) == LabelSet.make(own)


@pytest.mark.slow
def test_project_all(tmp_path, monkeypatch):
    shutil.copy(ROOT / "project.yml", tmp_path)
    shutil.copytree(ROOT / "configs", tmp_path / "configs")
    for part in ("assets", "scripts"):
        shutil.copytree(ROOT / "project" / part, tmp_path / "project" / part)
    # Shortened: what counts is that every command runs, not that two steps teach something.
    steps = "--training.max_steps=2 --training.eval_frequency=2 --training.batcher.size=2"
    monkeypatch.setenv("SPACY_CONFIG_OVERRIDES", f"{steps} --corpora.dev.limit=2")
    project_run(tmp_path, "all", overrides={"vars.limit": 4, "vars.min_gain": -101.0}, capture=True)
    for name in ("before", "after"):
        assert (tmp_path / "project" / "metrics" / name / "report.html").is_file()
    packages = list((tmp_path / "project" / "packages").glob("en_gner_sample-*/dist/*.tar.gz"))
    assert len(packages) == 1
    # The adapter travels, the base weights do not.
    assert packages[0].stat().st_size < 64 * 2**20
    check_sample_pipeline(tmp_path / "project" / "training" / "sample" / "model-last")
