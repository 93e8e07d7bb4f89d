"""The package as users get it: built from an sdist, imported from another folder."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = ("setup.py", "setup.cfg", "pyproject.toml", "MANIFEST.in", "README.md", "LICENSE")
pytestmark = pytest.mark.skipif(
    not (ROOT / "setup.cfg").is_file(), reason="tested where it was built already"
)
UNUSED = ("__pycache__", "*.pyc")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    source = tmp_path_factory.mktemp("source")
    for name in (*SOURCES, "CHANGELOG.md"):
        shutil.copy(ROOT / name, source)
    for folder in ("spacy_gner", "docs", "configs"):
        shutil.copytree(ROOT / folder, source / folder, ignore=shutil.ignore_patterns(*UNUSED))
    # Without options it builds the wheel from the sdist.
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", source / "dist", source]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    (path,) = (source / "dist").glob("*.whl")
    return path


def test_every_file_of_the_package_is_in_the_wheel(wheel):
    paths = [path for path in (ROOT / "spacy_gner").rglob("*") if path.is_file()]
    tracked = {path.relative_to(ROOT).as_posix() for path in paths if path.suffix != ".pyc"}
    with zipfile.ZipFile(wheel) as archive:
        built = {name for name in archive.namelist() if not name.split("/")[0].endswith("-info")}
    # setup.cfg has the patterns of data files.
    assert built == tracked


def test_the_wheel_imports_without_a_warning(wheel, tmp_path):
    site = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    code = (
        "import spacy_gner, warnings\n"
        # Old versions of spaCy warn of what they import themselves.
        "warnings.resetwarnings()\n"
        "import spacy, torch, transformers, typer\n"
        "import spacy.cli\n"
        "warnings.simplefilter('error')\n"
        "for name in spacy_gner.__all__: getattr(spacy_gner, name)\n"
        "nlp = spacy.blank('en')\n"
        "nlp.add_pipe('gner', config={'labels': ['person']})\n"
        "assert nlp.get_pipe('gner').labels == ('person',)\n"
        "print(spacy_gner.__file__)\n"
    )
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    answer = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=elsewhere,
        env={**os.environ, "PYTHONPATH": str(site)},
        check=True,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert Path(answer.stdout.strip()).is_relative_to(site)
