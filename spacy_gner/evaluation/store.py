"""Predictions on disk, so that an interrupted evaluation continues where it stopped."""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..corpora.writers.records import json_text
from ..errors import Errors
from .records import ScoredSentence, sentence_from_json, sentence_to_json

FILE_NAME = "predictions.jsonl"


def fingerprint(configuration: Mapping[str, Any]) -> str:
    """A short name for a configuration: equal configurations, equal names.

    configuration (Mapping): JSON values.
    RETURNS (str): 16 hexadecimal digits.
    """
    text = json_text(configuration, sort_keys=True)
    return hashlib.sha256(text.encode("utf8")).hexdigest()[:16]


class PredictionStore:
    """A JSONL file of predictions that belong to one configuration.

    The first line holds the fingerprint and the configuration; each other line one
    sentence. Lines are only appended, so that whatever was predicted before an
    interruption is there; a line that was cut off by it is dropped.

    path (Path): The file. Where it holds something else, that is kept under another name.
    configuration (Mapping): What the predictions depend on.

    The attribute `kept_as` (Path | None) says under which name.
    """

    def __init__(self, path: Path, configuration: Mapping[str, Any]):
        self.path = path
        self.done: dict[tuple[str, int], ScoredSentence] = {}
        self.kept_as: Path | None = None
        name = fingerprint(configuration)
        header = {"fingerprint": name, "configuration": configuration}
        if not self._read(name):
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.is_file():
                self.kept_as = _free_name(path)
                path.rename(self.kept_as)
            path.write_text(json_text(header) + "\n", encoding="utf8")

    def add(self, dataset: str, numbered: Mapping[int, ScoredSentence]) -> None:
        """Append predictions and make sure that they are on disk.

        dataset (str): The name of the data set.
        numbered (Mapping[int, ScoredSentence]): Index in the data set to sentence.
        """
        with open(self.path, "a", encoding="utf8") as file:
            for index, sentence in numbered.items():
                self.done[dataset, index] = sentence
                record = {"dataset": dataset, "index": index, **sentence_to_json(sentence)}
                file.write(json_text(record) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def _read(self, expected: str) -> bool:
        if not self.path.is_file():
            return False
        content = self.path.read_bytes()
        lines = content.split(b"\n")[:-1]  # what follows the last line end was cut off
        try:
            if json.loads(lines[0])["fingerprint"] != expected:
                return False
            for line in lines[1:]:
                record = json.loads(line)
                self.done[record["dataset"], record["index"]] = sentence_from_json(record)
        except (IndexError, KeyError, TypeError, ValueError, RecursionError):
            self.done.clear()
            return False
        whole = b"\n".join(lines) + b"\n"
        if len(whole) < len(content):
            self.path.write_bytes(whole)
        return True


def _free_name(path: Path) -> Path:
    number = 1
    while (free := path.with_name(f"{path.stem}-{number}{path.suffix}")).exists():
        number += 1
    return free


def load_predictions(path: Path) -> dict[str, list[ScoredSentence]]:
    """Read the predictions of a finished evaluation, with their raw outputs.

    path (Path): predictions.jsonl, or the output directory of an evaluation.
    RETURNS (dict[str, list[ScoredSentence]]): Data set to sentences, in its order.
    RAISES (ValueError): E310 if it is none.
    """
    file = path / FILE_NAME if path.is_dir() else path
    found: dict[str, dict[int, ScoredSentence]] = {}
    try:
        with file.open("rb") as lines:
            json.loads(next(lines))["fingerprint"]
            for line in lines:
                record = json.loads(line)
                numbered = found.setdefault(record["dataset"], {})
                numbered[record["index"]] = sentence_from_json(record)
    except (OSError, StopIteration, KeyError, TypeError, ValueError, RecursionError) as error:
        raise ValueError(Errors.E310.format(path=file, error=error)) from None
    return {name: [batch[i] for i in sorted(batch)] for name, batch in found.items()}
