"""From the name in a config to a place that weights can be loaded from."""

import json
from dataclasses import dataclass
from pathlib import Path

from ..errors import Errors
from .default_model import (
    BASE_HUB_NAME,
    DEFAULT_MODEL,
    adapter_directory,
    resolve_base,
)
from .settings import BackboneSettings


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


def check_source(settings: BackboneSettings) -> None:
    """Find early what can be told without loading weights or touching the network.

    settings (BackboneSettings): What is to be loaded.
    RAISES (ValueError): As `check_name`, and for a local directory E013, E016 and E023.
    """
    check_name(settings.name)
    if (Path(settings.name) / "config.json").is_file():
        # Transformers is needed to read it, and will be needed for the first Doc.
        from .loading import check_directory

        check_directory(settings)


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
