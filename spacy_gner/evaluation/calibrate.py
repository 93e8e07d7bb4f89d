"""What `python -m spacy_gner calibrate` does, behind its options."""

import math
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean

from ..backbones.calibration import Calibration, Scale, log_odds
from ..backbones.settings import DEFAULT_MODEL
from ..backbones.sources import adapter_directory
from ..errors import Errors
from ..pipeline.shim import get_shim
from .data import Selection
from .predict import run_predictions
from .records import ScoredSentence
from .run import System, read_datasets
from .scores import score_calibration
from .store import FILE_NAME, PredictionStore

# Fewer predictions say nothing about probabilities.
MIN_PREDICTIONS = 50


@dataclass(frozen=True)
class Calibrated:
    """The outcome of a calibration.

    scale (Scale): As fitted, with the threshold.
    dtype (str): The precision that it is for.
    n (int): Predictions.
    n_right (int): Those that are right.
    before (float): Expected calibration error of the scores as the decoder finds them.
    after (float): That of scores corrected by what was fitted on the other half.
    f1_before (float): Strict F1 of all predictions, the mean of the data sets, in [0, 1].
    f1_after (float): That of the predictions above the threshold that was fitted on the other half.
    path (Path): The file that was written.
    """

    scale: Scale
    dtype: str
    n: int
    n_right: int
    before: float
    after: float
    f1_before: float
    f1_after: float
    path: Path


def calibration_directory(model: str | None) -> Path | None:
    """Where the calibration of a model belongs.

    model (str | None): A saved pipeline, a directory of a language model or an adapter, a
        name; None is the embedded default.
    RETURNS (Path | None): None for what is no directory.
    """
    if model is None or model == DEFAULT_MODEL:
        return adapter_directory()
    path = Path(model)
    if not path.is_dir():
        return None
    # In a saved pipeline it is with the model of the component, whatever that is called.
    backbones = sorted(path.glob("*/model/backbone.json"))
    return backbones[0].parent if len(backbones) == 1 else path


def calibrate_system(
    system: System, data: Mapping[str, str], selection: Selection, folder: Path
) -> Calibrated:
    """Fit a scale with its threshold, and write it.

    system (System): What is calibrated.
    data (Mapping[str, str]): Data set to path.
    selection (Selection): Which sentences.
    folder (Path): Where to write; scales for other precisions that are there are kept.
    RETURNS (Calibrated): What was found.
    RAISES (ValueError): E322 for too few predictions, E036 for a broken file that is
        there, and what `read_datasets` and the system raise.
    """
    known = Calibration.read(folder) or Calibration({})
    datasets = read_datasets(data, selection, system.tokenizer())
    predictor = system.load()
    shim = get_shim(predictor.component.model)
    dtype = shim.backbone.dtype
    # Scores as the decoder finds them, and those of all entities.
    shim.calibration = None
    predictor.component.threshold = None
    with tempfile.TemporaryDirectory(prefix="spacy-gner-") as temporary:
        store = PredictionStore(Path(temporary) / FILE_NAME, {})
        by_set = run_predictions(datasets, predictor, store)
    scale = fit(by_set)
    corrected = cross_fitted(by_set)
    sentences = [sentence for rows in by_set.values() for sentence in rows]
    before = score_calibration(sentences)
    after = score_calibration(row for rows, _ in corrected for row in rows)
    assert before is not None and after is not None
    folder.mkdir(parents=True, exist_ok=True)
    return Calibrated(
        scale,
        dtype,
        before["n"],
        sum(mention in row.gold for row in sentences for mention in row.predicted),
        before["ece"],
        after["ece"],
        mean_f1(by_set.values()),
        mean_f1(kept for _, kept in corrected),
        known.with_scale(dtype, scale).write(folder),
    )


def fit(datasets: Mapping[str, Sequence[ScoredSentence]], at_least: int = MIN_PREDICTIONS) -> Scale:
    """Find the scale of all sentences, and the threshold with the highest mean F1 of the data sets.

    F1 is highest where all entities are kept that are right with a probability of half of this F1
    or more (Lipton et al. 2014, "Optimal Thresholding of Classifiers to Maximize F1 Measure"): a
    decoder, which takes an entity where it is likelier than all else, keeps too many.

    datasets (Mapping[str, Sequence[ScoredSentence]]): Predictions whose scores are as the decoder
        found them.
    at_least (int): See `fit_scale`.
    RETURNS (Scale): With its threshold, in steps of 0.01; 0 where none helps.
    RAISES (ValueError): E322, as `fit_scale`.
    """
    scale = fit_scale([row for rows in datasets.values() for row in rows], at_least)
    corrected = [_outcomes(scaled(rows, scale)) for rows in datasets.values()]
    steps = [i / 100 for i in range(100)]
    return replace(scale, threshold=max(steps, key=lambda x: (_f1_above(corrected, x), -x)))


def _outcomes(sentences: Iterable[ScoredSentence]) -> tuple[list[tuple[float, bool]], int]:
    """RETURNS (tuple): Score and rightness of every prediction, and the number of gold entities.
    What has no score is above any threshold."""
    pairs, n_gold = [], 0
    for sentence in sentences:
        n_gold += len(sentence.gold)
        for mention, score in zip(sentence.predicted, sentence.scores, strict=False):
            pairs.append((1.0 if score is None else score, mention in sentence.gold))
    return pairs, n_gold


