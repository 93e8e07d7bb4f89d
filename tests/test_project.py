import shutil
from pathlib import Path

import pytest
from weasel.cli.run import project_run
from weasel.util.config import load_project_config

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
