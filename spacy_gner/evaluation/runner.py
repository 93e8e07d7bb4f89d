"""Predict the sentences of data sets, with a progress bar, continuing earlier runs."""

import sys
from collections.abc import Callable, Iterator, Sequence
from time import perf_counter

from tqdm import tqdm

from ..errors import Errors
from ..pipeline.predictions import DocPrediction
from .data import DataSet, GoldSentence
from .records import Mention, RawOutput, ScoredSentence
from .store import PredictionStore

# Words and labels in, one prediction for each out.
Question = tuple[Sequence[str], Sequence[str]]
Predictor = Callable[[Sequence[Question]], Sequence[DocPrediction]]


def run_predictions(
    datasets: Sequence[DataSet],
    predict: Predictor,
    store: PredictionStore,
    batch_size: int = 32,
    progress: bool = True,
) -> dict[str, list[ScoredSentence]]:
    """Predict what the store does not hold yet.

    Sentences of about equal length are predicted together. Each batch is on disk before
    the next one starts.

    datasets (Sequence[DataSet]): The data sets, of different names.
    predict (Callable): Takes (words, labels) pairs, returns a DocPrediction for each.
    store (PredictionStore): Holds earlier predictions; gets the new ones.
    batch_size (int): Sentences per call of `predict`.
    progress (bool): Whether to show a progress bar on stderr.
    RETURNS (dict[str, list[ScoredSentence]]): Data set to its sentences, in its order.
    RAISES (ValueError): E308 if the predictor gives another number of predictions.
    """
    todo = {
        dataset.name: [
            index
            for index in range(len(dataset.sentences))
            if (dataset.name, index) not in store.done
        ]
        for dataset in datasets
    }
    total = sum(len(dataset.sentences) for dataset in datasets)
    bar = tqdm(
        total=total,
        initial=total - sum(map(len, todo.values())),
        unit="sentence",
        file=sys.stderr,
        disable=not progress,
    )
    with bar:
        for dataset in datasets:
            bar.set_description(dataset.name)
            for indices in _batches(dataset, todo[dataset.name], batch_size):
                store.add(dataset.name, _predict_batch(dataset, indices, predict))
                bar.update(len(indices))
    return {
        dataset.name: [store.done[dataset.name, index] for index in range(len(dataset.sentences))]
        for dataset in datasets
    }


def _batches(dataset: DataSet, indices: list[int], size: int) -> Iterator[list[int]]:
    by_length = sorted(indices, key=lambda index: len(dataset.sentences[index].words))
    for start in range(0, len(by_length), size):
        yield by_length[start : start + size]


def _predict_batch(
    dataset: DataSet, indices: list[int], predict: Predictor
) -> dict[int, ScoredSentence]:
    sentences = [dataset.sentences[index] for index in indices]
    start = perf_counter()
    predictions = predict([(sentence.words, dataset.labels_of(sentence)) for sentence in sentences])
    seconds = (perf_counter() - start) / len(indices)
    if len(predictions) != len(indices):
        raise ValueError(Errors.E308.format(n=len(indices), m=len(predictions)))
    return {
        index: _scored(sentence, dataset.labels_of(sentence), prediction, seconds)
        for index, sentence, prediction in zip(indices, sentences, predictions, strict=True)
    }


def _scored(
    sentence: GoldSentence, labels: tuple[str, ...], prediction: DocPrediction, seconds: float
) -> ScoredSentence:
    return ScoredSentence(
        words=sentence.words,
        labels=labels,
        gold=sentence.mentions,
        predicted=tuple(Mention(e.start, e.end, e.label) for e in prediction.entities),
        scores=tuple(float(e.score) for e in prediction.entities),
        outputs=tuple(
            RawOutput(
                tuple(window.words),
                window.generation.text,
                window.generation.complete,
                window.generation.forward_passes,
                _wordings(window.wordings, labels),
                None if window.generation.forks is None else window.generation.cut_short,
            )
            for window in prediction.windows
        ),
        seconds=seconds,
    )


def _wordings(prompted: Sequence[str], labels: Sequence[str]) -> tuple[str, ...] | None:
    """The wordings of a prompt, where it asks for all labels and in other words."""
    is_other = tuple(prompted) != tuple(labels) and len(prompted) == len(labels)
    return tuple(prompted) if is_other else None
