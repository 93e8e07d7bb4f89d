"""From the options of a command to a pipeline with `gner`."""

from pathlib import Path
from typing import Any

import spacy
from spacy.language import Language

from ..errors import Errors
from .settings import check_settings


def parse_labels(text: str) -> list[str] | dict[str, str]:
    """Read labels from one option.

    text (str): "person,city", or with entity labels of their own "PER=person,LOC=city".
    RETURNS (list[str] | dict[str, str]): Labels for the component.
    """
    parts = [part.strip() for part in text.split(",")]
    if not any("=" in part for part in parts):
        return parts
    pairs = [part.partition("=") for part in parts]
    return {name.strip(): (wording if sep else name).strip() for name, sep, wording in pairs}


def make_pipeline(
    model: str | None,
    labels: list[str] | dict[str, str] | None,
    lang: str = "en",
    device: str | None = None,
    decoder: str | None = None,
    settings: dict[str, Any] | None = None,
) -> tuple[Language, Any]:
    """Load a pipeline, or make a blank one around a model.

    model (str | None): A directory of a spaCy pipeline with `gner`, an installed pipeline
        package, or the name or directory of a language model; None is the default model.
    labels (list[str] | dict[str, str] | None): Labels; None keeps those of the pipeline.
    lang (str): The language of a blank pipeline.
    device (str | None): "auto", "cpu", "cuda:0"; None keeps the config's.
    decoder (str | None): A registered decoder, such as "spacy_gner.ExactSearch.v1".
    settings (dict | None): More fields of the component's config.
    RETURNS (tuple[Language, GNER]): The pipeline and its component.
    RAISES (ValueError): E029 for a pipeline without the component, and what the
        component raises.
    """
    settings = dict(settings or {})
    if model is not None and _is_pipeline(model):
        overrides: dict[str, Any] = {}
        nlp = spacy.load(model)
        name = next((n for n in nlp.pipe_names if nlp.get_pipe_meta(n).factory == "gner"), None)
        if name is None:
            raise ValueError(Errors.E029.format(path=model, found=", ".join(nlp.pipe_names)))
        if device is not None:
            overrides[f"components.{name}.model.device"] = device
        if decoder is not None:
            overrides[f"components.{name}.decoder"] = {"@misc": decoder}
        if overrides:
            nlp = spacy.load(model, config=overrides)
        component: Any = nlp.get_pipe(name)
        component.cfg.update(settings)
        fields = ("batch_size", "threshold", "set_ents", "spans_key")
        check_settings(**{field: component.cfg[field] for field in fields})
    else:
        nlp = spacy.blank(lang)
        # Sentences are what the models were trained on, and where long texts are cut.
        nlp.add_pipe("sentencizer")
        config: dict[str, Any] = dict(settings)
        architecture: dict[str, Any] = {"@architectures": "spacy_gner.Auto.v1"}
        if model is not None:
            architecture["name"] = model
        if device is not None:
            architecture["device"] = device
        config["model"] = architecture
        if decoder is not None:
            config["decoder"] = {"@misc": decoder}
        component = nlp.add_pipe("gner", config=config)
    if labels is not None:
        component.set_labels(labels)
    return nlp, component


def _is_pipeline(model: str) -> bool:
    if Path(model).is_dir():
        return (Path(model) / "meta.json").is_file()
    return spacy.util.is_package(model)
