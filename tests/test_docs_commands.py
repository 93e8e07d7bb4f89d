"""The commands in docs/ run, with tiny models and inputs; those that are not run say why."""

import json
import re
import runpy
import shlex
import shutil
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from spacy_gner.cli import app
from spacy_gner.formats import BIO

from .cli.test_evaluate import SENTENCES, pipeline  # noqa: F401
from .models import build_tiny_seq2seq, save_tiny
from .test_docs import BLOCK, commands

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs").glob("*.md"))
# Commands in the text; these stand there for how one begins.
NAMES = {
    "python -m spacy_gner calibrate",
    "python -m spacy_gner evaluate --model ADAPTER",
    "python -m spacy_gner train",
}
INLINE = re.compile(r"`((?:python|make|project/\S+\.py) [^`]*)`")

# Why a command is not run here: each begins one of the docs' commands, and no other does.
NOT_RUN = {
    "pip install": "needs the network",
    "python -m spacy project assets": "needs the network",
    "python -m spacy_gner annotate texts/ --engine": "a cluster: tests/distributed/test_command",
    "serve run": "a cluster: tests/distributed/test_ray_serve",
    "accelerate launch": "several processes, large models: tests/training/test_accelerate",
    "python -m spacy train configs/default_lora_cpu.cfg": "trains the default: tests/test_project",
    "python -m spacy train configs/t5_base": "needs a GPU: tests/training/test_configs",
    "python -m spacy project run all": "tests/test_project runs it",
    "spacy project run schemas": "needs a GPU: tests/project/test_schemas",
    "python project/benchmarks/matching.py": "takes minutes: tests/matching/test_benchmark",
    "project/benchmarks/decoys.py": "needs the default: tests/default_model/test_default_model",
    "project/benchmarks/scale.py": "measures a cluster for minutes",
    "project/benchmarks/words.py": "measures the default for minutes",
    "python project/benchmarks/serving.py": "measures for minutes",
    "python project/benchmarks/soak.py": "measures for minutes",
    "python -m tests.pipeline.killed_saves": "kills processes: tests/pipeline/test_killed_saves",
    "make": "sets an environment up, which needs the network: CI runs them",
}


def logical_lines(body: str) -> list[str]:
    """RETURNS (list[str]): The commands of a fence, which may run over lines, without comments."""
    found, command = [], ""
    for line in body.replace("\\\n", " ").splitlines():
        command = f"{command}\n{line}" if command else line.strip()
        try:
            words = shlex.split(command, comments=True)
        except ValueError:
            continue  # a quotation that goes on
        found += [shlex.join(words)] if words else []
        command = ""
    assert not command, command
    return found


def commands_of(page: Path) -> list[str]:
    text = page.read_text("utf8")
    found = [
        command
        for language, body in BLOCK.findall(text)
        if language in ("", "bash", "sh", "console", "shell")
        for command in logical_lines(body)
    ]
    inline = (" ".join(match[1].split()) for match in INLINE.finditer(BLOCK.sub("", text)))
    return [*found, *(command for command in inline if command not in NAMES)]


COMMANDS = [(page.name, command) for page in PAGES for command in commands_of(page)]


# In fences of plain text, lines that begin so are commands.
PROGRAM = re.compile(r" *(?:pip|make|python3?|spacy|curl|accelerate) ")


def test_every_command_of_the_readme_is_run_or_has_a_reason():
    """Those in its bash fences are run by `test_docs`, if they are of ours."""
    page = ROOT / "README.md"
    fences = BLOCK.findall(page.read_text("utf8"))
    ours = [c for language, body in fences if language == "bash" for c in logical_lines(body)]
    assert len(ours) == len(commands(page))
    assert {language for language, _ in fences} <= {"bash", "text", "python"}
    lines = [line for language, body in fences if language == "text" for line in body.splitlines()]
    others = [line.strip() for line in lines if PROGRAM.match(line)]
    assert others and all(reason(line) for line in others)


def reason(command: str) -> str | None:
    return next((why for start, why in NOT_RUN.items() if command.startswith(start)), None)


RUN = [(page, command) for page, command in COMMANDS if reason(command) is None]


def test_every_reason_is_about_a_command():
    for start in NOT_RUN:
        assert any(command.startswith(start) for _, command in COMMANDS), start
    named = re.findall(r"\btests/[\w/]+", " ".join(NOT_RUN.values()))
    assert named and all((ROOT / f"{name}.py").is_file() for name in named)
    assert len(RUN) > 10


