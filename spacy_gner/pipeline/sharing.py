"""Equal weights are in memory once, however many components of a process use them."""

import threading
import weakref
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ..backbones.adapters import KeptAdapter
from ..backbones.backbone import Backbone, count_changes
from ..backbones.device import resolve_device
from ..backbones.settings import BackboneSettings
from ..backbones.sources import Source


@dataclass(frozen=True)
class Held:
    """A backbone that a holder has, maybe together with others.

    backbone (Backbone): The backbone.
    identity (Hashable): See `identify`; None if no other holder may get it.
    n_changes (int): How often its weights had been changed in place when it was loaded.
    """

    backbone: Backbone
    identity: Hashable
    n_changes: int = 0

    def is_for(self, identity: Hashable) -> bool:
        """RETURNS (bool): Whether another holder that wants this identity may have it, which it
        may not if somebody has changed the weights by hand."""
        if self.identity is None or self.identity != identity or self.backbone.version:
            return False
        return count_changes(self.backbone.model) == self.n_changes


class Holder(Protocol):
    """What holds a backbone.

    held (Held | None): What it holds.
    """

    held: Held | None


_lock = threading.Lock()
_holders: "weakref.WeakSet[Holder]" = weakref.WeakSet()


def identify(
    settings: tuple[BackboneSettings, ...],
    new_tokens: tuple[str, ...],
    source: Source,
    adapter: KeptAdapter | None,
) -> Hashable:
    """Tell from what a backbone is loaded, so that two of one identity are alike.

    settings (tuple[BackboneSettings, ...]): All settings that it depends on.
    new_tokens (tuple[str, ...]): Tokens that are added to the vocabulary.
    source (Source): Where its weights are.
    adapter (KeptAdapter | None): What comes on top of the source.
    RETURNS (Hashable): The identity: the settings, the device, and the files with their sizes and
        times. Files that are written anew are others.
    """
    directories = [Path(source.location)] if source.is_directory else []
    if source.adapter is not None:
        directories.append(source.adapter)
    kept: Hashable = None
    if adapter is not None:
        if isinstance(adapter.source, Path):
            kept = adapter.source
            directories.append(adapter.source)
        else:
            kept = tuple(sorted(adapter.source.items()))
    files = tuple(_stamp(file) for path in directories for file in sorted(path.rglob("*")))
    return settings, new_tokens, source, kept, files, str(resolve_device(settings[0].device))


def _stamp(path: Path) -> Hashable:
    found = path.stat() if path.exists() else path.lstat()
    return str(path.resolve()), found.st_ino, found.st_size, found.st_mtime_ns


def share(holder: Holder, identity: Hashable, load: Callable[[], Backbone]) -> Backbone:
    """Give a holder the backbone of another one, or load it.

    holder (Holder): Gets it.
    identity (Hashable): See `identify`.
    load (Callable[[], Backbone]): Loads it. One thread loads at a time: transformers patches torch
        while it does that, and models that two threads load come out broken.
    RETURNS (Backbone): The backbone.
    """
    with _lock:
        found = (h.held for h in _holders if h.held is not None and h.held.is_for(identity))
        held = next(found, None)
        if held is None:
            backbone = load()
            held = Held(backbone, identity, count_changes(backbone.model))
        holder.held = held
        _holders.add(holder)
    return held.backbone


def make_own(holder: Holder) -> None:
    """See to it that nobody else has the backbone of a holder, now or later: it is going to be
    changed.

    holder (Holder): It gets a copy if there are others.
    """
    with _lock:
        held = holder.held
        if held is None or held.identity is None:
            return
        backbone = held.backbone
        if any(other is not holder and other.held is held for other in _holders):
            backbone = backbone.copy()
        holder.held = Held(backbone, None)
