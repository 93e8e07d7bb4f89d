"""Predict the sentences of data sets with a `gner` component, continuing earlier runs."""

import hashlib
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc
from spacy.util import minibatch
from tqdm import tqdm

from ..errors import Errors
from ..matching import make_back_tokenizer
from ..pipeline.gner import GNER
from ..pipeline.predictions import DocPrediction
from ..pipeline.shim import get_shim
from .data import DataSet
from .outputs import Reading
from .records import Mention, ScoredSentence
from .store import PredictionStore

# Sentences in, one prediction for each out.
Predictor = Callable[[Sequence[ScoredSentence]], Sequence[DocPrediction]]


class ComponentPredictor:
    """Asks a `gner` component, with the labels of each sentence.

    nlp (Language): The pipeline. Its other components do not run.
    component (GNER): The component.
    """

    def __init__(self, nlp: Language, component: GNER):
        self.nlp = nlp
        self.component = component

    def __call__(self, sentences: Sequence[ScoredSentence]) -> Sequence[DocPrediction]:
        """Predict the entities of sentences.

        sentences (Sequence[ScoredSentence]): Their words and labels count.
        RETURNS (Sequence[DocPrediction]): One for each.
        """
        docs = []
        for sentence in sentences:
            doc = Doc(self.nlp.vocab, words=list(sentence.words))
            doc._.gner_labels = list(sentence.labels)
            docs.append(doc)
        return self.component.predict(docs)

    @property
    def reading(self) -> Reading:
        """RETURNS (Reading): How the raw outputs of this model are read. Loads the model."""
        tokenizer = get_shim(self.component.model).backbone.codec.tokenizer
        return Reading(
            self.component.format, make_back_tokenizer(tokenizer), self.component.matcher
        )

    def decoder_name(self) -> str:
        """RETURNS (str): The registered name of the decoder, as in the pipeline's config."""
        config = self.nlp.get_pipe_config(self.component.name)
        return str(config["decoder"].get("@misc", type(self.component.decoder).__name__))

    def describe(self) -> dict[str, Any]:
        """RETURNS (dict): `format`, `parameters` (how many the model has), `device` and `dtype`;
        for beam search `num_beams`. Loads the model."""
        backbone = get_shim(self.component.model).backbone
        parameters = list(backbone.model.parameters())
        num_beams = getattr(self.component.decoder, "num_beams", None)
        return {
            **({} if num_beams is None else {"num_beams": num_beams}),
            "format": self.component.format.name,
            "parameters": sum(parameter.numel() for parameter in parameters),
            "device": str(backbone.device),
            "dtype": backbone.dtype,
        }

    def identity(self) -> str:
        """What tells this component from another of the same name: its settings, a sample of its
        weights, and its calibration. Loads the model.

        RETURNS (str): 16 hexadecimal digits.
        """
        config = self.nlp.get_pipe_config(self.component.name)
        digest = hashlib.sha256(repr((config, self.component.labels)).encode("utf8"))
        shim = get_shim(self.component.model)
        for name, weight in shim.backbone.model.named_parameters():
            sample = weight.detach().flatten()[:256].float().cpu().numpy()
            digest.update(f"{name}{tuple(weight.shape)}".encode())
            digest.update(sample.tobytes())
        if shim.calibration is not None:
            digest.update(repr(sorted(shim.calibration.scales.items())).encode())
        return digest.hexdigest()[:16]


def model_identity(model: str) -> dict[str, Any]:
    """What tells one state of a model from another.

    model (str): A directory or a name.
    RETURNS (dict): `name`; for a directory also its files with sizes and times, so that
        a model that was trained further is not taken for the earlier one.
    """
    folder = Path(model)
    if not folder.is_dir():
        return {"name": model}
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        "name": str(folder.resolve()),
        "files": [
            [str(path.relative_to(folder)), path.stat().st_size, path.stat().st_mtime_ns]
            for path in files
        ],
    }


def run_predictions(
    datasets: Sequence[DataSet],
    predict: Predictor,
    store: PredictionStore,
    batch_size: int = 32,
    progress: bool = True,
    may_overlap: bool = False,
) -> dict[str, list[ScoredSentence]]:
    """Predict what the store does not hold yet.

    Sentences of about equal length are predicted together. Each batch is on disk before
    the next one starts.

    datasets (Sequence[DataSet]): The data sets, of different names.
    predict (Callable): Takes sentences, returns a DocPrediction for each.
    store (PredictionStore): Holds earlier predictions; gets the new ones.
    batch_size (int): Sentences per call of `predict`.
    progress (bool): Whether to show a progress bar on stderr.
    may_overlap (bool): Whether nested and overlapping predictions count, or the best ones.
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
            lengths = {index: len(dataset.sentences[index].words) for index in todo[dataset.name]}
            for indices in minibatch(sorted(lengths, key=lengths.__getitem__), batch_size):
                store.add(dataset.name, _predict_batch(dataset, indices, predict, may_overlap))
                bar.update(len(indices))
    return {
        dataset.name: [store.done[dataset.name, index] for index in range(len(dataset.sentences))]
        for dataset in datasets
    }


def _predict_batch(
    dataset: DataSet, indices: list[int], predict: Predictor, may_overlap: bool
) -> dict[int, ScoredSentence]:
    sentences = [dataset.sentences[index] for index in indices]
    start = perf_counter()
    predictions = predict(sentences)
    seconds = (perf_counter() - start) / len(indices)
    if len(predictions) != len(indices):
        raise ValueError(Errors.E308.format(n=len(indices), m=len(predictions)))
    found = [p.spans if may_overlap else p.entities for p in predictions]
    return {
        index: replace(
            sentence,
            predicted=tuple(Mention(e.start, e.end, e.label) for e in entities),
            scores=tuple(float(e.score) for e in entities),
            outputs=prediction.windows,
            seconds=seconds,
        )
        for index, sentence, prediction, entities in zip(
            indices, sentences, predictions, found, strict=True
        )
    }
