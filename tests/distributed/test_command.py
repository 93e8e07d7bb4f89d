"""`annotate --engine ray`, from a shell: what it says, and what follows when it is killed."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("ray", reason="needs the extra ray: make test-scale")

from .conftest import LABELS, read_shards

pytestmark = pytest.mark.scale
ROOT = Path(__file__).parents[2]
DECODER = "spacy_gner.ExactSearch.v1"
N_FILES, N_LINES, BATCH_SIZE = 10, 12, 4


@pytest.fixture
def files(tmp_path):
    folder = tmp_path / "texts"
    folder.mkdir()
    for i in range(N_FILES):
        lines = [json.dumps({"text": f"Marie met Angela {i} {j}"}) for j in range(N_LINES)]
        (folder / f"{i:02d}.jsonl").write_text("\n".join(lines))
    with (folder / "03.jsonl").open("a") as file:
        file.write("\n{ no JSON\n")
    return folder


def start(files, output, model):
    command = [sys.executable, "-m", "spacy_gner", "annotate", files, "--engine", "ray"]
    command += ["--output", output, "--model", model, "--labels", ",".join(LABELS)]
    command += ["--decoder", DECODER, "--device", "cpu", "--batch-size", str(BATCH_SIZE)]
    return subprocess.Popen(
        list(map(str, command)),
        cwd=ROOT,
        # By which all of its processes can be found.
        env={**os.environ, "RUN_OF": str(output)},
        stderr=subprocess.PIPE,
        text=True,
    )


def processes_of(output):
    """RETURNS (list[Path]): What runs for a run, here and now."""
    found = []
    for directory in Path("/proc").iterdir():
        try:
            is_one = f"RUN_OF={output}".encode() in (directory / "environ").read_bytes()
            state = (directory / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if is_one and state != "Z":
            found.append(directory)
    return found


def until(condition, seconds=1200):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "the condition was never met"
        time.sleep(0.05)


def test_command_goes_on_after_a_kill_and_says_what_it_did(files, model, tmp_path):
    from spacy_gner.distributed.annotation import annotate_table
    from spacy_gner.distributed.source import TextSource, list_files
    from spacy_gner.pipeline.annotator import Annotator

    output = tmp_path / "run"
    shards = output / "shards"
    command = start(files, output, model)
    until(lambda: len(list(shards.glob("*.parquet"))) >= 2 or command.poll() is not None)
    assert command.poll() is None, command.stderr.read()
    command.kill()
    command.communicate()
    # Nothing of its cluster goes on without it.
    until(lambda: not processes_of(output))
    assert not (output / "summary.json").exists()
    assert len(list(shards.glob("*.parquet"))) < N_FILES

    command = start(files, output, model)
    _, said = command.communicate(timeout=1200)
    n_documents = N_FILES * N_LINES + 1
    assert command.returncode == 1, said
    assert f"Going on with the run in {output}." in said
    assert "words/s at work, by worker: " in said
    summary = json.loads((output / "summary.json").read_text())
    assert summary["documents"] == n_documents and summary["errors"] == {"GNER-E712": 1}
    lines = said.strip().splitlines()
    assert lines[-2] == (
        f"{n_documents} documents, {summary['words']} words, {summary['entities']} entities in "
        f"{output}."
    )
    assert lines[-1] == "1 document(s) with the error GNER-E712."

    # Nothing lost, nothing twice, and what one process finds.
    alone = Annotator(model, LABELS, device="cpu", decoder=DECODER)
    source = TextSource(list_files([str(files)]))
    expected = {
        row["id"]: row["entities"]
        for part in source.parts()
        for row in annotate_table(alone, source.read(part), BATCH_SIZE).to_pylist()
    }
    rows = read_shards(output)
    assert len(rows) == len(expected) == n_documents
    assert {row["id"]: row["entities"] for row in rows} == expected
    assert summary["entities"] == sum(map(len, expected.values())) > 0

    # Asked once more, it has nothing to do.
    command = start(files, output, model)
    _, said = command.communicate(timeout=300)
    assert command.returncode == 1 and said.strip().splitlines() == lines[-2:]
