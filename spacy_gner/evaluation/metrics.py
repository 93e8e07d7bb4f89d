"""The machine-readable result of an evaluation: metrics.json."""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ..about import __version__
from ..errors import Errors
from .breakdown import score_by_length
from .calibration import score_calibration
from .measures import average_datasets, score_dataset
from .records import Mention, ScoredSentence
from .repair import DEFAULT_READING, Reading

FORMAT = 1
FILE_NAME = "metrics.json"


def build_metrics(
    sentences: Mapping[str, Sequence[ScoredSentence]],
    system: Mapping[str, Any],
    configuration: Mapping[str, Any],
    seen_labels: Collection[str] | None = None,
    reading: Reading = DEFAULT_READING,
) -> dict[str, Any]:
    """Measure all data sets.

    sentences (Mapping[str, Sequence[ScoredSentence]]): Data set to its sentences.
    system (Mapping): What was evaluated: `name`, and where they are known `decoder`,
        `parameters`, `device`.
    configuration (Mapping): How: data files, limit, seed, dropped labels.
    seen_labels (Collection[str] | None): Labels that the model was trained with.
    reading (Reading): How to read the raw outputs.
    RETURNS (dict): JSON values, see docs/metrics.md.
    RAISES (ValueError): E303 and E304, see `score_dataset`.
    """
    datasets = []
    for name, batch in sentences.items():
        result = score_dataset(name, batch, seen_labels, reading)
        datasets.append({**result, "sentences": [_sentence(sentence) for sentence in batch]})
    together = [sentence for batch in sentences.values() for sentence in batch]
    return {
        "format": FORMAT,
        "spacy_gner": __version__,
        "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "system": dict(system),
        "configuration": dict(configuration),
        "average": average_datasets(datasets),
        "together": {
            "calibration": score_calibration(together),
            "by_length": score_by_length(together),
        },
        "datasets": datasets,
    }


def _sentence(sentence: ScoredSentence) -> dict[str, Any]:
    scores = sentence.scores or (None,) * len(sentence.predicted)
    return {
        "words": list(sentence.words),
        "gold": [list(mention) for mention in sentence.gold],
        "predicted": [[*m, s] for m, s in zip(sentence.predicted, scores, strict=True)],
    }


def sentence_mentions(record: Mapping[str, Any]) -> tuple[list[Mention], list[Mention]]:
    """The entities of a sentence of metrics.json.

    record (Mapping): An item of `sentences`.
    RETURNS (tuple[list[Mention], list[Mention]]): Gold and predicted.
    """
    return (
        [Mention(*mention[:3]) for mention in record["gold"]],
        [Mention(*mention[:3]) for mention in record["predicted"]],
    )


def save_metrics(metrics: Mapping[str, Any], path: Path) -> None:
    """Write metrics.json, compact: it holds every sentence.

    metrics (Mapping): Of `build_metrics`.
    path (Path): The file.
    """
    text = json.dumps(metrics, ensure_ascii=False, separators=(",", ":"))
    path.write_text(text + "\n", encoding="utf8")


def load_metrics(path: Path) -> dict[str, Any]:
    """Read a metrics.json, or the one in a directory.

    path (Path): The file, or the output directory of an evaluation.
    RETURNS (dict): As of `build_metrics`.
    RAISES (ValueError): E310 if it is none.
    """
    file = path / FILE_NAME if path.is_dir() else path
    try:
        metrics = json.loads(file.read_text(encoding="utf8"))
        if metrics["format"] != FORMAT:
            raise ValueError(f"format {metrics['format']}, expected {FORMAT}")
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise ValueError(Errors.E310.format(path=file, error=error)) from None
    return metrics
