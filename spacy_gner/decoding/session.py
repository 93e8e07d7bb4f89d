"""A batch of texts that are continued by several tokens at a time.

The cache of a batch is a rectangle, but its rows grow by different numbers of tokens. Rows are
right-aligned: each row's valid slots come last, earlier slots are masked. So the distance
between two slots is the distance between their positions, which is all that relative positions
(T5) look at. Other models get their positions explicitly.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers import DynamicCache, EncoderDecoderCache
from transformers.modeling_outputs import BaseModelOutput

from ..backbones.backbone import Backbone
from ..backbones.logits import plain_model
from ..backbones.signature import cache_argument, takes_argument
from ..errors import Errors
from ..planning.request import Request
from .cache import (
    Layer,
    change_layers,
    is_plain,
    make_cache,
    pick,
    read_layers,
    stack_right,
)
from .forward import ModelView
from .free_text import pad
from .prefix_cache import get_prefix, shared_length

# Models that are not told positions and see only their differences (BLOOM and MPT by ALiBi), or
# none (Mamba). Others count positions from the first slot, so that rows of one batch cannot be
# shifted.
_RELATIVE = (
    *("t5", "mt5", "umt5", "longt5", "switch_transformers", "pop2piano"),
    *("bloom", "mpt", "mamba", "mamba2", "falcon_mamba"),
)


def can_share_batches(backbone: Backbone) -> bool:
    """RETURNS (bool): Whether rows of one batch may be at different positions: whether the model
    is told positions, or looks at distances alone."""
    if backbone.codec.is_causal and takes_argument(plain_model(backbone.model), "position_ids"):
        return True
    return backbone.model.config.model_type in _RELATIVE


@dataclass(frozen=True)
class Snapshot:
    """Keys and values of one row, from which it can be continued later.

    layers (list[tuple[torch.Tensor, torch.Tensor]]): Keys and values, shape (1, heads,
        length, size) each.
    cross_layers (list[tuple[torch.Tensor, torch.Tensor]]): Those of the encoder's output,
        for an encoder-decoder.
    encoded (dict[str, torch.Tensor]): The encoder's output and its mask, likewise.
    length (int): How many tokens it is about.
    """

    layers: list[Layer]
    cross_layers: list[Layer]
    encoded: dict[str, torch.Tensor]
    length: int


class Session:
    """Rows of texts, each with what the model computed for it.

    backbone (Backbone): The model.
    view (ModelView): The view to run.
    requests (Sequence[Request]): One for each row at the start, length R.
    prompts (Sequence[Sequence[int]]): Their tokens.

    `unfed` holds the tokens of each row that the model has not seen yet: at the start what
    follows the shared beginning of the prompt (causal models), or the decoder's start
    token. The first `feed` of a row must start with them.
    """

    def __init__(
        self,
        backbone: Backbone,
        view: ModelView,
        requests: Sequence[Request],
        prompts: Sequence[Sequence[int]],
    ):
        self._prepare(backbone, view, len(requests))
        if backbone.codec.is_causal:
            self._start_causal(requests, prompts)
        else:
            self._start_seq2seq(prompts)

    def _prepare(self, backbone: Backbone, view: ModelView, n_rows: int) -> None:
        self._backbone = backbone
        self._view = view
        self._device = backbone.device
        # Slots that count, of each row, and those that were added by the last pass.
        self._lengths = [0] * n_rows
        self._kept = [0] * n_rows
        # Rows of the cache that the rows are made from.
        self._rows = list(range(n_rows))
        self._n_cached = n_rows
        self._width = 0
        self._fed = 0
        self._encoded: dict[str, torch.Tensor] = {}
        self.unfed: list[list[int]] = [[] for _ in range(n_rows)]
        self._cache: Any = None
        cache_name = cache_argument(view.model)
        if cache_name is None:
            raise ValueError(Errors.E402.format(model_type=backbone.model.config.model_type))
        self._cache_name = cache_name
        takes_positions = takes_argument(view.model, "position_ids")
        self._takes_positions = backbone.codec.is_causal and takes_positions

    def _start_causal(self, requests: Sequence[Request], prompts: Sequence[Sequence[int]]) -> None:
        lengths = [
            shared_length(self._backbone, request, prompt)
            for request, prompt in zip(requests, prompts, strict=True)
        ]
        prefixes = [tuple(p[:n]) for p, n in zip(prompts, lengths, strict=True)]
        computed = {}
        for request, prefix in zip(requests, prefixes, strict=True):
            if prefix and prefix not in computed:
                n_first = shared_length(self._backbone, request, prefix, instruction=True)
                found = get_prefix(self._backbone, self._view, prefix, n_first)
                computed[prefix] = found.layers
        self._lengths = lengths
        self._width = max(lengths)
        self._cache = DynamicCache()
        if computed:
            if not all(is_plain(computed[p], len(p)) for p in computed):
                name = self._backbone.model.config.model_type
                raise ValueError(Errors.E402.format(model_type=name))
            self._cache = make_cache(stack_right([computed.get(p, []) for p in prefixes]))
        self.unfed = [list(p[n:]) for p, n in zip(prompts, lengths, strict=True)]

    def _start_seq2seq(self, prompts: Sequence[Sequence[int]]) -> None:
        inputs = {
            "input_ids": pad(prompts, self._backbone.codec.pad_id, self._device),
            "attention_mask": pad([[1] * len(p) for p in prompts], 0, self._device),
        }
        encoder = self._view.model.get_encoder()
        self._encoded = {
            "states": encoder(**inputs).last_hidden_state,
            "mask": inputs["attention_mask"],
        }
        self._cache = EncoderDecoderCache(DynamicCache(), DynamicCache())
        self.unfed = [[self._backbone.codec.decoder_start_id] for _ in prompts]

    @classmethod
    def resume(
        cls,
        backbone: Backbone,
        view: ModelView,
        snapshots: Sequence[Snapshot],
        lengths: Sequence[int],
    ) -> "Session":
        """Go on from rows that were put aside.

        backbone (Backbone): The model.
        view (ModelView): The view to run.
        snapshots (Sequence[Snapshot]): One per row; one may occur more than once.
        lengths (Sequence[int]): How many tokens of each to go on after.
        RETURNS (Session): The new session.
        """
        session = cls.__new__(cls)
        session._prepare(backbone, view, len(snapshots))
        session._lengths = list(lengths)
        session._width = max(lengths)
        rows = [
            [(k[:, :, :n], v[:, :, :n]) for k, v in snapshot.layers]
            for snapshot, n in zip(snapshots, lengths, strict=True)
        ]
        session._cache = make_cache(stack_right(rows))
        if not backbone.codec.is_causal:
            cross = make_cache(stack_right([s.cross_layers for s in snapshots], left=False))
            session._cache = EncoderDecoderCache(session._cache, cross)
            session._encoded = {
                name: _stack_encoded([s.encoded[name] for s in snapshots])
                for name in ("states", "mask")
            }
        return session

    def snapshot(self, row: int) -> Snapshot:
        """Put a row aside.

        row (int): Its index; `settle` must have been called since the last pass.
        RETURNS (Snapshot): A copy of what was computed for it.
        """
        start = self._width - self._lengths[row]
        own = self._cache if self._backbone.codec.is_causal else self._cache.self_attention_cache
        layers = [
            (k[row : row + 1, :, start:].clone(), v[row : row + 1, :, start:].clone())
            for k, v in read_layers(own)
        ]
        cross: list[Layer] = []
        encoded: dict[str, torch.Tensor] = {}
        if not self._backbone.codec.is_causal:
            # Without the padding, which depends on the batch.
            n = int(self._encoded["mask"][row].sum())
            cross = [
                (k[row : row + 1, :, :n].clone(), v[row : row + 1, :, :n].clone())
                for k, v in read_layers(self._cache.cross_attention_cache)
            ]
            encoded = {k: v[row : row + 1, :n].clone() for k, v in self._encoded.items()}
        return Snapshot(layers, cross, encoded, self._lengths[row])

    def __len__(self) -> int:
        return len(self._rows)

    def feed(
        self,
        tokens: Sequence[Sequence[int]],
        wanted: Sequence[Sequence[int]],
        vocabulary: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Give each row some tokens, in one pass.

        tokens (Sequence[Sequence[int]]): At least one for each row, length R.
        wanted (Sequence[Sequence[int]]): For which of these tokens the logits (of what
            comes after them) are wanted, as indices.
        vocabulary (torch.Tensor | None): The tokens whose logits are wanted; None for all.
        RETURNS (torch.Tensor): The logits, row after row; shape (number of wanted
            positions, number of tokens).
        """
        self.settle()
        width = max(map(len, tokens))
        mask = [
            [
                *[0] * (self._width - length),
                *[1] * length,
                *[1] * len(row),
                *[0] * (width - len(row)),
            ]
            for length, row in zip(self._lengths, tokens, strict=True)
        ]
        ids = pad(tokens, self._backbone.codec.pad_id, self._device)
        masked = torch.tensor(mask, device=self._device)
        flat = [b * width + t for b, row in enumerate(wanted) for t in row]
        inputs: dict[str, Any] = {self._cache_name: self._cache, "use_cache": True}
        if self._backbone.codec.is_causal:
            inputs.update(input_ids=ids, attention_mask=masked)
            if self._takes_positions:
                inputs["position_ids"] = self._positions(width)
        else:
            inputs.update(
                encoder_outputs=BaseModelOutput(self._encoded["states"]),  # type: ignore[arg-type]
                attention_mask=self._encoded["mask"],
                decoder_input_ids=ids,
                decoder_attention_mask=masked,
            )
        logits = self._view.logits(torch.tensor(flat, device=self._device), vocabulary, **inputs)
        self._fed = width
        self._kept = [len(row) for row in tokens]
        self.unfed = [[] for _ in tokens]
        return logits

    def keep(self, counts: Sequence[int]) -> None:
        """Say how many of the tokens that were fed last are part of each row; the others are
        forgotten.

        counts (Sequence[int]): Length R.
        """
        self._kept = list(counts)

    def select(self, rows: Sequence[int]) -> None:
        """Keep some rows, or continue a row in several ways.

        rows (Sequence[int]): Indices of rows, in their new order; one may occur more than
            once.
        """
        self._rows = [self._rows[i] for i in rows]
        self._lengths = [self._lengths[i] for i in rows]
        self._kept = [self._kept[i] for i in rows]
        self.unfed = [list(self.unfed[i]) for i in rows]

    def _positions(self, width: int) -> torch.Tensor:
        starts = torch.tensor(self._lengths, device=self._device)[:, None]
        positions = starts + torch.arange(width, device=self._device)
        limit = self._backbone.codec.hard_limit
        # Only padding can be behind the last position.
        return positions if limit is None else positions.clamp(max=limit - 1)

    def settle(self) -> None:
        """Bring the cache in line with what `keep` and `select` said, in one go."""
        lengths = [n + kept for n, kept in zip(self._lengths, self._kept, strict=True)]
        own = self._cache if self._backbone.codec.is_causal else self._cache.self_attention_cache
        rows = torch.tensor(self._rows, device=self._device)
        same_rows = self._rows == list(range(self._n_cached))
        if same_rows and len(set(self._kept)) == 1:
            # All go on equally: at most slots at the end are cut off.
            width = self._width + self._kept[0]
            if self._kept[0] < self._fed:
                change_layers(own, lambda t: t[:, :, :width])
        else:
            # Of each row the last slots that count; before them whatever is there.
            width = max(lengths)
            ends = torch.tensor([self._width + k for k in self._kept], device=self._device)
            slots = ends[:, None] + torch.arange(-width, 0, device=self._device)
            slots = slots.clamp(min=0)
            change_layers(own, lambda t: pick(t, rows, slots))
        if not self._backbone.codec.is_causal and not same_rows:
            self._encoded = {k: v.index_select(0, rows) for k, v in self._encoded.items()}
            change_layers(self._cache.cross_attention_cache, lambda t: pick(t, rows, None))
        self._n_cached = len(self._rows)
        self._rows = list(range(self._n_cached))
        self._lengths, self._kept = lengths, [0] * len(lengths)
        self._width, self._fed = width, 0


def _stack_encoded(rows: Sequence[torch.Tensor]) -> torch.Tensor:
    """RETURNS (torch.Tensor): Rows of different lengths, filled up with zeros at the right."""
    width = max(row.shape[1] for row in rows)
    whole = rows[0].new_zeros((len(rows), width, *rows[0].shape[2:]))
    for b, row in enumerate(rows):
        whole[b, : row.shape[1]] = row[0]
    return whole