# What stands for a name in a command. The names of files are those of the docs.
SUBSTITUTES = {
    "gner-smollm2-135m": "pipeline",
    "my_pipeline": "pipeline",
    "google/flan-t5-base": "seq2seq",
    "dyyyyyyyy/GNER-T5-base": "seq2seq",
    "FORMAT": "words",
}


def annotated() -> str:
    """RETURNS (str): Sentences that the tiny pipeline knows, a third annotated otherwise."""
    lines = []
    for i in range(160):
        text, spans = SENTENCES[i % len(SENTENCES)]
        words = text.split()
        labels = BIO().encode(len(words), spans if i % 3 else [(0, 1, "award")])
        lines.append(json.dumps({"text": text, "words": words, "labels": labels}) + "\n")
    return "".join(lines)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, pipeline: Path) -> Path:  # noqa: F811
    """RETURNS (Path): A clone, with a tiny file or model for each name in the commands."""
    folder = tmp_path_factory.mktemp("clone")
    for part in ("benchmarks", "assets"):
        shutil.copytree(ROOT / "project" / part, folder / "project" / part)
    shutil.copytree(pipeline, folder / "pipeline")
    save_tiny(build_tiny_seq2seq(seed=2), folder / "seq2seq")
    data, assets = annotated(), folder / "project" / "assets"
    for path in (folder / "INPUT", folder / "mail.jsonl", folder / "news" / "dev.jsonl"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(data)
    for path in (assets / "crossner_ai" / "test.txt", assets / "mit_movie" / "test.txt"):
        path.parent.mkdir(exist_ok=True)
        path.write_text("Ada\tB-person\nleft\tO\nRome\tB-city\n\n")
    answer = {
        "dataset": "mit_movie",
        "label_list": ["person", "city"],
        "instance": {"words": ["Ada", "left", "Rome"], "labels": ["B-person", "O", "B-city"]},
    }
    for name, tag in (("outputs", "O"), ("t5_base", "O"), ("beam1", "O"), ("beam4", "B-city")):
        prediction = f"Ada(B-person) left(O) Rome({tag})"
        path = folder / f"{name}.jsonl"
        path.write_text(json.dumps({**answer, "prediction": prediction}) + "\n")
        if name != "outputs":
            options = ["--predictions", path, "--output", folder / "reports" / name]
            invoke(["evaluate", *map(str, options)])
    return folder


def invoke(words: list[str]) -> None:
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize("page, command", RUN, ids=[command[:60] for _, command in RUN])
def test_command_runs(page: str, command: str, place: Path, monkeypatch: pytest.MonkeyPatch):
    if "evaluate" in command:
        pytest.importorskip("matplotlib", reason="needs the extra evaluation")
    monkeypatch.chdir(place)
    Path("OUTPUT").unlink(missing_ok=True)  # of another command
    # Brackets say what may be left out, and dots that there may be more.
    words = [word.strip("[]") for word in shlex.split(command) if word not in ("...", "…")]
    words = [SUBSTITUTES.get(word, word) for word in words]
    if command.startswith("curl"):
        ask(words)
    elif words[:3] == ["python", "-m", "spacy_gner"]:
        run_ours(words[3:], monkeypatch)
    else:
        assert words[0] == "python", command
        monkeypatch.setattr(sys, "argv", words[1:])
        monkeypatch.syspath_prepend(str(Path(words[1]).parent))
        runpy.run_path(words[1], run_name="__main__")


def run_ours(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    if words[0] == "serve":
        served = pytest.importorskip("uvicorn", reason="needs the extra serve")
        started: list[object] = []
        monkeypatch.setattr(served, "run", lambda app, **options: started.append(app))
        invoke([*words, "--model", "pipeline"])
        assert started
    elif words[0] == "annotate":
        invoke([*words, "--model", "pipeline"])
    else:
        invoke(words)


def ask(words: list[str]) -> None:
    """Send what a `curl` command sends to a server of the tiny pipeline."""
    pytest.importorskip("fastapi", reason="needs the extra serve")
    from starlette.testclient import TestClient

    from spacy_gner.pipeline.annotator import Annotator
    from spacy_gner.serving.app import create_app
    from spacy_gner.serving.requests import RequestAnnotator

    url, body, header = words[2], words[words.index("-d") + 1], words[words.index("-H") + 1]
    name, value = header.split(": ")
    with TestClient(create_app(RequestAnnotator(Annotator("pipeline")))) as client:
        path = url.removeprefix("localhost:8000")
        answer = client.post(path, content=body, headers={name: value, "Host": "localhost"})
    assert answer.status_code == 200, answer.text
    (result,) = answer.json()["results"]
    assert result["error"] is None
