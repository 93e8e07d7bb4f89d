"""What Ray costs beside one process: words a second, from the first batch to the last.

    python project/benchmarks/scale.py --model DIR [--seconds-per-batch 0.5]

With --seconds-per-batch the model's time is slept instead of computed: what is measured then is the
engine alone, also on a machine that has other things to do.
"""

import argparse
import json
import os
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

from spacy_gner.distributed.annotation import annotate_table
from spacy_gner.distributed.ray_data import annotate_files
from spacy_gner.distributed.source import TextSource, list_files
from spacy_gner.pipeline.annotator import Annotator

SENTENCE = "Marie Curie won the Nobel Prize while working in Paris with her husband ."
N_DOCUMENTS, BATCH_SIZE, PART_BYTES = 640, 16, 5000


class TimedAnnotator(Annotator):
    """Notes when each batch began and ended."""

    def __init__(self, *args: Any, notes: str, seconds: float | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.notes = notes
        self.seconds = seconds

    def __call__(self, batch: Any) -> dict[str, Any]:
        """RETURNS (dict): As an Annotator's; nothing is found while it sleeps."""
        started = time.time()
        if self.seconds is None:
            found = super().__call__(batch)
        else:
            n_rows = len(batch["text"])
            time.sleep(self.seconds * n_rows / BATCH_SIZE)
            found = {**batch, "entities": [[]] * n_rows, "error": [None] * n_rows}
        note = {"start": started, "end": time.time(), "process": os.getpid()}
        (Path(self.notes) / uuid.uuid4().hex).write_text(json.dumps(note))
        return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True)
    parser.add_argument("--seconds-per-batch", type=float)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder) / "corpus.txt"
        corpus.write_text(f"{SENTENCE}\n" * N_DOCUMENTS)
        alone = None
        for workers in (0, 1, 2):
            notes = Path(folder) / f"notes{workers}"
            notes.mkdir()
            annotator = TimedAnnotator(
                options.model,
                ["person", "city"],
                device="cpu",
                notes=str(notes),
                seconds=options.seconds_per_batch,
            )
            if workers:
                annotate_files(
                    [str(corpus)],
                    f"{folder}/out{workers}",
                    annotator,
                    workers=workers,
                    batch_size=BATCH_SIZE,
                    part_bytes=PART_BYTES,
                    quiet=True,
                )
            else:
                source = TextSource(list_files([str(corpus)]), part_bytes=PART_BYTES)
                for part in source.parts():
                    annotate_table(annotator, source.read(part), BATCH_SIZE)
            rate = _rate([json.loads(path.read_text()) for path in notes.iterdir()])
            alone = alone or rate
            name = f"ray, {workers} worker(s)" if workers else "one process"
            print(f"{name}: {rate:.0f} words/s, {rate / alone:.2f} of one process", flush=True)


def _rate(batches: list[dict[str, Any]]) -> float:
    # Where all workers are at work: the second one may start late.
    begun = max(
        min(b["start"] for b in batches if b["process"] == process)
        for process in {b["process"] for b in batches}
    )
    counted = [b for b in batches if b["start"] >= begun]
    seconds = max(b["end"] for b in counted) - begun
    words = len(SENTENCE.split()) * N_DOCUMENTS * len(counted) / len(batches)
    return words / seconds


if __name__ == "__main__":
    main()
