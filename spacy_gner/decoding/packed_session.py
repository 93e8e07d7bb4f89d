"""A batch of texts that are continued by several tokens at a time, without padding."""

from collections.abc import Sequence
from typing import Any

import torch

from ..backbones.backbone import Backbone
from .precision import decoding_dtype
from .forward import plain_model
from .packed import PackedLlama, PackedRow, can_pack
from .prefix_cache import count_changes, shared_length
from .request import Request

# Tokens of one forward pass, at most, if they belong to several rows: more of them would not fit
# into the caches of a processor together with a layer's weights.
_MAX_TOKENS = 512


def packed_model(backbone: Backbone) -> PackedLlama | None:
    """RETURNS (PackedLlama | None): The layers of the model, packed once for its weights; None
    for models, devices and precisions that `PackedLlama` is not for.

    backbone (Backbone): The model."""
    model = plain_model(backbone)
    dtype = decoding_dtype(backbone)
    if dtype is None or not can_pack(model):
        return None
    state = (backbone.version, count_changes(model), dtype)
    packed = backbone.packed
    if packed is None or packed[0] != state:
        packed = backbone.packed = (state, PackedLlama(model, dtype))
    return packed[1]


class PackedSession:
    """Rows of texts, each with what the model computed for it. Has the methods of `Session`.

    backbone (Backbone): The model.
    packed (PackedLlama): Its layers.
    requests (Sequence[Request]): One for each row at the start, length R.
    prompts (Sequence[Sequence[int]]): Their tokens.
    """

    def __init__(
        self,
        backbone: Backbone,
        packed: PackedLlama,
        requests: Sequence[Request],
        prompts: Sequence[Sequence[int]],
    ):
        self._packed = packed
        self._rows: list[PackedRow] = []
        self._starts: list[int] = []
        self.todo: list[list[int]] = []
        state = backbone.packed[0]
        for request, prompt in zip(requests, prompts, strict=True):
            n_shared = shared_length(backbone, request, prompt)
            ids = tuple(prompt[:n_shared])
            # Room for the output too: its length is about that of the sentence, five times.
            capacity = n_shared + 6 * (len(prompt) - n_shared) + 16
            row = packed.new_row(capacity)
            if ids:
                prefix = backbone.cache.get((PackedRow, state, ids), lambda ids=ids: self._run(ids))
                row.layers[:, :, :, :n_shared] = prefix.layers[:, :, :, :n_shared]
                row.length = n_shared
            self._rows.append(row)
            self.todo.append(list(prompt[n_shared:]))
        self._starts = [row.length for row in self._rows]

    def _run(self, ids: Sequence[int]) -> PackedRow:
        row = self._packed.new_row(len(ids))
        self._packed([row], [ids])
        return row

    @classmethod
    def resume(
        cls, packed: PackedLlama, snapshots: Sequence[PackedRow], lengths: Sequence[int]
    ) -> "PackedSession":
        """Go on from rows that were put aside.

        packed (PackedLlama): The model's layers.
        snapshots (Sequence[PackedRow]): One per row; one may occur more than once.
        lengths (Sequence[int]): How many tokens of each to go on after.
        RETURNS (PackedSession): The new session.
        """
        session = cls.__new__(cls)
        session._packed = packed
        session._rows = [row.fork(n) for row, n in zip(snapshots, lengths, strict=True)]
        session._starts = list(lengths)
        session.todo = [[] for _ in lengths]
        return session

    def __len__(self) -> int:
        return len(self._rows)

    def feed(
        self,
        tokens: Sequence[Sequence[int]],
        wanted: Sequence[Sequence[int]],
        vocabulary: torch.Tensor,
    ) -> torch.Tensor:
        """Give each row some tokens. See `Session.feed`."""
        self._starts = [row.length for row in self._rows]
        found = []
        first = 0
        while first < len(tokens):
            last, n_tokens = first, 0
            while last < len(tokens) and (
                last == first or n_tokens + len(tokens[last]) <= _MAX_TOKENS
            ):
                n_tokens += len(tokens[last])
                last += 1
            states = self._packed(self._rows[first:last], tokens[first:last])
            at = 0
            for ids, positions in zip(tokens[first:last], wanted[first:last], strict=True):
                if positions:
                    some = states[[at + t for t in positions]]
                    found.append(self._packed.logits(some, vocabulary))
                at += len(ids)
            first = last
        self.todo = [[] for _ in tokens]
        return torch.cat(found) if found else torch.zeros((0, len(vocabulary)))

    def keep(self, counts: Sequence[int]) -> None:
        """Forget all but the first tokens of those fed last. counts (Sequence[int]): Length R."""
        for row, start, count in zip(self._rows, self._starts, counts, strict=True):
            row.length = start + count

    def select(self, rows: Sequence[int]) -> None:
        """Keep some rows. rows (Sequence[int]): Indices in their new order, each once."""
        self._rows = [self._rows[i] for i in rows]
        self._starts = [self._starts[i] for i in rows]
        self.todo = [self.todo[i] for i in rows]

    def settle(self) -> None:
        """Nothing is put off here. See `Session.settle`."""

    def snapshot(self, row: int) -> PackedRow:
        """RETURNS (PackedRow): A row that is put aside, and not continued here any more."""
        return self._rows[row]
