"""From the name in a config to a place that weights can be loaded from."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

from ..errors import Errors
from .gguf import convert_gguf, find_gguf
from .settings import BASE_HUB_NAME, DEFAULT_MODEL

# The version of what the conversion writes: a change makes a new folder.
_CACHE_FOLDER = "smollm2-135m-instruct-q4_1-1"


@dataclass(frozen=True)
class Source:
    """A place to load from.

    location (str): A directory, or a name on the model hub.
    is_directory (bool): Which of the two.
    adapter (Path | None): A LoRA adapter to put on top.
    is_default (bool): Whether this is the embedded default model.
    """

    location: str
    is_directory: bool
    adapter: Path | None = None
    is_default: bool = False


def check_name(name: str) -> None:
    """Find a wrong name early, without loading anything or touching the network.

    name (str): A directory, the default's name, or a name on the hub.
    RAISES (ValueError): E010 for what looks like a path and is not there, E011 for
        a directory without a config, E012 for one without safetensors weights.
    """
    if name == DEFAULT_MODEL:
        return
    path = Path(name)
    if path.is_dir():
        _check_directory(path)
    elif path.exists() or path.is_absolute() or name.startswith((".", "~")) or name.count("/") > 1:
        reason = "it is no directory" if path.exists() else "there is no such directory"
        raise ValueError(Errors.E010.format(name=name, default=DEFAULT_MODEL, reason=reason))


def resolve_source(name: str) -> Source:
    """Find where a model is: local directory, cache, installed package, hub.

    name (str): A directory (of a model or of a LoRA adapter), the default's name, or
        a name on the hub.
    RETURNS (Source): Where to load from.
    RAISES (ValueError): As `check_name`, and E030 for an adapter on top of an adapter.
    """
    check_name(name)
    path = Path(name)
    if path.is_dir():
        adapter_config = path / "adapter_config.json"
        if not (path / "config.json").is_file() and adapter_config.is_file():
            base = json.loads(adapter_config.read_text(encoding="utf8"))["base_model_name_or_path"]
            found = _default_base() if base == BASE_HUB_NAME else resolve_source(base)
            if found.adapter is not None:
                raise ValueError(Errors.E030.format(path=path, base=base))
            return Source(found.location, found.is_directory, adapter=path)
        return Source(str(path), True)
    if name == DEFAULT_MODEL:
        base_source = _default_base()
        return Source(
            base_source.location, base_source.is_directory, adapter_directory(), is_default=True
        )
    return Source(name, False)


def adapter_directory() -> Path:
    """RETURNS (Path): Our LoRA adapter, inside the package."""
    return Path(__file__).parent.parent / "models" / DEFAULT_MODEL


def cache_directory() -> Path:
    """RETURNS (Path): Where converted base weights are kept: `$SPACY_GNER_CACHE`, or
    `spacy_gner` in the user's cache folder."""
    root = os.environ.get("SPACY_GNER_CACHE")
    if root:
        return Path(root)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "spacy_gner"


def cached_base() -> Path:
    """RETURNS (Path): The folder of the converted base weights, there or not."""
    return cache_directory() / _CACHE_FOLDER


def resolve_base() -> Path | None:
    """Find the base weights on this machine, converting them when they are new.

    RETURNS (Path | None): A Hugging Face directory; None when neither the cache nor
        the carrier package has them.
    RAISES (ImportError): E020 when the file is there but cannot be read without
        the packages `gguf` and `accelerate`.
    """
    target = cached_base()
    if (target / "config.json").is_file():
        return target
    gguf = find_gguf()
    if gguf is None:
        return None
    convert_gguf(gguf, target)
    return target


def _default_base() -> Source:
    base = resolve_base()
    return Source(BASE_HUB_NAME, False) if base is None else Source(str(base), True)


def _check_directory(path: Path) -> None:
    if (path / "adapter_config.json").is_file() and not (path / "config.json").is_file():
        pattern, config = "adapter_model.safetensors", "adapter_config.json"
    else:
        pattern, config = "*.safetensors", "config.json"
    if not (path / config).is_file():
        raise ValueError(Errors.E011.format(path=path))
    if not any(path.glob(pattern)):
        found = ", ".join(sorted(p.name for p in path.iterdir())[:8]) or "nothing"
        raise ValueError(Errors.E012.format(name=path, found=f"found: {found}"))
