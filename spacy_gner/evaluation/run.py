"""What `python -m spacy_gner evaluate` does, behind its options."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import spacy
from spacy import util
from spacy.language import Language
from spacy.util import registry
from wasabi.printer import Printer

from ..about import __version__
from ..backbones.settings import DEFAULT_MODEL
from ..errors import Errors
from ..matching import make_back_tokenizer
from ..pipeline.loading import find_component, load, pipeline_directory
from .data import DataSet, Selection, read_dataset
from .metrics import build_metrics
from .native import format_of, word_tokenizer
from .outputs import Reading, read_predictions
from .predict import ComponentPredictor, model_identity, run_predictions
from .records import sentence_to_json
from .store import FILE_NAME, PredictionStore, fingerprint


@dataclass(frozen=True)
class System:
    """What is evaluated.

    model (str | None): A saved pipeline (directory or package), or what
        `spacy_gner.Transformer.v1` takes as `name`; None is the embedded default.
    decoder (str | None): A registered decoder. None takes that of the pipeline, or the
        default of the component.
    decoder_options (Mapping[str, Any]): Arguments of that decoder.
    device (str | None): "auto", "cpu", "cuda:0"; None keeps the config's.
    lang (str): Language of the tokenizer, where there is no saved pipeline.
    format (str | None): A registered format, where there is no saved pipeline. None takes the
        default of the component.
    dtype (str | None): "float32", "bfloat16", "float16"; None keeps the config's.
    """

    model: str | None = None
    decoder: str | None = None
    decoder_options: Mapping[str, Any] = field(default_factory=dict)
    device: str | None = None
    lang: str = "en"
    format: str | None = None
    dtype: str | None = None

    @property
    def name(self) -> str:
        """RETURNS (str): The model's name."""
        return self.model or DEFAULT_MODEL

    @property
    def folder(self) -> str:
        """RETURNS (str): What to call its folder, beside those of other systems."""
        last = re.split(r"[\\/]", self.name.rstrip("\\/"))[-1]
        parts = [last, *([] if self.format is None else self.format.split(".")[-2:-1])]
        return re.sub(r"[^\w.-]+", "_", "-".join(parts)).strip(".") or "run"

    def tokenizer(self) -> Language:
        """RETURNS (Language): A pipeline without components that splits text into words as the
        evaluated one does. No weights are loaded."""
        if self._directory is None:
            return spacy.blank(self.lang)
        names = util.load_config(self._directory / "config.cfg")["nlp"]["pipeline"]
        return util.load_model_from_path(self._directory, exclude=names)

    @property
    def _directory(self) -> Path | None:
        return None if self.model is None else pipeline_directory(self.model)

    def load(self) -> ComponentPredictor:
        """Load the pipeline, or put the language model into a blank one.

        RETURNS (ComponentPredictor): The predictor.
        RAISES (ValueError): E315 for decoder options without a decoder, E317 for options
            that it does not take, E325 for the format of a saved pipeline, and what the
            pipeline and the component raise.
        """
        if self.format is not None and self._directory is not None:
            raise ValueError(Errors.E325.format(format=self.format, model=self.model))
        options = dict(self.decoder_options)
        if self.decoder is None and options:
            raise ValueError(Errors.E315)
        if self.decoder is not None and options:
            try:
                registry.get("misc", self.decoder)(**options)
            except TypeError as error:
                message = Errors.E317.format(decoder=self.decoder, error=error)
                raise ValueError(message) from None
        decoder = None if self.decoder is None else {"@misc": self.decoder, **options}
        settings = {} if self.format is None else {"format": {"@misc": self.format}}
        where = {"device": self.device, "dtype": self.dtype}
        nlp = load(self.model, lang=self.lang, decoder=decoder, settings=settings, **where)
        return ComponentPredictor(nlp, find_component(nlp))


def read_datasets(data: Mapping[str, str], selection: Selection, nlp: Language) -> list[DataSet]:
    """Read data sets.

    data (Mapping[str, str]): Name to path.
    selection (Selection): Which sentences.
    nlp (Language): Splits running text into words.
    RETURNS (list[DataSet]): The data sets.
    RAISES (ValueError): What `read_dataset` raises.
    """
    return [read_dataset(name, Path(path), selection, nlp) for name, path in data.items()]


