"""What `python -m spacy_gner evaluate` does, behind its options."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from spacy.util import registry
from wasabi import Printer

from ..backbones.default_model import DEFAULT_MODEL
from ..errors import Errors
from ..matching import make_back_tokeniser
from ..report.component import ComponentPredictor, model_identity
from ..report.data import read_dataset
from ..report.foreign import read_predictions
from ..report.metrics import build_metrics
from ..report.runner import run_predictions
from ..report.store import PredictionStore, fingerprint
from .pipelines import make_pipeline


def score_predictions(
    path: Path,
    tokenizer: str | None,
    dropped: Sequence[str],
    limit: int | None,
    seen_labels: Path | None,
) -> dict[str, Any]:

    back_tokeniser = None
    if tokenizer is not None:
        from transformers import AutoTokenizer

        try:
            back_tokeniser = make_back_tokeniser(AutoTokenizer.from_pretrained(tokenizer))
        except OSError as error:
            raise ValueError(str(error)) from None
    sentences = read_predictions(path, dropped, limit, back_tokeniser)
    configuration = {
        "predictions": str(path),
        "tokenizer": tokenizer,
        "limit": limit,
        "dropped labels": list(dropped),
        "seen labels": seen_labels and str(seen_labels),
    }
    seen = read_seen_labels(seen_labels)
    return build_metrics(sentences, {"name": path.name}, configuration, seen, back_tokeniser)


def evaluate_model(
    model: str | None,
    pairs: dict[str, str],
    decoder: str | None,
    options: dict[str, Any],
    device: str | None,
    drawn: dict[str, Any],
    dropped: Sequence[str],
    seen_labels: Path | None,
    output: Path,
    batch_size: int,
    msg: Printer,
) -> dict[str, Any]:

    seen = read_seen_labels(seen_labels)
    datasets = [
        read_dataset(name, Path(path), **drawn, drop_labels=dropped) for name, path in pairs.items()
    ]
    predictor = load_predictor(model, decoder, options, device)
    configuration = {
        "data": pairs,
        **drawn,
        "dropped labels": list(dropped),
        "device": device,
        "seen labels": seen_labels and str(seen_labels),
    }
    system = {
        "name": model or DEFAULT_MODEL,
        "decoder": predictor.decoder_name(decoder),
        "decoder options": options,
    }
    identity = {
        "model": model_identity(model or DEFAULT_MODEL),
        **system,
        "device": device,
        "sentences": {
            dataset.name: fingerprint(
                {"labels": dataset.labels, "sentences": [list(s.words) for s in dataset.sentences]}
                | {"gold": [list(s.mentions) for s in dataset.sentences]}
            )
            for dataset in datasets
        },
    }
    store = PredictionStore(output / "predictions.jsonl", identity)
    if store.replaced:
        msg.warn("The configuration changed: earlier predictions are replaced.")
    elif store.done:
        msg.info(f"Continuing: {len(store.done)} sentences were predicted before.")
    sentences = run_predictions(datasets, predictor, store, batch_size)
    system |= predictor.describe()
    return build_metrics(sentences, system, configuration, seen, predictor.back_tokeniser)


def read_pairs(values: Sequence[str], option: str, example: str) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for value in values:
        name, separator, rest = value.partition("=")
        if not (separator and name and rest) or name in pairs:
            form = "KEY=VALUE" if option == "decoder-option" else "NAME=PATH"
            raise ValueError(
                Errors.E312.format(option=option, value=value, form=form, example=example)
            )
        pairs[name] = rest
    return pairs


def read_options(values: Sequence[str]) -> dict[str, Any]:
    options: dict[str, Any] = {}
    for key, text in read_pairs(values, "decoder-option", "beam_size=4").items():
        try:
            options[key] = json.loads(text)
        except ValueError:
            options[key] = text
    return options


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
        `spacy_gner.Auto.v1` takes as `name`; None is the embedded default.
    decoder (str | None): A registered decoder. None takes that of the pipeline, or the
        default of the component.
    decoder_options (Mapping | None): Arguments of that decoder.
    device (str | None): "auto", "cpu", "cuda:0"; None keeps the config's.
    RETURNS (ComponentPredictor): The predictor.
    RAISES (ValueError): E315 for decoder options without a decoder, and what the
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
