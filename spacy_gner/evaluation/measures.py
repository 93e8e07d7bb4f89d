"""All measures of one data set, and of several on average."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ..errors import Errors
from .breakdown import score_by_length, score_by_seen
from .calibration import score_calibration
from .matching_speed import measure_matching
from .mistakes import BOUNDARY, CORRECT, NOISY, SPURIOUS, UNLABELED, score_mistakes
from .records import ScoredSentence
from .repair import DEFAULT_READING, Reading, score_repair
from .strict import score_strict
from .uniner import score_uniner


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
    _check_labels(name, sentences)
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
        "repair": score_repair(sentences, reading),
        "matching": measure_matching(sentences, reading),
        "speed": score_speed(sentences),
    }


def _check_labels(name: str, sentences: Sequence[ScoredSentence]) -> None:
    for number, sentence in enumerate(sentences, 1):
        unasked = sorted({mention.label for mention in sentence.gold} - set(sentence.labels))
        if unasked:
            raise ValueError(Errors.E304.format(name=name, number=number, labels=unasked))


def score_speed(sentences: Sequence[ScoredSentence]) -> dict[str, float | None]:
    """Time and forward passes of the predictions.

    sentences (Sequence[ScoredSentence]): The sentences.
    RETURNS (dict): `seconds`, `sentences_per_second`, `forward_passes` (sum),
        `forward_passes_per_sentence`, and `hit_max_forks`, the share of the prompts whose
        search was cut short; None where they were not recorded.
    """
    timed = [sentence.seconds for sentence in sentences if sentence.seconds is not None]
    seconds = sum(timed)
    passes = [
        output.forward_passes
        for sentence in sentences
        for output in sentence.outputs
        if output.forward_passes is not None
    ]
    searches = [
        output.hit_max_forks
        for sentence in sentences
        for output in sentence.outputs
        if output.hit_max_forks is not None
    ]
    return {
        "seconds": seconds if timed else None,
        "sentences_per_second": len(timed) / seconds if seconds else None,
        "forward_passes": sum(passes) if passes else None,
        "forward_passes_per_sentence": sum(passes) / len(sentences) if passes else None,
        "hit_max_forks": sum(searches) / len(searches) if searches else None,
    }


def average_datasets(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Unweighted means over data sets, as in the paper's "Avg." columns.

    results (Sequence[Mapping]): Of `score_dataset`.
    RETURNS (dict): `n_sets`, and means of `strict` and `uniner` p, r, f, of the shares of
        `mistakes` and of the shares of `repair`. Sets without a figure are left out of
        its mean.
    """
    kinds = (CORRECT, UNLABELED, NOISY, BOUNDARY, SPURIOUS)
    repairs = [result["repair"] for result in results if result["repair"]]
    shares = ("omissions", "additions", "substitutions", "any")
    return {
        "n_sets": len(results),
        **{
            key: {x: _mean([result[key][x] for result in results]) for x in "prf"}
            for key in ("strict", "uniner")
        },
        "mistakes": {
            kind: _mean([result["mistakes"][kind] for result in results]) for kind in kinds
        },
        "repair": {
            **{share: _mean([repair[share] for repair in repairs]) for share in shares},
            **{
                key: {v: _mean([repair[key][v] for repair in repairs]) for v in repairs[0][key]}
                for key in ("strict", "uniner")
            },
        }
        if repairs
        else None,
    }


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
