"""`python -m spacy_gner train` in two processes: what one process does, and what follows a kill."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import spacy
import torch
from spacy.cli.init_config import fill_config
from spacy.tokens import DocBin

pytest.importorskip("accelerate", reason="needs the extra train")

from safetensors import safe_open

from spacy_gner.backbones.files import recover_directory

from ..models import build_tiny_causal, build_tiny_seq2seq, save_tiny
from .test_train import CONFIG, twenty_sentences

pytestmark = pytest.mark.scale
ROOT = Path(__file__).parents[2]
STEPS = 6
LOGGER = """
[training.logger]
@loggers = "spacy.ConsoleLogger.v3"
progress_bar = null
console_output = false
output_file = "{log}"
"""


# What `accelerate launch` makes of configs/accelerate/fsdp2_*.yaml.
FSDP2 = {
    "ACCELERATE_USE_FSDP": "true",
    "FSDP_VERSION": "2",
    "FSDP_AUTO_WRAP_POLICY": "TRANSFORMER_BASED_WRAP",
}


def launch(n_processes, *arguments, cut_up=False, notes=None):
    command = [sys.executable]
    if n_processes > 1:
        # What `accelerate launch` runs on GPUs; on CPUs it would want MPI.
        command += ["-m", "torch.distributed.run", "--standalone"]
        command += ["--nproc_per_node", str(n_processes)]
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "ACCELERATE_USE_CPU": "true",
        "GLOO_SOCKET_IFNAME": "lo",
        # By which its processes can be found.
        "LAUNCH": str(arguments[5]) if len(arguments) > 5 else "",
        **(FSDP2 if cut_up else {}),
        **({"NOTES": str(notes)} if notes else {}),
    }
    return subprocess.Popen(
        [*command, *map(str, arguments)],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def finish(process):
    output, _ = process.communicate(timeout=500)
    assert process.returncode == 0, output[-3000:]


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    root = tmp_path_factory.mktemp("together")
    docs = [eg.reference for eg in twenty_sentences()]
    DocBin(docs=docs, store_user_data=True).to_disk(root / "train.spacy")
    save_tiny(build_tiny_causal(), root / "causal")
    save_tiny(build_tiny_seq2seq(), root / "seq2seq")
    return root


def config(directory, name, steps):
    text = CONFIG.format(
        model=directory / "causal",
        corpus=directory / "train.spacy",
        steps=steps,
        every=steps,
        patience=0,
        rate=5e-3,
        decoder="spacy_gner.ExactSearch.v1",
    )
    # Nothing is to be learned here: one draft is enough for the scores.
    text = text.replace(
        '"spacy_gner.ExactSearch.v1"', '"spacy_gner.ExactSearch.v1"\nmax_forks_per_word = 0'
    )
    base, path = directory / f"{name}.base", directory / f"{name}.cfg"
    base.write_text(text + LOGGER.format(log=directory / f"{name}.jsonl"))
    fill_config(path, base)
    return path


def weights(output):
    nlp = spacy.load(output / "model-last")
    from spacy_gner.pipeline.shim import get_shim

    return get_shim(nlp.get_pipe("gner").model).backbone.model.state_dict()


def losses(directory, name):
    lines = (directory / f"{name}.jsonl").read_text().splitlines()
    return [json.loads(line)["losses"]["gner"] for line in lines]


@pytest.mark.parametrize("cut_up", [False, True])
@pytest.mark.parametrize(("kind", "n_examples"), [("causal", 5), ("seq2seq", 5), ("causal", 1)])
def test_two_processes_give_the_gradients_of_one(directory, kind, n_examples, cut_up):
    found = []
    for n_processes in (1, 2):
        path = directory / f"{kind}-{n_processes}.safetensors"
        arguments = ("-m", "tests.training.together", directory / kind, path, n_examples)
        finish(launch(n_processes, *arguments, cut_up=cut_up))
        with safe_open(path, "pt") as file:
            notes = file.metadata()
            found.append((notes, {name: file.get_tensor(name) for name in file.keys()}))  # noqa: SIM118
    (alone, one), (together, two) = found
    assert (alone["size"], together["size"]) == ("1", "2")
    assert (float(alone["share"]), float(together["share"])) == (1, 0.5 if cut_up else 1)
    assert alone["weight"] == together["weight"]
    assert float(alone["loss"]) == pytest.approx(float(together["loss"]), rel=1e-5)
    assert one.keys() == two.keys() and any(g.abs().max() > 1e-3 for g in one.values())
    for name in one:
        torch.testing.assert_close(one[name], two[name], rtol=1e-4, atol=1e-5)


def trained(directory, name, n_processes, cut_up=False):
    """RETURNS (Path): What `train` wrote; it runs once for each name."""
    output = directory / f"{name}-out"
    if not output.exists():
        path = config(directory, name, STEPS)
        arguments = ("-m", "spacy_gner", "train", path, "--output", output)
        finish(launch(n_processes, *arguments, cut_up=cut_up))
    return output


@pytest.mark.parametrize("cut_up", [False, True])
def test_training_is_that_of_one_process_and_goes_on_after_a_kill(directory, cut_up):
    name = "parts" if cut_up else "two"
    for output in (trained(directory, "one", 1), trained(directory, name, 2, cut_up)):
        assert not (output / "checkpoint").exists()
        assert (output / "model-best" / "meta.json").is_file()
    assert losses(directory, "one") == pytest.approx(losses(directory, name), rel=1e-3)
    one, two = weights(directory / "one-out"), weights(directory / f"{name}-out")
    assert one.keys() == two.keys()
    for key in one:
        torch.testing.assert_close(one[key], two[key], rtol=1e-2, atol=2e-3)

    # The same once more, but one of the two processes is killed on the way.
    path = config(directory, f"{name}-killed", STEPS)
    output = directory / f"{name}-killed-out"
    arguments = ["-m", "spacy_gner", "train", path, "--output", output, "--save-every", "1"]
    process = launch(2, *arguments, cut_up=cut_up)
    assert str(arguments[5]) == str(output)
    wait_for(lambda: (output / "checkpoint").is_dir() or process.poll() is not None)
    assert process.poll() is None, process.communicate()[0][-3000:]
    os.kill(worker_of(str(output), rank=1), signal.SIGKILL)
    said, _ = process.communicate(timeout=300)
    assert process.returncode != 0
    assert "GNER-E510" in said or "SIGKILL" in said or "Signal 9" in said
    # Whichever moment it was killed at.
    checkpoint = output / "checkpoint"
    recover_directory(checkpoint)
    saved = sorted(path.name for path in checkpoint.glob("tensors*"))
    assert saved == (["tensors-0-of-2.pt", "tensors-1-of-2.pt"] if cut_up else ["tensors.pt"])
    # As a kill between the two renames of a save leaves it.
    checkpoint.rename(output / ".checkpoint.old-0")
    refused = launch(2, *arguments, cut_up=cut_up)
    assert "GNER-E514" in refused.communicate(timeout=300)[0] and refused.returncode
    finish(launch(2, *arguments, "--resume", cut_up=cut_up))
    resumed = weights(output)
    for key in two:
        # To the last bit: the same updates followed.
        assert torch.equal(two[key], resumed[key]), key


def test_each_process_computes_its_part_of_every_batch(directory, tmp_path):
    size, steps = 10, 2
    found, reported = [], []
    # One example at once: the parts of one process would leave nothing for a second one.
    for n_processes, cut_up in ((1, False), (2, False), (2, True)):
        name = f"noted-{n_processes}-{cut_up}"
        notes = tmp_path / name
        notes.mkdir()
        arguments = ["-m", "spacy_gner", "train", config(directory, name, steps)]
        arguments += ["--output", directory / f"{name}-out", "--training.accumulate_gradient", "10"]
        arguments += ["--code", ROOT / "tests" / "training" / "noting.py"]
        finish(launch(n_processes, *arguments, cut_up=cut_up, notes=notes))
        noted = [path.read_text().splitlines() for path in sorted(notes.iterdir())]
        assert len(noted) == n_processes
        found.append(noted)
        reported.append(losses(directory, name))
    (alone,), *together = found
    n_batches = len(alone) // size
    assert len(alone) == n_batches * size and n_batches >= steps
    for parts in together:
        assert [len(part) for part in parts] == [len(alone) // 2] * 2
        for k in range(n_batches):
            own = [part[k * size // 2 : (k + 1) * size // 2] for part in parts]
            # All of the batch, nothing twice.
            assert sorted(own[0] + own[1]) == sorted(alone[k * size : (k + 1) * size])
    for losses_together in reported[1:]:
        assert losses_together == pytest.approx(reported[0], rel=1e-3)


def wait_for(condition, seconds=300):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "the condition was never met"
        time.sleep(0.02)


def worker_of(mark, rank):
    """RETURNS (int): The process of a rank, among those of a launch."""
    for directory in Path("/proc").iterdir():
        if not directory.name.isdigit():
            continue
        try:
            environment = (directory / "environ").read_bytes().split(b"\0")
            command = (directory / "cmdline").read_bytes()
        except OSError:
            continue
        if b"LAUNCH=" + mark.encode() in environment and f"RANK={rank}".encode() in environment:
            # Not what it has started itself.
            if b"spacy_gner" in command:
                return int(directory.name)
    raise AssertionError("no such process")
