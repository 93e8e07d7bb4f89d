"""A backbone on disk: a Hugging Face directory (safetensors), or a reference to one.

Layout of the directory:

    backbone.json   settings, family, whether the weights are here or elsewhere
    weights/        config.json, model.safetensors, tokenizer.json, …  (unless by reference)
    adapter/        a LoRA adapter in peft's format                    (when trained with LoRA)

The shims of spaCy-transformers keep weights in one bytestring of pickled tensors;
this needs no pickle, copes with tied weights and with more than 4 GiB.
"""

import json
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import Errors
from .adapters import KeptAdapter
from .files import share_files
from .settings import BackboneSettings

if TYPE_CHECKING:
    from .backbone import Backbone

FORMAT = 2
_META = "backbone.json"
_WEIGHTS = "weights"
_ADAPTER = "adapter"


def save_backbone(
    path: Path, settings: BackboneSettings, backbone: "Backbone | None", modified: bool
) -> None:
    """Write a backbone.

    path (Path): The directory; what it held of an earlier backbone is replaced in the end.
    settings (BackboneSettings): With `save_weights` false only a reference is written,
        and the LoRA adapter if there is one.
    backbone (Backbone | None): The loaded model; None writes a reference, since nothing
        was ever loaded that could be lost.
    modified (bool): Whether training changed the weights.
    RAISES (ValueError): E021 when a reference would lose what full training changed.
    """
    path.mkdir(parents=True, exist_ok=True)
    adapted = backbone is not None and hasattr(backbone.model, "peft_config")
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
        "weights": not by_reference,
        "adapter": adapted or kept is not None,
        "adapter_replaces": _replaces(backbone, kept),
    }
    # What was there is kept until all is written: a full disk must not cost the weights.
    new = path / f".new-{uuid.uuid4().hex}"
    new.mkdir()
    try:
        if backbone is not None:
            if not by_reference:
                _save_weights(new / _WEIGHTS, backbone)
            if adapted:
                _save_adapter(new / _ADAPTER, backbone)
            elif kept is not None:
                kept.write(new / _ADAPTER)
        (new / _META).write_text(json.dumps(meta, indent=1), encoding="utf8")
        for name in (_WEIGHTS, _ADAPTER):
            shutil.rmtree(path / name, ignore_errors=True)
        for made in new.iterdir():
            made.replace(path / made.name)
    finally:
        shutil.rmtree(new, ignore_errors=True)


def _replaces(backbone: "Backbone | None", kept: KeptAdapter | None) -> bool:
    if kept is not None:
        return kept.replaces
    return backbone is not None and backbone.adapter_replaces


def read_meta(path: Path) -> dict[str, Any]:
    """RETURNS (dict): What `save_backbone` wrote about a backbone.
    RAISES (ValueError): E023 when it is not there or was written by a newer version."""
    try:
        meta = json.loads((path / _META).read_text(encoding="utf8"))
    except (OSError, ValueError) as error:
        raise ValueError(Errors.E023.format(path=path, reason=error)) from error
    if meta.get("format") != FORMAT:
        reason = f"its format is {meta.get('format')}, this version reads {FORMAT}"
        raise ValueError(Errors.E023.format(path=path, reason=reason))
    return meta


def weights_directory(path: Path) -> Path:
    """RETURNS (Path): Where the weights of a saved backbone are, if they are with it."""
    return path / _WEIGHTS


def adapter_directory_of(path: Path) -> Path:
    """RETURNS (Path): Where the LoRA adapter of a saved backbone is, if it has one."""
    return path / _ADAPTER


def _save_adapter(path: Path, backbone: "Backbone") -> None:
    # Left to itself, peft asks the hub whether the vocabulary was changed.
    backbone.model.save_pretrained(str(path), safe_serialization=True, save_embedding_layers=False)
    if backbone.adapter is not None and not backbone.adapter_replaces:
        # It belongs on top of another one: by itself, beside the bare model, it is worth nothing.
        config = path / "adapter_config.json"
        settings = json.loads(config.read_text(encoding="utf8"))
        settings["base_model_name_or_path"] = backbone.settings.name
        config.write_text(json.dumps(settings, indent=2) + "\n", encoding="utf8")
    share_files(path)


def _save_weights(path: Path, backbone: "Backbone") -> None:
    model = backbone.model
    adapted = hasattr(model, "peft_config")
    base = model.get_base_model() if adapted else model
    with _plain_generation(base):
        _save_model(path, base, adapted)
    backbone.tokenizer.save_pretrained(path)
    share_files(path)


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


def _save_model(path: Path, base: Any, adapted: bool) -> None:
    if adapted:
        # peft has put its layers around ours: take ours out, under their old names.
        state = {
            name.replace(".base_layer.", "."): tensor
            for name, tensor in base.state_dict().items()
            if ".lora_" not in name
        }
        base.save_pretrained(path, state_dict=state, safe_serialization=True)
    else:
        base.save_pretrained(path, safe_serialization=True)
