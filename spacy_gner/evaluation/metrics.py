"""All measures of an evaluation, and metrics.json, which holds them."""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ..about import __version__
from ..corpora.writers.records import json_text
from ..errors import Errors
from .mistakes import KINDS, score_mistakes
from .outputs import DEFAULT_READING, SHARES, Reading, score_outputs
from .records import ScoredSentence, sentence_to_json
from .scores import (
    score_by_length,
    score_by_seen,
    score_calibration,
    score_strict,
    score_uniner,
)

FORMAT = 2
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
        records = [sentence_to_json(sentence, with_outputs=False) for sentence in batch]
        datasets.append({**result, "sentences": records})
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


def score_dataset(
    name: str,
    sentences: Sequence[ScoredSentence],
    seen_labels: Collection[str] | None = None,
    reading: Reading = DEFAULT_READING,
) -> dict[str, Any]:
    """Measure everything that the report shows for one data set.

    name (str): Of the data set.
    sentences (Sequence[ScoredSentence]): Its sentences.
    seen_labels (Collection[str] | None): Labels that the model was trained with.
    reading (Reading): How to read the raw outputs.
    RETURNS (dict): JSON values; docs/metrics.md says what each key means.
    RAISES (ValueError): E303 without sentences, E304 where gold has a label that the
        model was not asked for.
    """
    if not sentences:
        raise ValueError(Errors.E303.format(name=name))
    for number, sentence in enumerate(sentences, 1):
        unasked = sorted({mention.label for mention in sentence.gold} - set(sentence.labels))
        if unasked:
            raise ValueError(Errors.E304.format(name=name, number=number, labels=unasked))
    return {
        "name": name,
        "n_sentences": len(sentences),
        "n_words": sum(len(sentence.words) for sentence in sentences),
        "n_gold": sum(len(sentence.gold) for sentence in sentences),
        "n_predicted": sum(len(sentence.predicted) for sentence in sentences),
        "labels": sorted({label for sentence in sentences for label in sentence.labels}),
        "strict": score_strict(sentences),
        "uniner": score_uniner(sentences),
        "mistakes": score_mistakes(sentences),
        "calibration": score_calibration(sentences),
        "by_length": score_by_length(sentences),
        "by_seen": None if seen_labels is None else score_by_seen(sentences, seen_labels),
        "outputs": score_outputs(sentences, reading),
        "speed": score_speed(sentences),
    }


def score_speed(sentences: Sequence[ScoredSentence]) -> dict[str, float | None]:
    """Time and forward passes of the predictions.

    sentences (Sequence[ScoredSentence]): The sentences.
    RETURNS (dict): `seconds`, `sentences_per_second`, `forward_passes` (sum),
        `forward_passes_per_sentence`, and `cut_short`, the share of the prompts whose
        search was cut short; None where they were not recorded.
    """
    timed = [sentence.seconds for sentence in sentences if sentence.seconds is not None]
    seconds = sum(timed)
    answers = [output.generation for sentence in sentences for output in sentence.outputs]
    passes = sum(answer.forward_passes for answer in answers)
    searches = [answer.cut_short for answer in answers if answer.forks is not None]
    return {
        "seconds": seconds if timed else None,
        "sentences_per_second": len(timed) / seconds if seconds else None,
        "forward_passes": passes or None,
        "forward_passes_per_sentence": passes / len(sentences) if passes else None,
        "cut_short": sum(searches) / len(searches) if searches else None,
    }


def average_datasets(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Unweighted means over data sets, as in the paper's "Avg." columns.

    results (Sequence[Mapping]): Of `score_dataset`.
    RETURNS (dict): `n_sets`, and means of `strict` and `uniner` p, r, f, and of the shares of
        `mistakes` and `outputs`. Sets without a figure are left out of its mean.
    """
    outputs = [result["outputs"] for result in results if result["outputs"]]
    return {
        "n_sets": len(results),
        **{
            key: {x: _mean([result[key][x] for result in results]) for x in "prf"}
            for key in ("strict", "uniner")
        },
        "mistakes": {
            kind: _mean([result["mistakes"][kind] for result in results]) for kind in KINDS
        },
        "outputs": {share: _mean([part[share] for part in outputs]) for share in SHARES}
        if outputs
        else None,
    }


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def save_metrics(metrics: Mapping[str, Any], path: Path) -> None:
    """Write metrics.json, compact: it holds every sentence.

    metrics (Mapping): Of `build_metrics`.
    path (Path): The file.
    """
    text = json_text(metrics, separators=(",", ":"))
    path.write_text(text + "\n", encoding="utf8")


def load_metrics(path: Path) -> dict[str, Any]:
    """Read a metrics.json, or the one in a directory.

    path (Path): The file, or the output directory of an evaluation.
    RETURNS (dict): As of `build_metrics`.
    RAISES (ValueError): E310 if it is none.
    """
    file = path / FILE_NAME if path.is_dir() else path
    try:
        metrics: dict[str, Any] = json.loads(file.read_text(encoding="utf8"))
        if metrics["format"] != FORMAT:
            raise ValueError(f"format {metrics['format']}, expected {FORMAT}")
    except (OSError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise ValueError(Errors.E310.format(path=file, error=error)) from None
    return metrics
