"""What `python -m spacy_gner calibrate` does, behind its options."""

import math
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..backbones.calibration import Calibration, temper
from ..backbones.settings import DEFAULT_MODEL
from ..backbones.sources import adapter_directory
from ..errors import Errors
from ..pipeline.shim import get_shim
from .predict import run_predictions
from .records import ScoredSentence
from .run import Selection, System, read_datasets
from .scores import score_calibration
from .store import FILE_NAME, PredictionStore

# Fewer predictions say nothing about probabilities.
MIN_PREDICTIONS = 50


@dataclass(frozen=True)
class Calibrated:
    """The outcome of a calibration.

    temperature (float): As fitted.
    dtype (str): The precision that it is for.
    n (int): Predictions.
    n_right (int): Those that are right.
    before (float): Expected calibration error of the scores as the decoder finds them.
    after (float): With the temperature, on the same predictions.
    path (Path): The file that was written.
    """

    temperature: float
    dtype: str
    n: int
    n_right: int
    before: float
    after: float
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
    """Fit a temperature and write it.

    system (System): What is calibrated.
    data (Mapping[str, str]): Data set to path.
    selection (Selection): Which sentences.
    folder (Path): Where to write; temperatures for other precisions that are there are kept.
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
    sentences = [sentence for rows in by_set.values() for sentence in rows]
    temperature = fit_temperature(sentences)
    before = score_calibration(sentences)
    after = score_calibration(tempered(sentences, temperature))
    assert before is not None and after is not None
    folder.mkdir(parents=True, exist_ok=True)
    path = known.with_temperature(dtype, round(temperature, 3)).write(folder)
    n_right = sum(mention in row.gold for row in sentences for mention in row.predicted)
    return Calibrated(temperature, dtype, before["n"], n_right, before["ece"], after["ece"], path)


def fit_temperature(sentences: Sequence[ScoredSentence]) -> float:
    """Find the temperature that makes the scores of predictions most likely, given which are
    right: the minimum of the mean negative log-likelihood (Guo et al. 2017, section 4.2), which has
    one valley only in the inverse of the temperature.

    sentences (Sequence[ScoredSentence]): Predictions whose scores are as the decoder found them.
    RETURNS (float): In [0.1, 20].
    RAISES (ValueError): E322 when there are too few predictions, or all are right, or none is.
    """
    pairs = [
        (score, mention in set(sentence.gold))
        for sentence in sentences
        for mention, score in zip(sentence.predicted, sentence.scores, strict=False)
        if score is not None
    ]
    n_right = sum(right for _, right in pairs)
    if len(pairs) < MIN_PREDICTIONS or n_right in (0, len(pairs)):
        raise ValueError(
            Errors.E322.format(n=len(pairs), n_right=n_right, at_least=MIN_PREDICTIONS)
        )

    def cost(inverse: float) -> float:
        total = 0.0
        for score, right in pairs:
            p = temper(score, 1 / inverse)
            total -= math.log(max(p if right else 1 - p, 1e-12))
        return total / len(pairs)

    low, high = 0.05, 10.0
    ratio = (math.sqrt(5) - 1) / 2
    while high - low > 1e-4:
        left, right = high - ratio * (high - low), low + ratio * (high - low)
        if cost(left) <= cost(right):
            high = right
        else:
            low = left
    return 2 / (low + high)


def tempered(sentences: Iterable[ScoredSentence], temperature: float) -> list[ScoredSentence]:
    """RETURNS (list[ScoredSentence]): The sentences with scores as a temperature makes them."""
    return [
        replace(
            sentence,
            scores=tuple(None if s is None else temper(s, temperature) for s in sentence.scores),
        )
        for sentence in sentences
    ]
