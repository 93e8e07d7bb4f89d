"""What README and docs tell people to run, runs."""

import ast
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import srsly
import typer

import spacy_gner
from spacy_gner.cli import app

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
# The language of a fence, which may have none, and its body.
BLOCK = re.compile(r"^ *```(\w*)[^\n]*\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
# Ours may be started by another program: `accelerate launch … -m spacy_gner train`.
COMMAND = re.compile(r" *(?:python|accelerate|torchrun)\b.* -m spacy_gner (.*)")


def blocks(page: Path, language: str) -> list[str]:
    return [body for kind, body in BLOCK.findall(page.read_text("utf8")) if kind == language]


def commands(page: Path, languages: str = "bash") -> list[list[str]]:
    """RETURNS (list[list[str]]): The words of all commands of ours in fences of a page."""
    found = []
    for language, body in BLOCK.findall(page.read_text("utf8")):
        if re.fullmatch(languages, language):
            for line in body.replace("\\\n", " ").splitlines():
                if command := COMMAND.match(line):
                    found.append(shlex.split(command[1], comments=True))
    return found


COMMANDS = [(page, words) for page in PAGES for words in commands(page, r"\w*")]


def test_commands_are_found():
    pages = {page.name for page, _ in COMMANDS}
    assert pages >= {"README.md", "corpora.md", "metrics.md", "scale.md", "serving.md"}
    # Those in bash fences alone are run.
    assert len(COMMANDS) > 15 > len(commands(ROOT / "README.md")) > 6


@pytest.mark.parametrize(
    "page, words", COMMANDS, ids=[f"{page.name} {' '.join(words)}"[:60] for page, words in COMMANDS]
)
def test_options_of_a_command_exist(page: Path, words: list[str]):
    group = typer.main.get_command(app)
    command = group.commands[words[0]]  # type: ignore[attr-defined]
    context = typer.Context(command, **command.context_settings)
    # Brackets say what may be left out, and dots that there may be more.
    words = [word.strip("[]") for word in words[1:] if word not in ("...", "…")]
    command.make_parser(context).parse_args(words)


def test_data_of_a_command_is_in_a_clone_or_an_asset():
    known = {asset["dest"] for asset in srsly.read_yaml(ROOT / "project.yml")["assets"]}
    for page, words in COMMANDS:
        for path in re.findall(r"(?:^|=)((?:data|project|configs)/\S+)", "\n".join(words), re.M):
            is_asset = any(dest == path or dest.startswith(f"{path}/") for dest in known)
            assert is_asset or (ROOT / path).exists(), f"{page.name}: {path}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files(page: Path):
    text = re.sub(r"`[^`]*`", "", BLOCK.sub("", page.read_text("utf8")))
    for target in re.findall(r"\]\(([^)#:\s]+)(?:#[\w-]*)?\)", text):
        # The package may be installed, and its source not be here.
        root = Path(spacy_gner.__file__).parents[1] if "spacy_gner/" in target else page.parent
        assert (root / target).exists(), target


# A path of this project or the name of a workflow: things of the user have other names.
SCRIPT = re.compile(r"(?:`|\bpython3? )(?:-m )?(project/\S+\.py|tests\.[\w.]+)((?: [^|`#\n]+)?)")
RUNS = re.compile(r"spacy project run ([\w-]+)((?: [^|`#\n]+)?)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_scripts_and_workflows_of_a_page_exist_with_their_options(page: Path):
    text = page.read_text("utf8").replace("\\\n", " ")
    for script, arguments in SCRIPT.findall(text):
        path = ROOT / (script if "/" in script else script.replace(".", "/") + ".py")
        source = path.read_text("utf8")
        for option in re.findall(r"--([\w-]+)", arguments):
            # Of argparse as it stands there, of typer the name of an argument.
            assert f'"--{option}"' in source or f"{option.replace('-', '_')}:" in source, option
    project = srsly.read_yaml(ROOT / "project.yml")
    known = {command["name"] for command in project["commands"]} | set(project["workflows"])
    for name, arguments in RUNS.findall(text):
        # Commands of an earlier version stand beside its commit.
        assert name in known or "4a4f284" in text, name
        # spaCy would take the first of the variables for the directory of the project.
        assert not arguments.startswith(" --"), f"{name} without a directory"
        for variable in re.findall(r"--vars\.(\w+)", arguments):
            assert variable in project["vars"], variable
    for config in re.findall(r"\bconfigs/\w+\.cfg", text):
        assert (ROOT / config).is_file(), config


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_python_of_a_page_compiles(page: Path):
    for body in blocks(page, "python"):
        compile(body, str(page), "exec")


def test_every_fault_has_tests_that_exist():
    text = (ROOT / "docs" / "faults.md").read_text("utf8")
    rows = re.findall(r"^\| (\w+) \|.*\| (`.*`) \|$", text, re.MULTILINE)
    assert [int(number) for number, _ in rows if number.isdigit()] == list(range(1, 47))
    for number, cell in rows:
        for name in re.findall(r"`([^`]+)`", cell):
            file, _, test = name.partition("::")
            source = (ROOT / "tests" / file).read_text("utf8")
            assert f"\ndef {test}(" in source, f"fault {number}: {name}"


def test_no_test_asserts_a_time():
    """A machine may be as busy as it likes. Tests may wait in a loop and then give up."""
    clock = re.compile(r"time\.(?:time|perf_counter|monotonic|process_time|thread_time)\(\)")
    for path in (ROOT / "tests").rglob("test_*.py"):
        tree = ast.parse(path.read_text("utf8"))
        functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
        for function in (f for f in functions if f.name.startswith("test_")):
            taken = {
                name.id
                for node in ast.walk(function)
                if isinstance(node, ast.Assign) and clock.search(ast.unparse(node.value))
                for target in node.targets
                for name in ast.walk(target)
                if isinstance(name, ast.Name)
            }
            loops = [node for node in ast.walk(function) if isinstance(node, ast.While)]
            waiting = {id(node) for loop in loops for node in ast.walk(loop)}
            checks = (node for node in ast.walk(function) if isinstance(node, ast.Assert))
            for check in (node for node in checks if id(node) not in waiting):
                text = ast.unparse(check.test)
                names = {node.id for node in ast.walk(check.test) if isinstance(node, ast.Name)}
                assert not clock.search(text) and not names & taken, f"{path}: {text}"


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
