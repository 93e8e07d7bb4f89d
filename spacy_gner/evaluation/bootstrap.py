"""Is one system better than another? Paired bootstrap over the sentences."""

from collections.abc import Mapping
from typing import Any

import numpy

# At most this many sampled indices are held at once.
_CHUNK = 2_000_000


def paired_bootstrap(
    first: Mapping[str, numpy.ndarray],
    second: Mapping[str, numpy.ndarray],
    n_samples: int = 1000,
    seed: int = 0,
) -> dict[str, Any]:
    """Compare the F1 of two systems on the same sentences (Koehn 2004, Berg-Kirkpatrick
    et al. 2012).

    Sentences are drawn with replacement, the same for both systems, each data set for
    itself. The average is over the data sets of one draw.

    first (Mapping[str, ndarray]): Data set to counts, *Shape: (N, 3)*: hits, false alarms
        and misses per sentence, of the first system.
    second (Mapping[str, ndarray]): The same of the second system, for the same sentences.
    n_samples (int): How many times to draw.
    seed (int): Of the random numbers: the same seed gives the same result.
    RETURNS (dict): `sets`: data set to `first`, `second` (F1), `difference` (second less
        first), `low`, `high` (95% interval of the difference) and `p` (two-sided: twice
        the share of draws in which the difference has the other sign or is zero, at
        most 1, with one draw added so that it is never 0); `average`: the same over the
        data sets. All None-free, F1 without any entity is 0.
    """
    generator = numpy.random.default_rng(seed)
    sets: dict[str, Any] = {}
    drawn_first, drawn_second = [], []
    for name in first:
        a, b = _draw(first[name], second[name], n_samples, generator)
        drawn_first.append(a)
        drawn_second.append(b)
        sets[name] = _summary(_f1(first[name].sum(0)), _f1(second[name].sum(0)), b - a)
    mean_first = sum(part["first"] for part in sets.values()) / len(sets)
    mean_second = sum(part["second"] for part in sets.values()) / len(sets)
    differences = numpy.mean(drawn_second, axis=0) - numpy.mean(drawn_first, axis=0)
    return {"sets": sets, "average": _summary(mean_first, mean_second, differences)}


def _draw(
    first: numpy.ndarray, second: numpy.ndarray, n_samples: int, generator: numpy.random.Generator
) -> tuple[numpy.ndarray, numpy.ndarray]:
    n = len(first)
    both = numpy.concatenate([first, second], axis=1).astype("int64")
    sums = numpy.empty((n_samples, both.shape[1]), dtype="int64")
    step = max(1, _CHUNK // n)
    for start in range(0, n_samples, step):
        size = min(step, n_samples - start)
        indices = generator.integers(0, n, size=(size, n))
        sums[start : start + size] = both[indices].sum(1)
    return _f1(sums[:, :3]), _f1(sums[:, 3:])


def _f1(counts: numpy.ndarray) -> Any:
    hits, false_alarms, misses = counts[..., 0], counts[..., 1], counts[..., 2]
    # 2 tp / (2 tp + fp + fn) is 0 / 0 only where there is nothing to find: 0 there.
    return 2 * hits / numpy.maximum(2 * hits + false_alarms + misses, 1)


def _summary(first: float, second: float, differences: numpy.ndarray) -> dict[str, float]:
    difference = float(second) - float(first)
    against = differences <= 0 if difference > 0 else differences >= 0
    low, high = numpy.percentile(differences, [2.5, 97.5])
    p = 2 * (int(against.sum()) + 1) / (len(differences) + 1)
    return {
        "first": float(first),
        "second": float(second),
        "difference": difference,
        "low": float(low),
        "high": float(high),
        "p": min(1.0, p),
    }
