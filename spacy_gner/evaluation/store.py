"""Predictions on disk, so that an interrupted evaluation continues where it stopped."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .records import Mention, RawOutput, ScoredSentence


def fingerprint(configuration: Mapping[str, Any]) -> str:
    """A short name for a configuration: equal configurations, equal names.

    configuration (Mapping): JSON values.
    RETURNS (str): 16 hexadecimal digits.
    """
    text = json.dumps(configuration, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf8")).hexdigest()[:16]


class PredictionStore:
    """A JSONL file of predictions that belong to one configuration.

    The first line holds the fingerprint and the configuration; each other line one
    sentence. Lines are only appended, so that whatever was predicted before an
    interruption is there; a line that was cut off by it is dropped.

    path (Path): The file.
    configuration (Mapping): What the predictions depend on.
    """

    def __init__(self, path: Path, configuration: Mapping[str, Any]):
        self.path = path
        self.done: dict[tuple[str, int], ScoredSentence] = {}
        self.replaced = False
        name = fingerprint(configuration)
        header = {"fingerprint": name, "configuration": configuration}
        if not self._read(name):
            self.replaced = path.is_file()
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(header, ensure_ascii=False) + "\n", encoding="utf8")

    def add(self, dataset: str, numbered: Mapping[int, ScoredSentence]) -> None:
        """Append predictions and make sure that they are on disk.

        dataset (str): The name of the data set.
        numbered (Mapping[int, ScoredSentence]): Index in the data set to sentence.
        """
        with open(self.path, "a", encoding="utf8") as file:
            for index, sentence in numbered.items():
                self.done[dataset, index] = sentence
                record = {"dataset": dataset, "index": index, **sentence_to_json(sentence)}
                file.write(json.dumps(record, ensure_ascii=False) + "\n")

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
        except (IndexError, KeyError, TypeError, ValueError):
            self.done.clear()
            return False
        whole = b"\n".join(lines) + b"\n"
        if len(whole) < len(content):
            self.path.write_bytes(whole)
        return True


def sentence_to_json(sentence: ScoredSentence) -> dict[str, Any]:
    """Turn a sentence into JSON values.

    sentence (ScoredSentence): The sentence.
    RETURNS (dict): For `sentence_from_json`.
    """
    scores = sentence.scores or (None,) * len(sentence.predicted)
    outputs = []
    for output in sentence.outputs:
        record: dict[str, Any] = {"text": output.text}
        if output.words != sentence.words:
            record["words"] = output.words
        if not output.complete:
            record["complete"] = False
        if output.forward_passes is not None:
            record["forward_passes"] = output.forward_passes
        if output.wordings is not None:
            record["wordings"] = output.wordings
        if output.hit_max_forks is not None:
            record["hit_max_forks"] = output.hit_max_forks
        outputs.append(record)
    return {
        "words": sentence.words,
        "labels": sentence.labels,
        "gold": sentence.gold,
        "predicted": [[*m, s] for m, s in zip(sentence.predicted, scores, strict=True)],
        "outputs": outputs,
        "seconds": sentence.seconds,
    }


def sentence_from_json(record: Mapping[str, Any]) -> ScoredSentence:
    """The inverse of `sentence_to_json`.

    record (Mapping): JSON values; further keys do not matter.
    RETURNS (ScoredSentence): The sentence.
    """
    words = tuple(record["words"])
    return ScoredSentence(
        words=words,
        labels=tuple(record["labels"]),
        gold=tuple(Mention(*mention) for mention in record["gold"]),
        predicted=tuple(Mention(*mention[:3]) for mention in record["predicted"]),
        scores=tuple(mention[3] for mention in record["predicted"]),
        outputs=tuple(
            RawOutput(
                tuple(output.get("words", words)),
                output["text"],
                output.get("complete", True),
                output.get("forward_passes"),
                tuple(output["wordings"]) if "wordings" in output else None,
                output.get("hit_max_forks"),
            )
            for output in record.get("outputs", ())
        ),
        seconds=record.get("seconds"),
    )
