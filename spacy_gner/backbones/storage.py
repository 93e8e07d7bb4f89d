"""A backbone on disk: a Hugging Face directory (safetensors), or a reference to one.

Layout of the directory:

    backbone.json   settings, family, whether the weights are here or elsewhere
    weights/        config.json, model.safetensors, tokenizer.json, …  (unless by reference)
    adapter/        a LoRA adapter in peft's format                    (when trained with LoRA)

The shims of spaCy-transformers keep weights in one bytestring of pickled tensors;
this needs no pickle, copes with tied weights and with more than 4 GiB.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import Errors
from .adapters import CONFIG, KeptAdapter, is_adapted, without_adapter
from .files import (
    check_links,
    make_world_readable,
    read_object,
    recover_directory,
    replaced_directory,
)
from .settings import BackboneSettings

if TYPE_CHECKING:
    from .backbone import Backbone

FORMAT = 2
_META = "backbone.json"
_WEIGHTS = "weights"
_ADAPTER = "adapter"


def save_backbone(
    path: Path,
    settings: BackboneSettings,
    backbone: "Backbone | None",
    modified: bool,
    trained: bool = False,
) -> None:
    """Write a backbone.

    path (Path): The directory; what it held of an earlier backbone is replaced in the end.
    settings (BackboneSettings): With `save_weights` false only a reference is written,
        and the LoRA adapter if there is one.
    backbone (Backbone | None): The loaded model; None writes a reference, since nothing
        was ever loaded that could be lost.
    modified (bool): Whether the weights are others than those of the source.
    trained (bool): Whether training changed them.
    RAISES (ValueError): E021 when a reference would lose what full training changed.
    """
    if path.is_dir() and any(path.iterdir()) and not (path / _META).is_file():
        raise ValueError(Errors.E046.format(path=path))
    adapted = backbone is not None and is_adapted(backbone.model)
    by_reference = backbone is None or not settings.save_weights
    kept = None if backbone is None or adapted or not by_reference else backbone.adapter
    if kept is not None and not kept.is_own:
        # It comes back with the source.
        kept = None
    if by_reference and modified and not adapted and kept is None:
        raise ValueError(Errors.E021)
    meta = {
        "format": FORMAT,
        "settings": settings.to_dict(),
        "family": None if backbone is None else backbone.family,
        "trained": trained,
        "weights": not by_reference,
        "adapter": adapted or kept is not None,
        "adapter_replaces": _replaces(backbone, kept),
    }
    with replaced_directory(path) as new:
        if backbone is not None:
            if not by_reference:
                _save_weights(new / _WEIGHTS, backbone)
            if adapted:
                _save_adapter(new / _ADAPTER, backbone)
            elif kept is not None:
                kept.write(new / _ADAPTER)
        (new / _META).write_text(json.dumps(meta, indent=1), encoding="utf8")


def _replaces(backbone: "Backbone | None", kept: KeptAdapter | None) -> bool:
    if kept is not None:
        return kept.replaces
    return backbone is not None and backbone.adapter_replaces


def read_meta(path: Path) -> tuple[dict[str, Any], BackboneSettings]:
    """Read what `save_backbone` wrote about a backbone.

    path (Path): The directory; it is put back first if a process was killed while it saved.
    RETURNS (tuple[dict[str, Any], BackboneSettings]): What is there, and the settings.
    RAISES (ValueError): E023 when it is not there, is of another shape, or was written by a newer
        version; E045 when it has links out of it.
    """
    recover_directory(path)
    meta = read_object(path / _META)
    if meta.get("format") != FORMAT:
        reason = f"its format is {meta.get('format')}, this version reads {FORMAT}"
        raise ValueError(Errors.E023.format(path=path, reason=reason))
    for name in ("weights", "adapter", "adapter_replaces"):
        if not isinstance(meta.get(name), bool):
            reason = f"{_META} does not say whether there is '{name}'"
            raise ValueError(Errors.E023.format(path=path, reason=reason))
    try:
        settings = BackboneSettings.from_dict(meta.get("settings"))
    except ValueError as error:
        raise ValueError(Errors.E023.format(path=path / _META, reason=error)) from error
    check_links(path)
    for name, folder in (("weights", _WEIGHTS), ("adapter", _ADAPTER)):
        if meta[name] and not (path / folder).is_dir():
            reason = f"the folder '{folder}' is missing"
            raise ValueError(Errors.E023.format(path=path, reason=reason))
    return meta, settings


def weights_directory(path: Path) -> Path:
    """RETURNS (Path): Where the weights of a saved backbone are, if they are with it."""
    return path / _WEIGHTS


def adapter_directory_of(path: Path) -> Path:
    """RETURNS (Path): Where the LoRA adapter of a saved backbone is, if it has one."""
    return path / _ADAPTER


def _save_adapter(path: Path, backbone: "Backbone") -> None:
    # Left to itself, peft asks the hub whether the vocabulary was changed.
    backbone.model.save_pretrained(str(path), safe_serialization=True, save_embedding_layers=False)
    config = path / CONFIG
    if backbone.adapter is not None and not backbone.adapter_replaces:
        # Only valid on top of the source's own adapter.
        settings = read_object(config)
        settings["base_model_name_or_path"] = backbone.settings.name
        config.write_text(json.dumps(settings, indent=2) + "\n", encoding="utf8")
    if read_object(config).get("trainable_token_indices"):
        # What these rows are the rows of.
        backbone.codec.tokenizer.save_pretrained(path)
    make_world_readable(path)


def _save_weights(path: Path, backbone: "Backbone") -> None:
    model = without_adapter(backbone.model)
    with _plain_generation(model):
        model.save_pretrained(path, safe_serialization=True)
    backbone.codec.tokenizer.save_pretrained(path)
    make_world_readable(path)


@contextmanager
def _plain_generation(model: Any) -> Iterator[None]:
    """Without the source's settings for `generate`, which no decoder looks at: transformers
    refuses to save some that it has loaded, such as a temperature without sampling."""
    from transformers import GenerationConfig

    source = getattr(model, "generation_config", None)
    if source is None:
        yield
        return
    names = ("bos_token_id", "eos_token_id", "pad_token_id", "decoder_start_token_id")
    model.generation_config = GenerationConfig(**{n: getattr(source, n, None) for n in names})
    try:
        yield
    finally:
        model.generation_config = source
