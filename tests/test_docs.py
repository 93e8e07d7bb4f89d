"""What README and docs tell people to run, runs."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from spacy_gner.cli import app

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(page: Path, language: str) -> list[str]:
    return [body for kind, body in BLOCK.findall(page.read_text("utf8")) if kind == language]


def commands(page: Path) -> list[list[str]]:
    """RETURNS (list[list[str]]): The words of all commands of ours on a page."""
    found = []
    for body in blocks(page, "bash"):
        for line in body.replace("\\\n", " ").splitlines():
            if line.startswith("python -m spacy_gner ") and "[" not in line:
                found.append(shlex.split(line, comments=True)[3:])
    return found


COMMANDS = [(page, words) for page in PAGES for words in commands(page)]


def test_commands_are_found():
    assert len(COMMANDS) > 6


@pytest.mark.parametrize(
    "page, words", COMMANDS, ids=[f"{page.name} {' '.join(words)}"[:60] for page, words in COMMANDS]
)
def test_options_of_a_command_exist(page: Path, words: list[str]):
    group = typer.main.get_command(app)
    command = group.commands[words[0]]  # type: ignore[attr-defined]
    command.make_parser(typer.Context(command)).parse_args([w for w in words[1:] if w != "..."])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files(page: Path):
    text = re.sub(r"`[^`]*`", "", BLOCK.sub("", page.read_text("utf8")))
    for target in re.findall(r"\]\(([^)#:\s]+)(?:#[\w-]*)?\)", text):
        assert (page.parent / target).exists(), target


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """RETURNS (Path): What a clone has beside the package, for commands that write."""
    folder = tmp_path_factory.mktemp("clone")
    shutil.copytree(ROOT / "project" / "assets", folder / "project" / "assets")
    return folder


def run(arguments: list[str], folder: Path) -> str:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.slow
def test_readme_python_runs(clone: Path):
    output = run(["-c", "\n".join(blocks(ROOT / "README.md", "python"))], clone)
    assert "Marie Curie" in output


@pytest.mark.slow
def test_readme_commands_run(clone: Path):
    for words in commands(ROOT / "README.md"):
        run(["-m", "spacy_gner", *words], clone)
    assert (clone / "news.jsonl").stat().st_size and (clone / "email.html").stat().st_size
