"""A loaded model with its codec, and what was computed with it."""

import copy
from collections.abc import Sequence
from typing import Any

import torch

from .adapters import KeptAdapter
from .caches import Cache
from .codec import TextCodec
from .linear import use_fast_linear
from .settings import BackboneSettings


class Backbone:
    """A sequence-to-sequence or causal language model that writes tags.

    codec (TextCodec): Text to tokens and back.
    model (torch.nn.Module): The transformers model (or a peft model around it).
    settings (BackboneSettings): What it was loaded with.
    adapter (KeptAdapter | None): What has been merged into the weights.
    tag_tokens (Sequence[str]): Tokens of tags whose embeddings are trained, also where only an
        adapter is.

    The attribute `version` rises with every update: what was computed with the weights
    of another version is stale. `cache` holds what was computed for labels and prompts.
    """

    def __init__(
        self,
        codec: TextCodec,
        model: Any,
        settings: BackboneSettings,
        adapter: KeptAdapter | None = None,
        tag_tokens: Sequence[str] = (),
    ):
        use_fast_linear(model)
        self.codec = codec
        self.model = model
        self.settings = settings
        self.adapter = adapter
        self.tag_tokens = tuple(tag_tokens)
        self.version = 0
        self.cache = Cache(settings.cache_bytes)
        # What the weights were like when keys and values in the cache were computed.
        self.cache_state: object = None
        # The layers as decoders run them on a CPU, see `decoding.packed_session`.
        self.packed: Any = None
        # Whether the adapter that is being trained stands in the place of the source's.
        self.adapter_replaces = False

    @property
    def family(self) -> str:
        """RETURNS (str): "seq2seq" or "causal"."""
        return self.codec.family

    @property
    def device(self) -> torch.device:
        """RETURNS (torch.device): Where the model is."""
        device: torch.device = next(self.model.parameters()).device
        return device

    @property
    def dtype(self) -> str:
        """RETURNS (str): The precision of the weights, such as "float32"."""
        return str(next(self.model.parameters()).dtype).removeprefix("torch.")

    def copy(self) -> "Backbone":
        """RETURNS (Backbone): One with weights of its own, that has computed nothing yet."""
        model = copy.deepcopy(self.model)
        return Backbone(self.codec, model, self.settings, self.adapter, self.tag_tokens)


def count_changes(model: Any) -> int:
    """How often weights were changed in place, as torch counts it: for those who change them
    and leave `Backbone.version` as it is.

    model (torch.nn.Module): The model.
    RETURNS (int): The number; 0 where this version of torch does not tell.
    """
    return sum(0 if p.is_inference() else getattr(p, "_version", 0) for p in model.parameters())