def evaluate_system(
    system: System,
    data: Mapping[str, str],
    selection: Selection,
    output: Path,
    seen_labels: Path | None = None,
    batch_size: int = 32,
) -> dict[str, Any]:
    """Predict data sets and measure the predictions. Continues an interrupted run.

    system (System): What is evaluated.
    data (Mapping[str, str]): Data set to path.
    selection (Selection): Which sentences.
    output (Path): The directory for predictions.jsonl.
    seen_labels (Path | None): See `read_seen_labels`.
    batch_size (int): Sentences per batch.
    RETURNS (dict): Of `build_metrics`.
    RAISES (ValueError): E316, and what `read_dataset` and the system raise.
    """
    seen = read_seen_labels(seen_labels)
    # The data comes first: its faults are found in seconds, loading a model takes longer.
    datasets = read_datasets(data, selection, system.tokenizer())
    predictor = system.load()
    # The weights are loaded here, not within the time of the first batch.
    described = {
        "name": system.name,
        "decoder": system.decoder or predictor.decoder_name(),
        "decoder options": dict(system.decoder_options),
        **predictor.describe(),
    }
    overlap = selection.spans_key is not None
    # What the predictions depend on. The path of a data set is not among it, its content is.
    identity = {
        "spacy_gner": __version__,
        "model": model_identity(system.name),
        "component": predictor.identity(),
        **described,
        "overlap": overlap,
        "data": {dataset.name: _content(dataset) for dataset in datasets},
    }
    store = PredictionStore(output / FILE_NAME, identity)
    msg = Printer()
    if store.kept_as is not None:
        msg.warn(f"The configuration changed: earlier predictions are kept in {store.kept_as}.")
    elif store.done:
        msg.info(f"Continuing: {len(store.done)} sentences were predicted before.")
    sentences = run_predictions(datasets, predictor, store, batch_size, may_overlap=overlap)
    configuration = {"data": dict(data), **_describe(selection, seen_labels)}
    metrics = build_metrics(sentences, described, configuration, seen, predictor.reading)
    metrics["read"] = {dataset.name: dataset.record for dataset in datasets}
    return metrics


def _content(dataset: DataSet) -> str:
    sentences = [sentence_to_json(sentence) for sentence in dataset.sentences]
    return fingerprint({"labels": dataset.labels, "sentences": sentences})


def score_predictions(
    path: Path,
    tokenizer: str | None,
    selection: Selection,
    output: Path,
    seen_labels: Path | None = None,
    format: str | None = None,
    gold: Path | None = None,
    lang: str = "en",
) -> dict[str, Any]:
    """Measure the raw outputs of another system.

    path (Path): The outputs, see `read_predictions`.
    tokenizer (str | None): The tokenizer of the system, for back tokenization.
    selection (Selection): Of it, all but `split` and `spans_key` counts.
    output (Path): The directory for predictions.jsonl: the outputs as those of a model are kept.
    seen_labels (Path | None): See `read_seen_labels`.
    format (str | None): The registered format of the outputs; None is that of the system that
        writes such files.
    gold (Path | None): See `read_predictions`.
    lang (str): The language of the tokenizer that splits running text.
    RETURNS (dict): Of `build_metrics`.
    RAISES (ValueError): E316, E319, and what `read_predictions` raises.
    """
    seen = read_seen_labels(seen_labels)
    back_tokenizer = None
    if tokenizer is not None:
        from transformers import AutoTokenizer

        try:
            loaded = AutoTokenizer.from_pretrained(tokenizer)  # type: ignore[no-untyped-call]
        except (OSError, ValueError) as error:
            raise ValueError(Errors.E319.format(tokenizer=tokenizer, error=error)) from None
        back_tokenizer = make_back_tokenizer(loaded)
    form = format_of(path, gold) if format is None else registry.get("misc", format)()
    reading = Reading(form, back_tokenizer)
    sentences = read_predictions(path, selection, reading, gold, word_tokenizer(lang))
    configuration = {
        "predictions": str(path),
        **({} if gold is None else {"gold": str(gold)}),
        "tokenizer": tokenizer,
        "format": form.name,
        **_describe(selection, seen_labels),
    }
    metrics = build_metrics(sentences, {"name": path.name}, configuration, seen, reading)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    store = PredictionStore(output / FILE_NAME, {**configuration, "outputs": digest})
    for name, batch in sentences.items():
        store.add(name, dict(enumerate(batch)))
    return metrics


def _describe(selection: Selection, seen_labels: Path | None) -> dict[str, Any]:
    described = {key.replace("_", " "): value for key, value in asdict(selection).items()}
    return {**described, "seen labels": seen_labels and str(seen_labels)}


def choose_folders(systems: Sequence[System], output: Path) -> list[Path]:
    """A folder for each of several systems: that of the output where there is only one.

    systems (Sequence[System]): The systems.
    output (Path): The directory.
    RETURNS (list[Path]): Named by the systems, numbered where names are alike.
    """
    if len(systems) == 1:
        return [output]
    folders: list[Path] = []
    for system in systems:
        folder, number = output / system.folder, 1
        while folder in folders:
            number += 1
            folder = output / f"{system.folder}-{number}"
        folders.append(folder)
    return folders


# --- options ---------------------------------------------------------------------------


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
        except (ValueError, RecursionError):
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
    except (OSError, ValueError, RecursionError) as error:
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
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(Errors.E316.format(path=path, error=error)) from None
    labels = [label.strip() for label in labels if isinstance(label, str) and label.strip()]
    if not labels:
        raise ValueError(Errors.E316.format(path=path, error="no label in it"))
    return labels
