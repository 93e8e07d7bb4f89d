"""The key/value caches of transformers, whose insides changed between its versions."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from transformers import DynamicCache

# Keys and values of one layer, each of shape (rows, heads, slots, size of a head).
Layer = tuple[torch.Tensor, torch.Tensor]


def read_layers(cache: Any) -> list[Layer]:
    """RETURNS (list[tuple[torch.Tensor, torch.Tensor]]): Keys and values of each layer.

    cache (DynamicCache): The cache."""
    if hasattr(cache, "layers"):
        return [(layer.keys, layer.values) for layer in cache.layers]
    return list(zip(cache.key_cache, cache.value_cache, strict=True))


def make_cache(layers: list[Layer]) -> DynamicCache:
    """RETURNS (DynamicCache): A cache with these keys and values.

    layers (list[tuple[torch.Tensor, torch.Tensor]]): Keys and values of each layer."""
    cache: DynamicCache = DynamicCache()
    for i, (keys, values) in enumerate(layers):
        cache.update(keys, values, i)  # type: ignore[attr-defined]
    return cache


def change_layers(cache: Any, change: Callable[[torch.Tensor], torch.Tensor]) -> None:
    """Replace all keys and values, one tensor after the other: the old ones go as the new
    ones come.

    cache (DynamicCache): Changed in place.
    change (Callable[[torch.Tensor], torch.Tensor]): Makes the new tensor.
    """
    if hasattr(cache, "layers"):
        for layer in cache.layers:
            layer.keys = change(layer.keys)
            layer.values = change(layer.values)
        return
    for i in range(len(cache.key_cache)):
        cache.key_cache[i] = change(cache.key_cache[i])
        cache.value_cache[i] = change(cache.value_cache[i])
    if cache.key_cache:
        # What `update` counts; nothing but old code of models asks for it.
        cache._seen_tokens = cache.key_cache[0].shape[-2]


def is_plain(layers: list[Layer], slots: int) -> bool:
    """RETURNS (bool): Whether every layer has one key and one value per slot, so that rows
    and slots can be picked.

    layers (list[tuple[torch.Tensor, torch.Tensor]]): Keys and values of each layer.
    slots (int): The number of slots that there should be."""
    return bool(layers) and all(
        isinstance(tensor, torch.Tensor) and tensor.dim() == 4 and tensor.shape[2] == slots
        for layer in layers
        for tensor in layer
    )


def pick(tensor: torch.Tensor, rows: torch.Tensor, slots: torch.Tensor | None) -> torch.Tensor:
    """Pick rows, and slots of each row.

    tensor (torch.Tensor): Shape (rows, heads, slots, size).
    rows (torch.Tensor): Indices of rows, shape (R,).
    slots (torch.Tensor | None): Indices of slots, shape (R, S); None for all.
    RETURNS (torch.Tensor): Shape (R, heads, S, size).
    """
    if slots is None:
        return tensor.index_select(0, rows)
    # Rows and slots as one dimension would need a copy first; this makes just one.
    heads = torch.arange(tensor.shape[1], device=tensor.device)
    return tensor[rows[:, None, None], heads[None, :, None], slots[:, None, :]]


def stack_right(rows: Sequence[list[Layer]], left: bool = True) -> list[Layer]:
    """Put rows of different lengths into one rectangle, filled up with zeros.

    rows (Sequence[list[tuple[torch.Tensor, torch.Tensor]]]): The layers of each row, of
        shape (1, heads, slots, size) each; empty for a row without slots.
    left (bool): Whether the filling stands left of the slots.
    RETURNS (list[tuple[torch.Tensor, torch.Tensor]]): Shape (rows, heads, slots, size) each. May
        share memory with the input.
    """
    some = next(row for row in rows if row)
    if all(row is some for row in rows):
        return [(k.expand(len(rows), -1, -1, -1), v.expand(len(rows), -1, -1, -1)) for k, v in some]
    width = max(row[0][0].shape[2] for row in rows if row)

    def together(layer: int, part: int) -> torch.Tensor:
        like = some[layer][part]
        whole = like.new_zeros((len(rows), like.shape[1], width, like.shape[3]))
        for b, row in enumerate(rows):
            if row:
                n = row[layer][part].shape[2]
                start = width - n if left else 0
                whole[b, :, start : start + n] = row[layer][part][0]
        return whole

    return [(together(i, 0), together(i, 1)) for i in range(len(some))]
