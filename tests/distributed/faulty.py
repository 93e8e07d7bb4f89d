"""Annotators that misbehave, and a driver to be killed."""

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from spacy_gner.pipeline.annotator import Annotator


class SlowAnnotator(Annotator):
    """Notes its process in a directory, and takes its time for every batch."""

    def __init__(self, *args: Any, notes: str, seconds: float, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.notes = notes
        self.seconds = seconds

    def __call__(self, batch: Any) -> dict[str, Any]:
        (Path(self.notes) / str(os.getpid())).touch()
        time.sleep(self.seconds)
        return super().__call__(batch)


class DeadlyAnnotator(Annotator):
    """Is killed by the text "kill me", as by the kernel when memory is short."""

    def __call__(self, batch: Any) -> dict[str, Any]:
        if any(text == "kill me" for text in batch["text"]):
            os.kill(os.getpid(), signal.SIGKILL)
        return super().__call__(batch)


if __name__ == "__main__":
    from spacy_gner.distributed.ray_data import annotate_files

    address, model, corpus, output, notes = sys.argv[1:]
    slow = SlowAnnotator(
        model,
        ["person", "city"],
        device="cpu",
        decoder={"@misc": "spacy_gner.ExactSearch.v1", "max_forks_per_word": 0},
        notes=notes,
        seconds=0.5,
    )
    annotate_files([corpus], output, slow, address=address, workers=2, batch_size=3, part_bytes=150)
