"""Rows to tensors: the tokens of all rows side by side, what all rows share only once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from os.path import commonprefix

import torch
from rows import Row

# Tokens of the vocabulary that each loss knows besides those that occur in the batch.
N_RANDOM = 512


@dataclass(frozen=True)
class Batch:
    """B rows. The first P tokens are what all rows begin with; behind them stand the rest of the
    first row, of the second, and so on.

    ids (torch.Tensor): (N,).
    positions (torch.Tensor): (N,).
    n_prefix (int): P, at least 1.
    pad_index (torch.Tensor): Where the tokens of each row are in `ids`, (B, L); 0 in padding.
    flat_index (torch.Tensor): The other way: where each token behind the prefix is in (B * L),
        (N - P,).
    prefix_bias (torch.Tensor): Hides later tokens in the prefix, (1, G * P, P). G heads share
        their keys, and stand one below the other.
    bias (torch.Tensor): The same for the rows, (1 or B, 1, G * L, P + L).
    places (torch.Tensor): Tokens that predict, (T,).
    candidates (torch.Tensor): The tokens that they choose from, (C,).
    targets (torch.Tensor): What they are to choose, as indices into the candidates, (T,).
    weights (torch.Tensor): In the loss, (T,).
    """

    ids: torch.Tensor
    positions: torch.Tensor
    n_prefix: int
    pad_index: torch.Tensor
    flat_index: torch.Tensor
    prefix_bias: torch.Tensor
    bias: torch.Tensor
    places: torch.Tensor
    candidates: torch.Tensor
    targets: torch.Tensor
    weights: torch.Tensor


def collate(
    rows: Sequence[Row],
    n_vocabulary: int,
    n_added: int,
    group: int,
    generator: torch.Generator,
    device: str = "cpu",
) -> Batch:
    """Put rows into a batch.

    rows (Sequence[Row]): At least one.
    n_vocabulary (int): Tokens of the base model.
    n_added (int): Tokens added to them.
    group (int): Heads that share their keys.
    generator (torch.Generator): Draws the other candidates.
    device (str): Where the batch is wanted.
    RETURNS (Batch): The batch.
    """
    first_place = min(wanted.place for row in rows for wanted in row.wanted)
    p = max(1, len(commonprefix([row.ids[:first_place] for row in rows])))
    length = max(len(row.ids) for row in rows) - p
    ids, positions = list(rows[0].ids[:p]), list(range(p))
    pad_index = torch.zeros(len(rows), length, dtype=torch.long)
    flat_index: list[int] = []
    places, targets, weights = [], [], []
    for i, row in enumerate(rows):
        start, n = len(ids), len(row.ids) - p
        ids += row.ids[p:]
        positions += row.positions[p:]
        pad_index[i, :n] = torch.arange(start, start + n)
        flat_index += range(i * length, i * length + n)
        for wanted in row.wanted:
            places.append(wanted.place - p + start)
            targets.append(wanted.token)
            weights.append(wanted.weight)
    drawn = torch.randint(0, n_vocabulary, (N_RANDOM,), generator=generator).tolist()
    added = range(n_vocabulary, n_vocabulary + n_added)
    candidates = sorted({*ids, *targets, *added, *drawn})
    column = {token: i for i, token in enumerate(candidates)}
    prefix = torch.ones(1, p, p, dtype=torch.bool).tril()
    return Batch(
        torch.tensor(ids, device=device),
        torch.tensor(positions, device=device),
        p,
        pad_index.to(device),
        torch.tensor(flat_index, device=device),
        _bias(prefix, group).to(device),
        _bias(_visible(rows, p, length), group)[:, None].to(device),
        torch.tensor(places, device=device),
        torch.tensor(candidates, device=device),
        torch.tensor([column[token] for token in targets], device=device),
        torch.tensor(weights, device=device),
    )


def _visible(rows: Sequence[Row], p: int, length: int) -> torch.Tensor:
    """RETURNS (torch.Tensor): What each token of a row sees, (1 or B, L, P + L)."""
    n_rows = len(rows) if any(row.branches for row in rows) else 1
    visible = torch.ones(n_rows, length, p + length, dtype=torch.bool)
    visible[:, :, p:] = visible[:, :, p:].tril()
    for i, row in enumerate(rows):
        for branch in row.branches:
            inside = slice(branch.start - p, branch.end - p)
            visible[i, inside, branch.parent + 1 : branch.start] = False
    return visible


def _bias(visible: torch.Tensor, group: int) -> torch.Tensor:
    hidden = torch.zeros(visible.shape, dtype=torch.bfloat16)
    return hidden.masked_fill_(~visible, float("-inf")).repeat(1, group, 1)


def parts(rows: Sequence[Row], max_tokens: int) -> Iterator[list[Row]]:
    """YIELDS (list[Row]): Pieces of a batch that fit one forward pass."""
    part: list[Row] = []
    n_tokens = 0
    for row in rows:
        if part and n_tokens + len(row.ids) > max_tokens:
            yield part
            part, n_tokens = [], 0
        part.append(row)
        n_tokens += len(row.ids)
    yield part
