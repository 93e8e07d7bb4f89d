"""Kills processes while they save a component over another one, at every step and at random
times. Whatever the moment, what is there afterwards loads, and finds what the old or the new one
finds.

    python -m tests.pipeline.killed_saves --steps 1 --kills 200

Prints how many processes were killed, and how many times the old and the new one were found.
"""

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import spacy
import torch

from ..models import build_tiny_causal, save_tiny

TEXT = "Marie Curie won the Nobel Prize in Paris"
# What changes a file system, as Python reports it.
EVENTS = ("open", "os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.chmod")


def make(source: Path) -> Any:
    nlp = spacy.blank("en")
    model = {"@architectures": "spacy_gner.Transformer.v1", "name": str(source), "device": "cpu"}
    nlp.add_pipe("gner", config={"labels": ["person", "city"], "model": model})
    nlp(TEXT)
    return nlp


def answer(nlp: Any) -> tuple[Any, ...]:
    gner = nlp.get_pipe("gner")
    (prediction,) = gner.predict([nlp.make_doc(TEXT)])
    return tuple(round(s, 4) for window in prediction.windows for s in window.generation.scores)


def save_and_die(nlp: Any, target: Path, step: int | None, report: int) -> None:
    """In a process of its own: save, and die before the given step (or be killed from outside)."""
    n_steps = 0

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal n_steps
        if event in EVENTS and str(target) in str(arguments[0]):
            n_steps += 1
            if n_steps == step:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)
    os.write(report, b"begin\n")
    # As the pipeline does it, which saves the vocab itself.
    nlp.get_pipe("gner").to_disk(target / "gner", exclude=["vocab"])
    os.write(report, f"{n_steps}\n".encode())
    os._exit(0)


def run(nlp: Any, target: Path, step: int | None, delay: float | None) -> tuple[bool, int]:
    """RETURNS (tuple[bool, int]): Whether the process was killed, and its number of steps."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        try:
            save_and_die(nlp, target, step, writer)
        finally:
            os._exit(3)
    os.close(writer)
    with os.fdopen(reader) as lines:
        assert lines.readline() == "begin\n"
        if delay is not None:
            time.sleep(delay)
            os.kill(child, signal.SIGKILL)
        rest = lines.readline()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return True, 0
    assert os.waitstatus_to_exitcode(status) == 0
    return False, int(rest)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=1, help="kill at each n-th step")
    parser.add_argument(
        "--kills", type=int, default=100, help="how many, those at random times included"
    )
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    rng = random.Random(arguments.seed)
    found: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        sources = [save_tiny(build_tiny_causal(seed=i), root / f"source-{i}") for i in (0, 1)]
        pipelines = [make(source) for source in sources]
        answers = [answer(nlp) for nlp in pipelines]
        assert answers[0] != answers[1]
        target = root / "target"
        pipelines[0].to_disk(target)
        start = time.perf_counter()
        _, n_steps = run(pipelines[0], target, None, None)
        seconds = time.perf_counter() - start
        steps = list(range(1, n_steps + 1, arguments.steps))
        there = 0
        while steps or found["killed"] < arguments.kills:
            step = steps.pop() if steps else None
            delay = None if step else rng.uniform(0.0, 0.7 * seconds)
            killed, _ = run(pipelines[1 - there], target, step, delay)
            now = answer(spacy.load(target))
            assert now in answers, (step, delay)
            found["killed"] += killed
            found["new" if now == answers[1 - there] else "old"] += 1
            there = answers.index(now)
        pipelines[0].to_disk(target)
        left = [path.name for path in (target / "gner").iterdir() if path.name.startswith(".")]
        assert not left, left
    print(f"{found['killed']} killed ({n_steps} steps), old {found['old']}, new {found['new']}")


if __name__ == "__main__":
    main()
