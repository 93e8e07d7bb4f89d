"""From a name, a directory or a saved pipeline to a pipeline with `gner`."""

import importlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import spacy
from spacy import util
from spacy.language import Language
from thinc.api import ConfigValidationError

from ..errors import Errors
from ..formats.checkpoints import FREE_TEXT, blocks_of, writes_free_text
from ..formats.labels import LabelsInput
from .factory import DEFAULT_CONFIG
from .gner import GNER
from .settings import CHECKS

_TEXTS_AT_A_TIME = 32


def load(
    model: str | Path | None = None,
    labels: LabelsInput | None = None,
    *,
    lang: str = "en",
    device: str | None = None,
    dtype: str | None = None,
    decoder: str | Mapping[str, Any] | None = None,
    settings: Mapping[str, Any] | None = None,
) -> Language:
    """Load a pipeline that has a `gner` component, or build one around a language model.

    model (str | Path | None): The directory of a saved spaCy pipeline, an installed pipeline
        package, or the name or directory of a language model. None is the default model.
    labels (Sequence[str] | Mapping[str, str] | None): What to look for; None keeps the labels
        of a saved pipeline.
    lang (str): The language of the tokenizer, for a new pipeline.
    device (str | None): "auto", "cpu", "cuda:0", "mps"; None keeps what the config says.
    dtype (str | None): "auto", "float32", "bfloat16", "float16"; None keeps what the config says.
    decoder (str | Mapping[str, Any] | None): A registered decoder, such as
        "spacy_gner.ExactSearch.v1", or its config block with options.
    settings (Mapping[str, Any] | None): More fields of the component's config, such as
        {"threshold": 0.5}.
    Known checkpoints of other systems (`spacy_gner.formats.checkpoints`) get the format that
    they were trained with, unless `settings` names one; a format that writes free text gets a
    decoder for it, unless one is given.

    RETURNS (Language): The pipeline. The weights of a new pipeline are loaded with its first
        text, those of a saved one at once.
    RAISES (ValueError): E029 for a pipeline without the component, E037 for fields that a
        config does not have, E203 for an unknown decoder, and what the component raises.
    """
    config = dict(settings or {})
    if isinstance(decoder, str) and not util.registry.has("misc", decoder):
        made = util.registry.misc.get_all().items()
        names = [f'"{name}"' for name, value in sorted(made) if hasattr(value, "format_type")]
        raise ValueError(
            Errors.E203.format(name="decoder", value=decoder, choices=", ".join(names))
        )
    if decoder is not None:
        config["decoder"] = {"@misc": decoder} if isinstance(decoder, str) else dict(decoder)
    given = {"device": device, "dtype": dtype}
    where = {key: value for key, value in given.items() if value is not None}
    directory = None if model is None else pipeline_directory(str(model))
    if directory is None:
        return _build(None if model is None else str(model), labels, lang, where, config)
    name = _component_name(directory)
    saved = util.load_config(directory / "config.cfg")
    block = saved["components"][name]
    block["model"].update(where)
    # Blocks make other objects and belong to the config; plain settings can be changed. They are
    # put there by hand, since early versions of confection override single values only.
    block.update({field: config.pop(field) for field in list(config) if field not in CHECKS})
    with _coded_errors():
        nlp = util.load_model_from_config(saved, meta=util.get_model_meta(directory))
    nlp.from_disk(directory)
    component: Any = nlp.get_pipe(name)
    component.change_settings(**config)
    if labels is not None:
        component.set_labels(labels)
    return nlp


def find_component(nlp: Language) -> GNER:
    """Find the `gner` component of a pipeline, whatever its name.

    nlp (Language): The pipeline.
    RETURNS (GNER): The first one, if there are several.
    RAISES (ValueError): E029 if there is none.
    """
    for name in nlp.pipe_names:
        component = nlp.get_pipe(name)
        if isinstance(component, GNER):
            return component
    raise ValueError(Errors.E029.format(path=nlp.path, found=", ".join(nlp.pipe_names)))


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


def read_labels(text: str) -> Any:
    """Read labels from a cell of a table.

    text (str): JSON, or as `parse_labels` reads it.
    RETURNS (list | dict | None): The labels; None where there is nothing.
    RAISES (ValueError): For broken JSON.
    """
    if not text.strip():
        return None
    return json.loads(text) if text.lstrip().startswith(("[", "{")) else parse_labels(text)


def _build(
    model: str | None,
    labels: LabelsInput | None,
    lang: str,
    where: Mapping[str, str],
    config: dict[str, Any],
) -> Language:
    nlp = spacy.blank(lang)
    # Texts that are handed to a process at a time: with spaCy's 1000, `n_process` does nothing
    # for the hundreds of texts that keep a CPU busy for minutes.
    nlp.batch_size = _TEXTS_AT_A_TIME
    # Sentences are what the models were trained on, and where long texts are cut.
    nlp.add_pipe("sentencizer")
    known = blocks_of(model)
    architecture: dict[str, Any] = {
        "@architectures": "spacy_gner.Transformer.v1",
        **known.pop("model", {}),
    }
    config = {**known, **config}
    if "decoder" not in config and writes_free_text(config.get("format")):
        config["decoder"] = dict(FREE_TEXT)
    if model is not None:
        architecture["name"] = model
    architecture.update(where)
    with _coded_errors():
        component: Any = nlp.add_pipe("gner", config={**config, "model": architecture})
    if labels is not None:
        component.set_labels(labels)
    return nlp


@contextmanager
def _coded_errors() -> Iterator[None]:
    """Say in one line what spaCy says in a dump of the whole config (E037)."""
    try:
        yield
    except ConfigValidationError as error:
        reasons = []
        for found in error.errors or ():
            place = list(map(str, found.get("loc", ())))
            # Of the component itself, which early versions of confection do not name; blocks
            # within it have other fields.
            near = get_close_matches(place[-1], DEFAULT_CONFIG, 1) if 0 < len(place) < 3 else []
            # A field that exists has a value that is wrong.
            hint = f" (did you mean {near[0]}?)" if near and near[0] != place[-1] else ""
            reasons.append(f"{'.'.join(place)}: {found.get('msg')}{hint}")
        raise ValueError(Errors.E037.format(reason="; ".join(reasons) or error.title)) from error


def pipeline_directory(model: str) -> Path | None:
    """RETURNS (Path | None): Where a saved or installed pipeline lies; None for the name or
    directory of a language model."""
    path = Path(model)
    if path.is_dir():
        return path if (path / "meta.json").is_file() else None
    if not util.is_package(model):
        return None
    package = Path(importlib.import_module(model).__file__ or "").parent
    meta = util.get_model_meta(package)
    return package / f"{meta['lang']}_{meta['name']}-{meta['version']}"


def _component_name(directory: Path) -> str:
    # Overrides name the component, so it has to be known before the pipeline is loaded.
    config = util.load_config(directory / "config.cfg")
    pipeline = config.get("nlp", {}).get("pipeline", [])
    for name in pipeline:
        if config.get("components", {}).get(name, {}).get("factory") == "gner":
            return str(name)
    raise ValueError(Errors.E029.format(path=directory, found=", ".join(pipeline)))
