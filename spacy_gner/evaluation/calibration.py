"""Whether the score of an entity says how likely it is to be right."""

from collections.abc import Iterable
from typing import Any

from .records import ScoredSentence

N_BINS = 10


def score_calibration(
    sentences: Iterable[ScoredSentence], n_bins: int = N_BINS
) -> dict[str, Any] | None:
    """Reliability curve and expected calibration error of the scores of the predictions.

    A prediction is right where span and label are. The expected calibration error is
    the mean over the predictions of |precision - mean score| of their bin (Guo et al.
    2017, "On Calibration of Modern Neural Networks", with bins of equal width).

    sentences (Iterable[ScoredSentence]): The sentences; predictions without a score
        are left out.
    n_bins (int): Bins over [0, 1]; the last one includes 1.
    RETURNS (dict | None): `ece` in [0, 1], `n` predictions, `bins` with `lower`,
        `upper`, `n`, `confidence` (mean score) and `precision` (both None when
        empty). None when no prediction has a score.
    """
    totals = [0] * n_bins
    hits = [0] * n_bins
    sums = [0.0] * n_bins
    for sentence in sentences:
        gold = set(sentence.gold)
        for mention, score in zip(sentence.predicted, sentence.scores, strict=False):
            if score is None:
                continue
            index = min(int(score * n_bins), n_bins - 1)
            totals[index] += 1
            hits[index] += mention in gold
            sums[index] += score
    n = sum(totals)
    if n == 0:
        return None
    return {
        "ece": sum(abs(hit - total) for hit, total in zip(hits, sums, strict=True)) / n,
        "n": n,
        "bins": [
            {
                "lower": index / n_bins,
                "upper": (index + 1) / n_bins,
                "n": totals[index],
                "confidence": sums[index] / totals[index] if totals[index] else None,
                "precision": hits[index] / totals[index] if totals[index] else None,
            }
            for index in range(n_bins)
        ],
    }
