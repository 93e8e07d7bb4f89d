"""Predictions of other systems, in the format of the authors' script."""

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from ..corpora.files import iter_lines
from ..errors import Errors
from .data import draw
from .records import RawOutput, ScoredSentence, mentions_from_tags
from .repair import DEFAULT_READING, Reading, reread


def read_predictions(
    path: Path,
    drop_labels: Collection[str] = (),
    limit: int | None = None,
    seed: int = 0,
    label_names: Mapping[str, str] | None = None,
    reading: Reading = DEFAULT_READING,
) -> dict[str, list[ScoredSentence]]:
    """Read raw predictions and turn them into entities, without a model.

    A line is `{"dataset": ..., "label_list": [...], "instance": {"words": [...],
    "labels": [...]}, "prediction": "raw text"}`. `label_list` holds names of labels, or
    their tags ("B-person", "I-person").

    path (Path): JSONL, gzipped or not.
    drop_labels (Collection[str]): Labels that become O in gold and prediction.
    limit (int | None): Take so many sentences of each data set, drawn as `read_dataset` does.
    seed (int): Of the draw.
    label_names (Mapping[str, str] | None): Other names for labels; `drop_labels` are
        among the new ones.
    reading (Reading): How to read the raw outputs: with the tokenizer of the system.
    RETURNS (dict[str, list[ScoredSentence]]): Data set to sentences, in their order.
    RAISES (ValueError): E301, E302 for other tagging schemes, E303 for an empty file,
        E304 for gold labels that are not in `label_list`, E305 when there is no such
        file, E309 for a line of another form.
    """
    if not path.is_file():
        raise ValueError(Errors.E305.format(name="predictions", path=path, split="test"))
    sentences: dict[str, list[ScoredSentence]] = {}
    for number, line in iter_lines(path):
        if not line.strip():
            continue
        place = f"{path}:{number}"
        record = _parse(line, place)
        sentence = _sentence(record, set(drop_labels), label_names or {}, place)
        sentences.setdefault(record["dataset"], []).append(sentence)
    if not sentences:
        raise ValueError(Errors.E303.format(name=path))
    return {
        dataset: [reread(sentence, reading) for sentence in draw(batch, limit, seed)]
        for dataset, batch in sentences.items()
    }


def _parse(line: bytes, place: str) -> dict[str, Any]:
    try:
        record = json.loads(line)
        words, tags = record["instance"]["words"], record["instance"]["labels"]
        texts = [record["dataset"], record["prediction"], *record["label_list"], *words, *tags]
        if not all(isinstance(text, str) for text in texts):
            raise TypeError("expected strings")
        if len(words) != len(tags):
            raise ValueError(f"{len(words)} words but {len(tags)} labels")
    except (KeyError, TypeError, ValueError) as error:
        what = f"no {error}" if isinstance(error, KeyError) else error
        raise ValueError(Errors.E309.format(place=place, error=what)) from None
    return record


def _sentence(
    record: dict[str, Any], dropped: set[str], names: Mapping[str, str], place: str
) -> ScoredSentence:
    words = tuple(record["instance"]["words"])
    wordings = {label: names.get(label, label) for label in _label_names(record["label_list"])}
    wordings = {label: name for label, name in wordings.items() if name not in dropped}
    labels = tuple(wordings.values())
    mentions = mentions_from_tags(record["instance"]["labels"], place)
    renamed = (m._replace(label=names.get(m.label, m.label)) for m in mentions)
    gold = tuple(mention for mention in renamed if mention.label not in dropped)
    unasked = sorted({mention.label for mention in gold} - set(labels))
    if unasked:
        raise ValueError(Errors.E304.format(number=place, name=record["dataset"], labels=unasked))
    prompted = tuple(word for word in words if not word.isspace())
    # The system wrote the labels as they are in the file.
    written = tuple(wordings)
    output = RawOutput(
        prompted, record["prediction"], wordings=None if written == labels else written
    )
    return ScoredSentence(words, labels, gold, (), (), (output,))


def _label_names(label_list: list[str]) -> list[str]:
    names = [label for label in label_list if label != "O"]
    if names and all(name[:2] in ("B-", "I-") for name in names):
        names = [name[2:] for name in names]
    return list(dict.fromkeys(names))
