"""From the name in a config to a place that weights can be loaded from."""

import os
import warnings
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import Errors, Warnings
from .adapters import CONFIG, WEIGHTS, is_adapter
from .files import check_links, is_intact, read_object
from .gguf import convert_gguf, find_gguf
from .settings import BASE_HUB_NAME, DEFAULT_MODEL

# Of the original weights on the hub, which are not quantized.
_BASE_REVISION = "12fd25f77366fa6b3b4b768ec3050bf629380bac"

# The version of what the conversion writes: a change makes a new folder.
_CACHE_FOLDER = "smollm2-135m-instruct-q4_1-1"


@dataclass(frozen=True)
class Source:
    """A place to load from.

    location (str): A directory, or a name on the model hub.
    is_directory (bool): Which of the two.
    adapter (Path | None): A LoRA adapter to put on top.
    revision (str | None): Which commit of the hub, where that is not for the user to say.
    """

    location: str
    is_directory: bool
    adapter: Path | None = None
    revision: str | None = None


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
        check_links(path)
        if not is_adapter(path):
            return Source(str(path), True)
        base = read_object(path / CONFIG).get("base_model_name_or_path")
        if not isinstance(base, str) or not base.strip():
            reason = f"{CONFIG} does not say what it belongs to (base_model_name_or_path)"
            raise ValueError(Errors.E023.format(path=path, reason=reason))
        if base == DEFAULT_MODEL or is_adapter(Path(base)):
            raise ValueError(Errors.E030.format(path=path, base=base))
        found = _default_base() if base == BASE_HUB_NAME else resolve_source(base)
        return replace(found, adapter=path)
    if name == DEFAULT_MODEL:
        return replace(_default_base(), adapter=adapter_directory())
    return Source(name, False)


def adapter_directory() -> Path:
    """RETURNS (Path): Our LoRA adapter, inside the package."""
    return Path(__file__).parent.parent / "models" / DEFAULT_MODEL


def cache_directory() -> Path:
    """RETURNS (Path): Where converted base weights are kept: `$SPACY_GNER_CACHE`, or
    `spacy_gner` in the user's cache folder.
    RAISES (ValueError): E042 for a user without a home."""
    root = os.environ.get("SPACY_GNER_CACHE")
    if root:
        return Path(root)
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "spacy_gner"
    except RuntimeError as error:
        raise ValueError(Errors.E042.format(path="~/.cache/spacy_gner", reason=error)) from error


def cached_base() -> Path:
    """RETURNS (Path): The folder of the converted base weights, there or not."""
    return cache_directory() / _CACHE_FOLDER


def resolve_base() -> Path | None:
    """Find the base weights on this machine, converting them when they are new or when what is
    in the cache is damaged.

    RETURNS (Path | None): A Hugging Face directory; None when neither the cache nor
        the carrier package has them.
    RAISES (ImportError): E020 when the file is there but cannot be read without
        the packages `gguf` and `accelerate`.
    RAISES (ValueError): E042 when the cache cannot be written, E043 for other weights in the
        package than those that the adapter belongs to.
    """
    target = cached_base()
    if is_intact(target):
        return target
    gguf = find_gguf()
    if gguf is None:
        if target.exists():
            reason = "its files are damaged, and the package that they came from is gone"
            raise ValueError(Errors.E042.format(path=target, reason=reason))
        return None
    try:
        convert_gguf(gguf, target)
    except OSError as error:
        raise ValueError(Errors.E042.format(path=target, reason=error)) from error
    return target


def _default_base() -> Source:
    base = resolve_base()
    if base is not None:
        return Source(str(base), True)
    warnings.warn(Warnings.W006.format(hub=BASE_HUB_NAME), stacklevel=2)
    return Source(BASE_HUB_NAME, False, revision=_BASE_REVISION)


def _check_directory(path: Path) -> None:
    wanted = (WEIGHTS, CONFIG) if is_adapter(path) else ("*.safetensors", "config.json")
    pattern, config = wanted
    if not (path / config).is_file():
        raise ValueError(Errors.E011.format(path=path))
    if not any(path.glob(pattern)):
        found = ", ".join(sorted(p.name for p in path.iterdir())[:8]) or "nothing"
        raise ValueError(Errors.E012.format(name=path, found=f"found: {found}"))
