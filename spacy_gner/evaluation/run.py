"""What `python -m spacy_gner evaluate` does, behind its options."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from spacy.util import registry
from wasabi import Printer

from ..about import __version__
from ..errors import Errors
from ..matching import make_back_tokenizer
from ..pipeline.loading import make_pipeline
from .component import ComponentPredictor, model_identity
from .data import read_dataset
from .foreign import read_predictions
from .metrics import build_metrics
from .repair import Reading
from .runner import run_predictions
from .store import PredictionStore, fingerprint


@dataclass(frozen=True)
class Selection:
    """Which sentences are evaluated.

    split (str): The split to take from directories.
    limit (int | None): Sentences per data set.
    seed (int): Of their draw.
    drop_labels (tuple[str, ...]): Labels that become O.
    label_names (Mapping[str, str]): Other names for labels of the data sets.
    """

    split: str = "test"
    limit: int | None = None
    seed: int = 0
    drop_labels: tuple[str, ...] = ()
    label_names: Mapping[str, str] = field(default_factory=dict)


def score_predictions(
    path: Path, tokenizer: str | None, selection: Selection, seen_labels: Path | None
) -> dict[str, Any]:
    """Measure the raw outputs of another system.

    path (Path): JSONL in the authors' format.
    tokenizer (str | None): The tokenizer of the system, for back tokenization.
    selection (Selection): Of it, all but `split` counts.
    seen_labels (Path | None): See `read_seen_labels`.
    RETURNS (dict): Of `build_metrics`.
    RAISES (ValueError): E316, E319, and what `read_predictions` raises.
    """
    seen = read_seen_labels(seen_labels)
    reading = Reading()
    if tokenizer is not None:
        from transformers import AutoTokenizer

        try:
            loaded = AutoTokenizer.from_pretrained(tokenizer)
        except (OSError, ValueError) as error:
            raise ValueError(Errors.E319.format(tokenizer=tokenizer, error=error)) from None
        reading = Reading(back_tokenizer=make_back_tokenizer(loaded))
    sentences = read_predictions(
        path, selection.drop_labels, selection.limit, selection.seed, selection.label_names, reading
    )
    configuration = {
        "predictions": str(path),
        "tokenizer": tokenizer,
        "limit": selection.limit,
        "seed": selection.seed,
        "dropped labels": list(selection.drop_labels),
        "label names": dict(selection.label_names),
        "seen labels": seen_labels and str(seen_labels),
    }
    return build_metrics(sentences, {"name": path.name}, configuration, seen, reading)


def evaluate_predictor(
    predictor: ComponentPredictor,
    system: dict[str, Any],
    data: Mapping[str, str],
    selection: Selection,
    output: Path,
    seen_labels: Path | None = None,
    batch_size: int = 32,
    device: str | None = None,
) -> dict[str, Any]:
    """Predict data sets and measure the predictions. Continues an interrupted run.

    predictor (ComponentPredictor): What is evaluated.
    system (dict): `name` (that the model was loaded by), `decoder`, `decoder options`.
    data (Mapping[str, str]): Data set to path.
    selection (Selection): Which sentences.
    output (Path): The directory for predictions.jsonl.
    seen_labels (Path | None): See `read_seen_labels`.
    batch_size (int): Sentences per batch.
    device (str | None): What the user asked for, for the record.
    RETURNS (dict): Of `build_metrics`.
    RAISES (ValueError): E316, and what `read_dataset` and the predictor raise.
    """
    seen = read_seen_labels(seen_labels)
    chosen = asdict(selection)
    datasets = [read_dataset(name, Path(path), **chosen) for name, path in data.items()]
    # The weights are loaded here, not within the time of the first batch.
    described = {**system, **predictor.describe()}
    # What the predictions depend on. The path of a data set is not among it, its content is.
    identity = {
        "spacy_gner": __version__,
        "model": model_identity(system["name"]),
        "component": predictor.identity(),
        **described,
        "data": {dataset.name: fingerprint(asdict(dataset)) for dataset in datasets},
    }
    store = PredictionStore(output / "predictions.jsonl", identity)
    msg = Printer()
    if store.replaced:
        msg.warn("The configuration changed: earlier predictions are replaced.")
    elif store.done:
        msg.info(f"Continuing: {len(store.done)} sentences were predicted before.")
    sentences = run_predictions(datasets, predictor, store, batch_size)
    configuration = {
        "data": dict(data),
        "split": selection.split,
        "limit": selection.limit,
        "seed": selection.seed,
        "dropped labels": list(selection.drop_labels),
        "label names": dict(selection.label_names),
        "seen labels": seen_labels and str(seen_labels),
    }
    return build_metrics(sentences, described, configuration, seen, predictor.reading)


def read_pairs(values: Sequence[str], option: str, example: str) -> dict[str, str]:
    """Read options of the form NAME=VALUE.

    values (Sequence[str]): As given.
    option (str): The name of the option, for the message.
    example (str): How to write it, for the message.
    RETURNS (dict[str, str]): Name to value.
    RAISES (ValueError): E312 for another form, and for a name that is given twice.
    """
    pairs: dict[str, str] = {}
    for value in values:
        name, separator, rest = value.partition("=")
        if not (separator and name and rest) or name in pairs:
            raise ValueError(
                Errors.E312.format(option=option, value=value, form="NAME=VALUE", example=example)
            )
        pairs[name] = rest
    return pairs


def read_options(values: Sequence[str]) -> dict[str, Any]:
    """Read arguments of a decoder.

    values (Sequence[str]): NAME=VALUE, where VALUE is JSON or else a text.
    RETURNS (dict[str, Any]): Name to value.
    RAISES (ValueError): E312, see `read_pairs`.
    """
    options: dict[str, Any] = {}
    for key, text in read_pairs(values, "decoder-option", "num_beams=4").items():
        try:
            options[key] = json.loads(text)
        except ValueError:
            options[key] = text
    return options


def read_label_names(path: Path | None) -> dict[str, str]:
    """Read other names for labels.

    path (Path | None): A JSON object: name in the data to name in the prompt.
    RETURNS (dict[str, str]): The names; empty without a path.
    RAISES (ValueError): E320 if the file cannot be read or is something else.
    """
    if path is None:
        return {}
    try:
        names = json.loads(path.read_text(encoding="utf8"))
    except (OSError, ValueError) as error:
        raise ValueError(Errors.E320.format(path=path, error=error)) from None
    if not isinstance(names, dict) or not all(isinstance(v, str) and v for v in names.values()):
        raise ValueError(Errors.E320.format(path=path, error="not an object of names"))
    return names


def read_seen_labels(path: Path | None) -> list[str] | None:
    """Read the labels that a model was trained with.

    path (Path | None): A JSON list (or object with labels as keys), or one label per line.
    RETURNS (list[str] | None): The labels; None without a path.
    RAISES (ValueError): E316 if the file cannot be read or holds no label.
    """
    if path is None:
        return None
    try:
        text = path.read_text(encoding="utf8").strip()
        labels = list(json.loads(text)) if text[:1] in ("[", "{") else text.splitlines()
    except (OSError, ValueError) as error:
        raise ValueError(Errors.E316.format(path=path, error=error)) from None
    labels = [label.strip() for label in labels if isinstance(label, str) and label.strip()]
    if not labels:
        raise ValueError(Errors.E316.format(path=path, error="no label in it"))
    return labels


def load_predictor(
    model: str | None = None,
    decoder: str | None = None,
    decoder_options: Mapping[str, Any] | None = None,
    device: str | None = None,
) -> ComponentPredictor:
    """Load a pipeline, or put a language model into a blank one.

    model (str | None): A saved pipeline (directory or package), or what
        `spacy_gner.Transformer.v1` takes as `name`; None is the embedded default.
    decoder (str | None): A registered decoder. None takes that of the pipeline, or the
        default of the component.
    decoder_options (Mapping | None): Arguments of that decoder.
    device (str | None): "auto", "cpu", "cuda:0"; None keeps the config's.
    RETURNS (ComponentPredictor): The predictor.
    RAISES (ValueError): E315 for decoder options without a decoder, E317 for options
        that it does not take, and what the
        pipeline and the component raise.
    """
    if decoder_options and decoder is None:
        raise ValueError(Errors.E315)
    nlp, component = make_pipeline(model, None, device=device, decoder=decoder)
    if decoder is not None and decoder_options:
        try:
            component.decoder = registry.get("misc", decoder)(**decoder_options)
        except TypeError as error:
            raise ValueError(Errors.E317.format(decoder=decoder, error=error)) from None
    return ComponentPredictor(nlp, component)
