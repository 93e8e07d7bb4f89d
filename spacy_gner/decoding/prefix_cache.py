"""Keys and values of the beginning that prompts share: instruction and labels."""

import threading
import weakref
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import torch

from ..backbones.backbone import Backbone
from .cache import Layer, read_layers
from .forward import ModelView
from .request import Request

# Per backbone. The prefix of one label set takes 8 MB with the embedded default, and
# 80 MB with a 7B model in bfloat16.
MAX_BYTES = 512 * 2**20


class PrefixCache:
    """Computed prefixes of one backbone, the least used ones go first. Safe to share
    between threads.

    max_bytes (int): How much it may hold; the last one that was computed is always kept.
    """

    def __init__(self, max_bytes: int = MAX_BYTES):
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._entries: OrderedDict[tuple, list[Layer]] = OrderedDict()
        self._version: object = None

    def get(self, backbone: Backbone, view: ModelView, ids: tuple[int, ...]) -> list[Layer]:
        """The keys and values of a prefix.

        backbone (Backbone): The model; weights that changed empty the cache.
        view (ModelView): The view that computes a new one.
        ids (tuple[int, ...]): The tokens of the prefix, length P.
        RETURNS (list[tuple[torch.Tensor, torch.Tensor]]): Per layer, shape (1, heads, P, size).
            Not to be changed.
        """
        version = (backbone.version, backbone.device, view.model.dtype, _changes(view.model))
        with self._lock:
            if version != self._version:
                self._entries.clear()
                self._version = version
            if ids in self._entries:
                self._entries.move_to_end(ids)
                return self._entries[ids]
        layers = _compute(backbone, view, ids)
        with self._lock:
            if version == self._version:
                self._entries[ids] = layers
                while len(self._entries) > 1 and self.n_bytes > self._max_bytes:
                    self._entries.popitem(last=False)
        return layers

    @property
    def n_bytes(self) -> int:
        """RETURNS (int): How much it holds."""
        return sum(
            t.numel() * t.element_size()
            for layers in list(self._entries.values())
            for layer in layers
            for t in layer
        )

    def __len__(self) -> int:
        return len(self._entries)


def prefix_cache(backbone: Backbone) -> PrefixCache:
    """RETURNS (PrefixCache): The cache of this backbone; it goes when the backbone goes."""
    with _lock:
        return _caches.setdefault(backbone, PrefixCache())


def shared_length(backbone: Backbone, request: Request, prompt: Sequence[int]) -> int:
    """RETURNS (int): How many tokens of a prompt are those of the shared beginning. At least
    one token is left, from which the output is continued.

    backbone (Backbone): The model.
    request (Request): The request.
    prompt (Sequence[int]): The tokens of its prompt."""
    shared = backbone.shared_prompt_ids(request.prompt.shared)
    length = 0
    for a, b in zip(shared, prompt[:-1], strict=False):
        if a != b:
            break
        length += 1
    return length


_caches: weakref.WeakKeyDictionary[Backbone, PrefixCache] = weakref.WeakKeyDictionary()
_lock = threading.Lock()


def _changes(model: Any) -> int:
    """RETURNS (int): How often weights were changed in place, as torch counts it: for those
    who change them and leave `Backbone.version` as it is."""
    return sum(0 if p.is_inference() else p._version for p in model.parameters())


def _compute(backbone: Backbone, view: ModelView, ids: tuple[int, ...]) -> list[Layer]:
    inputs = torch.tensor([ids], device=backbone.device)
    return read_layers(view.fill_cache(inputs))
