"""What Ray costs beside one process.

    python project/benchmarks/scale.py --model DIR [--seconds-per-batch 0.25]

Words a second count from the first batch to the last; the start and the end of a run are printed
beside them, since they do not grow with the corpus. So is the time of the CPU in between, of all
processes: that clock runs the same on a machine that has other things to do. The share of it that
goes into anything but the workers' batches is given per part.

With --seconds-per-batch the model's time is slept instead of computed: what is measured then is the
engine alone.
"""

import argparse
import json
import os
import tempfile
import threading
import time
import uuid
from pathlib import Path
from typing import Any

# Ray listens to this machine only.
os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
# Ray's workers stand back by 15 otherwise: beside other programs they would be measured as slow.
os.environ.setdefault("RAY_worker_niceness", "0")

from spacy_gner.distributed.annotation import annotate_table
from spacy_gner.distributed.ray_data import annotate_files
from spacy_gner.distributed.source import TextSource, list_files
from spacy_gner.pipeline.annotator import Annotator

SENTENCE = "Marie Curie won the Nobel Prize while working in Paris with her husband ."
TICKS = os.sysconf("SC_CLK_TCK")


class TimedAnnotator(Annotator):
    """Notes when each batch began and ended, and its time of the CPU."""

    def __init__(
        self, *args: Any, notes: str, seconds: float | None, batch_size: int, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.notes = notes
        self.seconds = seconds
        self.batch_size = batch_size

    def __call__(self, batch: Any) -> dict[str, Any]:
        """RETURNS (dict): As an Annotator's; nothing is found while it sleeps."""
        started, cpu = time.time(), time.process_time()
        if self.seconds is None:
            found = super().__call__(batch)
        else:
            n_rows = len(batch["text"])
            time.sleep(self.seconds * n_rows / self.batch_size)
            found = {**batch, "entities": [[]] * n_rows, "error": [None] * n_rows}
        note = {
            "start": started,
            "end": time.time(),
            "cpu": time.process_time() - cpu,
            "process": os.getpid(),
        }
        (Path(self.notes) / uuid.uuid4().hex).write_text(json.dumps(note))
        return found


class CpuMeter:
    """Adds up the time of the CPU of this process and of all that it starts, while it is open
    (Linux)."""

    def __init__(self) -> None:
        self._seen: dict[int, list[tuple[float, float]]] = {}
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "CpuMeter":
        self._look()
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._end.set()
        self._thread.join()

    def between(self, start: float, end: float) -> float:
        """RETURNS (float): Seconds of the CPU between two times, of all processes."""
        total = 0.0
        for seen in self._seen.values():
            before = [cpu for at, cpu in seen if at <= start]
            until = [cpu for at, cpu in seen if at <= end]
            total += (until[-1] if until else 0.0) - (before[-1] if before else 0.0)
        return total

    def _run(self) -> None:
        while not self._end.wait(0.5):
            self._look()

    def _look(self) -> None:
        now, parents, used = time.time(), {}, {}
        for entry in Path("/proc").iterdir():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except (OSError, ValueError):
                continue
            if entry.name.isdigit():
                parents[int(entry.name)] = int(fields[1])
                used[int(entry.name)] = (int(fields[11]) + int(fields[12])) / TICKS
        for process in used:
            above = process
            while above in parents and above != os.getpid():
                above = parents[above]
            if above == os.getpid() or process in self._seen:
                self._seen.setdefault(process, []).append((now, used[process]))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True)
    parser.add_argument("--seconds-per-batch", type=float)
    parser.add_argument("--documents", type=int, default=640)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--part-bytes", type=int, default=5000)
    parser.add_argument("--workers", type=int, nargs="*", default=[0, 1, 2])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder) / "corpus.txt"
        corpus.write_text(f"{SENTENCE}\n" * options.documents)
        parts = TextSource(list_files([str(corpus)]), part_bytes=options.part_bytes).parts()
        print(f"{len(parts)} parts", flush=True)
        alone = alone_cpu = None
        for workers in options.workers:
            notes = Path(folder) / f"notes{workers}"
            notes.mkdir()
            annotator = TimedAnnotator(
                options.model,
                ["person", "city"],
                device="cpu",
                notes=str(notes),
                seconds=options.seconds_per_batch,
                batch_size=options.batch_size,
            )
            begun = time.time()
            with CpuMeter() as meter:
                _run(workers, annotator, corpus, f"{folder}/out{workers}", options)
            ended = time.time()
            batches = [json.loads(path.read_text()) for path in notes.iterdir()]
            start, end, rate = _rate(batches, options.documents)
            alone = alone or rate
            name = f"ray, {workers} worker(s)" if workers else "one process"
            in_batches = sum(b["cpu"] for b in batches)
            other = meter.between(start, end) - in_batches
            cpu = in_batches + max(0.0, other)
            alone_cpu = alone_cpu or cpu
            print(
                f"{name}: {rate:.0f} words/s, {rate / alone:.2f} of one process; start "
                f"{start - begun:.0f} s, end {ended - end:.0f} s; CPU {cpu:.1f} s, "
                f"{cpu / alone_cpu:.2f} of one process, beside the batches "
                f"{other / len(parts):.2f} s a part",
                flush=True,
            )


def _run(workers: int, annotator: Any, corpus: Path, output: str, options: Any) -> None:
    if workers:
        annotate_files(
            [str(corpus)],
            output,
            annotator,
            workers=workers,
            batch_size=options.batch_size,
            part_bytes=options.part_bytes,
            quiet=True,
        )
        return
    source = TextSource(list_files([str(corpus)]), part_bytes=options.part_bytes)
    for part in source.parts():
        annotate_table(annotator, source.read(part), options.batch_size)


def _rate(batches: list[dict[str, Any]], n_documents: int) -> tuple[float, float, float]:
    """RETURNS (tuple): When all workers were at work (the second one may start late), when the
    last batch ended, words a second in between."""
    begun = max(
        min(b["start"] for b in batches if b["process"] == process)
        for process in {b["process"] for b in batches}
    )
    counted = [b for b in batches if b["start"] >= begun]
    end = max(b["end"] for b in counted)
    words = len(SENTENCE.split()) * n_documents * len(counted) / len(batches)
    return begun, end, words / (end - begun)


if __name__ == "__main__":
    main()
