"""Keys and values of the beginning that prompts share: instruction and labels."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch

from ..backbones.backbone import Backbone, count_changes
from ..planning.request import Request
from .cache import Layer, is_plain, read_layers
from .forward import ModelView


@dataclass(frozen=True)
class Prefix:
    """What a model computed for the beginning of a prompt.

    layers (list[tuple[torch.Tensor, torch.Tensor]]): Keys and values per layer, shape
        (1, heads, P, size). Not to be changed.
    """

    layers: list[Layer]

    @cached_property
    def n_bytes(self) -> int:
        """RETURNS (int): How much memory it takes."""
        return sum(t.numel() * t.element_size() for layer in self.layers for t in layer)


def get_prefix(
    backbone: Backbone, view: ModelView, ids: tuple[int, ...], n_instruction: int = 0
) -> Prefix:
    """The keys and values of a prefix, from the backbone's cache if its weights are
    still the same.

    backbone (Backbone): The model.
    view (ModelView): The view that computes a new one.
    ids (tuple[int, ...]): The tokens of the prefix, length P.
    n_instruction (int): How many of them other prefixes begin with as well: they are computed
        for all of these together.
    RETURNS (Prefix): The prefix.
    """
    state = (backbone.version, backbone.device, view.model.dtype, count_changes(view.model))
    if backbone.cache_state != state:
        # Those of other weights would only take up room.
        backbone.cache.forget(Prefix)
        backbone.cache_state = state

    first: list[Layer] = []
    if n_instruction:
        first = get_prefix(backbone, view, ids[:n_instruction]).layers
        first = first if is_plain(first, n_instruction) else []

    def compute() -> Prefix:
        inputs = torch.tensor([ids[n_instruction if first else 0 :]], device=backbone.device)
        return Prefix(read_layers(view.fill_cache(inputs, first)))

    return backbone.cache.get((Prefix, state, ids), compute)


def shared_length(
    backbone: Backbone, request: Request, prompt: Sequence[int], instruction: bool = False
) -> int:
    """RETURNS (int): How many tokens of a prompt are those of the shared beginning. At least
    one token is left, from which the output is continued.

    backbone (Backbone): The model.
    request (Request): The request.
    prompt (Sequence[int]): The tokens of its prompt.
    instruction (bool): Of the beginning that prompts for other labels share as well, see
        `Prompt`; 0 where there is none.
    """
    text = request.prompt.instruction if instruction else request.prompt.shared
    if instruction and not text:
        return 0
    shared = backbone.codec.shared_prompt_ids(text)
    length = 0
    for a, b in zip(shared, prompt[:-1], strict=False):
        if a != b:
            break
        length += 1
    return length
