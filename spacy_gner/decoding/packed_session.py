"""A batch of texts that are continued by several tokens at a time, without padding."""

from collections.abc import Sequence
from functools import partial

import torch

from ..backbones.backbone import Backbone, count_changes
from ..backbones.logits import plain_model
from ..errors import Errors
from ..planning.request import Request
from .packed import MIN_ROWS, Branch, PackedLlama, PackedRow, can_pack
from .precision import decoding_dtype
from .prefix_cache import shared_length

# Tokens of one forward pass, at most, if they belong to several rows: more of them would not fit
# into the caches of a processor together with a layer's weights.
_MAX_TOKENS = 512


def packed_model(backbone: Backbone) -> PackedLlama | None:
    """RETURNS (PackedLlama | None): The layers of the model, packed once for its weights; None
    for models, devices and precisions that `PackedLlama` is not for.

    backbone (Backbone): The model."""
    model = plain_model(backbone.model)
    dtype = decoding_dtype(backbone)
    if dtype is None or not can_pack(model):
        return None
    state = (backbone.version, count_changes(model), dtype)
    packed: PackedLlama | None = backbone.packed
    if packed is None or packed.state != state:
        # Keys and values of other weights would only take up room.
        backbone.cache.forget(PackedRow)
        packed = PackedLlama(model, dtype)
        packed.state = state
        backbone.packed = packed
    return packed


class PackedSession:
    """Rows of texts, each with what the model computed for it. Has the methods of `Session`.

    backbone (Backbone): The model.
    packed (PackedLlama): Its layers.
    requests (Sequence[Request]): One for each row at the start, length R.
    prompts (Sequence[Sequence[int]]): Their tokens.

    rows (list[PackedRow]): What was computed for each row.
    """

    def __init__(
        self,
        backbone: Backbone,
        packed: PackedLlama,
        requests: Sequence[Request],
        prompts: Sequence[Sequence[int]],
    ):
        self._packed = packed
        self.rows: list[PackedRow] = []
        self._starts: list[int] = []
        self.unfed: list[list[int]] = []
        for request, prompt in zip(requests, prompts, strict=True):
            n_shared = shared_length(backbone, request, prompt)
            ids = tuple(prompt[:n_shared])
            # Room for the output too: its length is about that of the sentence, five times.
            capacity = n_shared + 6 * (len(prompt) - n_shared) + 16
            row = packed.new_row(capacity)
            if ids:
                n_first = shared_length(backbone, request, ids, instruction=True)
                prefix = self._prefix(backbone, ids, n_first)
                row.layers[:, :, :, :n_shared] = prefix.layers[:, :, :, :n_shared]
                row.length = n_shared
            self.rows.append(row)
            self.unfed.append(list(prompt[n_shared:]))
        self._starts = [row.length for row in self.rows]

    def _prefix(self, backbone: Backbone, ids: tuple[int, ...], n_first: int) -> PackedRow:
        """RETURNS (PackedRow): The prefix of a prompt, see `get_prefix`."""
        first = self._prefix(backbone, ids[:n_first], 0) if n_first else None
        run = partial(self._run, ids, first)
        row: PackedRow = backbone.cache.get((PackedRow, self._packed.state, ids), run)
        return row

    def _run(self, ids: Sequence[int], first: PackedRow | None) -> PackedRow:
        row = self._packed.new_row(len(ids))
        if first is not None:
            row.layers[:, :, :, : first.length] = first.layers[:, :, :, : first.length]
            row.length = first.length
        self._packed([row], [ids[row.length :]])
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
        session.rows = [row.fork(n) for row, n in zip(snapshots, lengths, strict=True)]
        session._starts = list(lengths)
        session.unfed = [[] for _ in lengths]
        return session

    def add(self, snapshots: Sequence[PackedRow], lengths: Sequence[int]) -> None:
        """Compute more rows, behind those that there are. See `resume`."""
        added = PackedSession.resume(self._packed, snapshots, lengths)
        self.rows += added.rows
        self._starts += added._starts
        self.unfed += added.unfed

    def rejoin(self, row: PackedRow) -> None:
        """Go on with a row that was put aside, behind those that there are."""
        self.rows.append(row)
        self._starts.append(row.length)
        self.unfed.append([])

    @property
    def least_tokens(self) -> int:
        """RETURNS (int): Tokens that a pass costs in any case."""
        return MIN_ROWS[self._packed.dtype]

    def __len__(self) -> int:
        return len(self.rows)

    def feed(
        self,
        tokens: Sequence[Sequence[int]],
        wanted: Sequence[Sequence[int]],
        vocabulary: torch.Tensor,
        branches: Sequence[Sequence[Branch]] | None = None,
    ) -> torch.Tensor:
        """Give each row some tokens. See `Session.feed`.

        RAISES (ValueError): E403 for logits that are no numbers.
        branches (Sequence[Sequence[tuple[int, Sequence[int]]]] | None): As for `PackedLlama`. The
            logits behind each follow those that are wanted of its row. `keep` forgets them.
        """
        branches = [()] * len(tokens) if branches is None else branches
        self._starts = [row.length for row in self.rows]
        lengths = [
            len(ids) + sum(len(branch) for _, branch in others)
            for ids, others in zip(tokens, branches, strict=True)
        ]
        found = []
        for part in _group(lengths):
            states = self._packed(self.rows[part], tokens[part], branches[part])
            rows, at = [], 0
            for ids, positions, others in zip(
                tokens[part], wanted[part], branches[part], strict=True
            ):
                rows += [at + t for t in positions]
                at += len(ids)
                for _, branch in others:
                    at += len(branch)
                    rows.append(at - 1)
            if rows:
                found.append(self._packed.logits(states[rows], vocabulary))
        self.unfed = [[] for _ in tokens]
        logits = torch.cat(found) if found else torch.zeros((0, len(vocabulary)))
        if logits.numel() and not torch.isfinite(logits.amax(-1)).all():
            raise ValueError(Errors.E403.format(name=self._packed.name))
        return logits

    def keep(self, counts: Sequence[int]) -> None:
        """Forget all but the first tokens of those fed last. counts (Sequence[int]): Length R."""
        for row, start, count in zip(self.rows, self._starts, counts, strict=True):
            row.length = start + count

    def select(self, rows: Sequence[int]) -> None:
        """Keep some rows. rows (Sequence[int]): Indices in their new order, each once."""
        self.rows = [self.rows[i] for i in rows]
        self._starts = [self._starts[i] for i in rows]
        self.unfed = [self.unfed[i] for i in rows]

    def settle(self) -> None:
        """Nothing is put off here. See `Session.settle`."""

    def snapshot(self, row: int) -> PackedRow:
        """RETURNS (PackedRow): A row that is put aside, and not continued here any more."""
        return self.rows[row]


def _group(lengths: Sequence[int]) -> list[slice]:
    """RETURNS (list[slice]): Neighbors that share a forward pass.

    lengths (Sequence[int]): Tokens of each row."""
    groups, first, n_tokens = [], 0, 0
    for i, length in enumerate(lengths):
        if i > first and n_tokens + length > _MAX_TOKENS:
            groups.append(slice(first, i))
            first, n_tokens = i, 0
        n_tokens += length
    return [*groups, slice(first, len(lengths))]