def _f1_above(datasets: Iterable[tuple[list[tuple[float, bool]], int]], threshold: float) -> float:
    """RETURNS (float): The mean F1 of the data sets, without the predictions that score lower."""
    values = []
    for pairs, n_gold in datasets:
        kept = [right for score, right in pairs if score >= threshold]
        if kept or n_gold:
            values.append(2 * sum(kept) / (len(kept) + n_gold))
    return mean(values or [0.0])


def fit_scale(sentences: Sequence[ScoredSentence], at_least: int = MIN_PREDICTIONS) -> Scale:
    """Find the scale that makes the scores of predictions most likely, given which are right: the
    minimum of the mean negative log-likelihood, by Newton's method (it is convex).

    sentences (Sequence[ScoredSentence]): Predictions whose scores are as the decoder found them.
    at_least (int): How many predictions there must be.
    RETURNS (Scale): Its temperature is in [0.1, 20].
    RAISES (ValueError): E322 when there are too few predictions, or all are right, or none is.
    """
    pairs = [
        (log_odds(score), float(mention in sentence.gold))
        for sentence in sentences
        for mention, score in zip(sentence.predicted, sentence.scores, strict=False)
        if score is not None
    ]
    n_right = int(sum(right for _, right in pairs))
    if len(pairs) < at_least or n_right in (0, len(pairs)):
        raise ValueError(Errors.E322.format(n=len(pairs), n_right=n_right, at_least=at_least))
    # Where all is about as likely as not, Newton's steps are sure; at 1 they may explode.
    slope, shift = 0.1, 0.0
    for _ in range(100):
        gradient, hessian = _derivatives(pairs, slope, shift)
        determinant = hessian[0] * hessian[2] - hessian[1] ** 2
        step = (hessian[2] * gradient[0] - hessian[1] * gradient[1]) / determinant
        target = min(10.0, max(0.05, slope - min(1.0, max(-1.0, step))))
        # The best shift for this slope, whether or not the slope was held at its bound.
        shift_step = (gradient[1] + hessian[1] * (target - slope)) / hessian[2]
        moved = max(abs(target - slope), abs(shift_step))
        slope, shift = target, shift - min(1.0, max(-1.0, shift_step))
        if moved < 1e-6:
            break
    return Scale(round(1 / slope, 4), round(shift, 4))


def _derivatives(
    pairs: Sequence[tuple[float, float]], slope: float, shift: float
) -> tuple[tuple[float, float], tuple[float, float, float]]:
    """RETURNS (tuple): The gradient by slope and shift, and the second derivatives by slope, both,
    and shift."""
    # A touch of ridge towards 1 and 0 keeps steps finite where one score tells all.
    ridge = 1e-4 * len(pairs)
    d_slope, d_shift = ridge * (slope - 1), ridge * shift
    h_slope = h_shift = ridge
    h_both = 0.0
    for x, right in pairs:
        p = 1 / (1 + math.exp(-(slope * x + shift)))
        weight = p * (1 - p)
        d_slope += (p - right) * x
        d_shift += p - right
        h_slope += weight * x * x
        h_shift += weight
        h_both += weight * x
    return (d_slope, d_shift), (h_slope, h_both, h_shift)


def scaled(sentences: Iterable[ScoredSentence], scale: Scale) -> list[ScoredSentence]:
    """RETURNS (list[ScoredSentence]): The sentences with corrected scores."""
    return [
        replace(s, scores=tuple(None if x is None else scale(x) for x in s.scores))
        for s in sentences
    ]


def above(sentences: Iterable[ScoredSentence], threshold: float) -> list[ScoredSentence]:
    """RETURNS (list[ScoredSentence]): The sentences without predictions that score lower. What has
    no score stays."""
    result = []
    for sentence in sentences:
        pairs = zip(sentence.predicted, sentence.scores, strict=False)
        kept = [(m, score) for m, score in pairs if score is None or score >= threshold]
        predicted, scores = tuple(m for m, _ in kept), tuple(score for _, score in kept)
        result.append(replace(sentence, predicted=predicted, scores=scores))
    return result


def mean_f1(datasets: Iterable[Iterable[ScoredSentence]]) -> float:
    """RETURNS (float): Strict F1 in [0, 1], the mean of the data sets that have any."""
    return _f1_above(map(_outcomes, datasets), 0.0)


def cross_fitted(
    datasets: Mapping[str, Sequence[ScoredSentence]],
) -> list[tuple[list[ScoredSentence], list[ScoredSentence]]]:
    """How good a calibration is on sentences that it does not know.

    datasets (Mapping[str, Sequence[ScoredSentence]]): See `fit`.
    RETURNS (list[tuple[list[ScoredSentence], list[ScoredSentence]]]): Of each data set, the
        sentences with scores that a scale corrects which was fitted on the other half of all; and
        the same without the predictions below its threshold.
    RAISES (ValueError): E322, as `fit_scale`, for a half.
    """
    halves = [{name: rows[i::2] for name, rows in datasets.items()} for i in (0, 1)]
    scales = [fit(half, MIN_PREDICTIONS // 2) for half in reversed(halves)]
    result = []
    for name in datasets:
        pairs = [
            (scaled(half[name], scale), scale) for half, scale in zip(halves, scales, strict=True)
        ]
        corrected = [row for rows, _ in pairs for row in rows]
        kept = [row for rows, scale in pairs for row in above(rows, scale.threshold)]
        result.append((corrected, kept))
    return result
