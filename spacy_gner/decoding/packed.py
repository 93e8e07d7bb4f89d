"""The forward pass of LLaMA-type models on a CPU, for rows of different lengths without padding.

The tokens of all rows stand one behind the other, and only attention looks at one row at a time,
with keys and values that stay where they are. So nothing is computed for padding, no cache is
copied between passes, and what is computed for a row depends on that row alone.

In bfloat16 that last point holds to the bit, whatever is computed together and however a row is
split over passes: each product has at least and at most as many rows as one kernel of oneDNN takes
(`Products`), and attention sees keys and queries in whole blocks. `rows_are_independent` checks the
products on the machine at hand, tests check the rest.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from ..backbones.linear import (
    FastLinear,
    gated_packed,
    linear,
    linear_of_some,
    linear_packed,
    pack_weight,
)

# What might stand in a row instead: behind how many of its new tokens, and which tokens.
Branch = tuple[int, Sequence[int]]
# Rows of one matrix product, at least and at most, for which oneDNN takes one kernel.
# Measured: bfloat16 with AMX has another one up to 36 rows and one from 513 on; float32 takes
# another one for a single row.
MIN_ROWS = {torch.bfloat16: 48, torch.float32: 2}
MAX_ROWS = 512
# Rows come in blocks of so many. oneDNN never forgets what it has compiled for a number of rows
# (a megabyte for all layers), so there are few of them. In bfloat16 its tiles have 16 rows.
_ROWS = {torch.bfloat16: 16, torch.float32: 4}
# Attention adds up in this order whatever stands behind a token, if keys and queries are
# multiples of these.
_KEYS, _QUERIES = 32, 16


@dataclass
class PackedRow:
    """Keys and values of one text.

    layers (torch.Tensor): Shape (layers, 2, heads of keys, capacity, size of a head).
    length (int): How many of the slots are filled.
    """

    layers: torch.Tensor
    length: int = 0

    @property
    def n_bytes(self) -> int:
        """RETURNS (int): How much memory it takes."""
        return self.layers.numel() * self.layers.element_size()

    def reserve(self, capacity: int) -> None:
        """Make room. capacity (int): Slots that are needed in all."""
        if capacity > self.layers.shape[3]:
            n, two, heads, old, size = self.layers.shape
            capacity = _whole(max(capacity, old + old // 2), _KEYS)
            layers = self.layers.new_zeros((n, two, heads, capacity, size))
            layers[:, :, :, : self.length] = self.layers[:, :, :, : self.length]
            self.layers = layers

    def fork(self, length: int) -> "PackedRow":
        """RETURNS (PackedRow): A copy of the first slots, with as much room."""
        layers = torch.zeros_like(self.layers)
        layers[:, :, :, :length] = self.layers[:, :, :, :length]
        return PackedRow(layers, length)


class Products:
    """Linear layers that get the same input, as one product.

    modules (Sequence[nn.Linear]): The layers.
    dtype (torch.dtype): What is multiplied. In bfloat16 weights are copied, into the order that
        the kernel reads; in float32 those of the layers themselves are used.
    """

    def __init__(self, modules: Sequence[nn.Linear], dtype: torch.dtype):
        self._dtype = dtype
        self._pairs = [(module.weight, module.bias) for module in modules]
        self._packed: Any = None
        if dtype == torch.bfloat16:
            weight = torch.cat([weight.to(dtype) for weight, _ in self._pairs])
            biases = [bias for _, bias in self._pairs]
            self._bias = None if biases[0] is None else torch.cat([b.to(dtype) for b in biases])
            self._packed = pack_weight(weight)
            self._pairs = []

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """x (torch.Tensor): Shape (N, n). RETURNS (torch.Tensor): Shape (N, m)."""
        blocks = x.to(self._dtype).chunk(-(-len(x) // MAX_ROWS))
        results = [self._multiply(block) for block in blocks]
        return results[0] if len(results) == 1 else torch.cat(results)

    def _multiply(self, x: torch.Tensor) -> torch.Tensor:
        if self._packed is not None:
            return linear_packed(x, self._packed, self._bias)
        results = [linear(x, weight, bias) for weight, bias in self._pairs]
        return results[0] if len(results) == 1 else torch.cat(results, -1)


class GatedProducts:
    """The product of one linear layer, times SiLU of that of another one.

    gate (nn.Linear): What SiLU is taken of.
    up (nn.Linear): The other layer.
    dtype (torch.dtype): See `Products`.
    """

    def __init__(self, gate: nn.Linear, up: nn.Linear, dtype: torch.dtype):
        self._dtype = dtype
        self._layers: list[tuple[torch.Tensor, torch.Tensor | None]] = [
            (layer.weight, layer.bias) for layer in (gate, up)
        ]
        if dtype == torch.bfloat16:
            self._layers = [
                (pack_weight(weight.to(dtype)), None if bias is None else bias.to(dtype))
                for weight, bias in self._layers
            ]

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """x (torch.Tensor): Shape (N, n). RETURNS (torch.Tensor): Shape (N, m)."""
        x = x.to(self._dtype)
        if self._dtype == torch.bfloat16:
            return gated_packed(x, *self._layers)
        gate, up = self._layers
        return F.silu(linear(x, *gate), inplace=True).mul_(linear(x, *up))


class PackedLlama:
    """The layers of a model, ready to be run.

    model (LlamaForCausalLM): The model; see `can_pack`.
    dtype (torch.dtype): The precision of products, keys and values: float32 or bfloat16. Sums
        between layers and logits are float32 in both.

    `state` is free for whoever keeps it, to tell whether the model has changed since.
    """

    def __init__(self, model: Any, dtype: torch.dtype):
        config = model.config
        self.dtype = dtype
        self.state: object = None
        self.name = getattr(config, "name_or_path", "") or "model"
        self._heads = config.num_attention_heads
        self._kv_heads = config.num_key_value_heads
        first = model.model.layers[0].self_attn
        self._size = int(first.head_dim)
        self._eps = config.rms_norm_eps
        self._embed = model.model.embed_tokens
        self._rotary = model.model.rotary_emb
        self._head = model.lm_head
        self._norm = model.model.norm.weight
        self._layers = []
        for layer in model.model.layers:
            attention, mlp = layer.self_attn, layer.mlp
            self._layers.append(
                (
                    layer.input_layernorm.weight,
                    Products([attention.q_proj, attention.k_proj, attention.v_proj], dtype),
                    Products([attention.o_proj], dtype),
                    layer.post_attention_layernorm.weight,
                    GatedProducts(mlp.gate_proj, mlp.up_proj, dtype),
                    Products([mlp.down_proj], dtype),
                )
            )

    def new_row(self, capacity: int) -> PackedRow:
        """RETURNS (PackedRow): A row without tokens. capacity (int): How many it has room for."""
        shape = (len(self._layers), 2, self._kv_heads, _whole(capacity, _KEYS), self._size)
        # Zeros, since whole blocks are read: what is masked must be a number.
        return PackedRow(torch.zeros(shape, dtype=self.dtype))

    def __call__(
        self,
        rows: Sequence[PackedRow],
        tokens: Sequence[Sequence[int]],
        branches: Sequence[Sequence[Branch]] | None = None,
    ) -> torch.Tensor:
        """Run the model on what comes next in each row.

        rows (Sequence[PackedRow]): The rows, length R. They grow by their tokens.
        tokens (Sequence[Sequence[int]]): The tokens of each, length R.
        branches (Sequence[Sequence[tuple[int, Sequence[int]]]] | None): Other tokens that might
            stand in each row behind so many of its new ones. No other token sees them.
        RETURNS (torch.Tensor): The states of all tokens, row after row, those of its branches
            behind the row's own; float32, shape (N, width).
        """
        if branches is None:
            branches = [()] * len(rows)
        positions: list[int] = []
        flat: list[int] = []
        parts = []
        for row, ids, others in zip(rows, tokens, branches, strict=True):
            first, start = len(flat), row.length
            flat += ids
            positions += range(start, start + len(ids))
            for at, branch in others:
                flat += branch
                positions += range(start + at, start + at + len(branch))
            end = start + len(flat) - first
            row.reserve(end)
            mask = self._mask(start, end)
            slot = start + len(ids)
            for at, branch in others:
                queries = slice(slot - start, slot - start + len(branch))
                mask[queries, start + at : slot] = float("-inf")
                slot += len(branch)
            parts.append((row, first, len(flat), end, mask))
        n_tokens = len(flat)
        n_rows = max(n_tokens, MIN_ROWS[self.dtype])
        n_padding = _whole(n_rows, _ROWS[self.dtype]) - n_tokens
        flat += [0] * n_padding
        x = self._embed(torch.tensor(flat)).float()
        cos, sin = self._rotary(x, torch.tensor([[*positions, *[0] * n_padding]]))
        # The sign of the rotated half is part of the sine.
        half = self._size // 2
        cos, sin = cos[0, :, None], torch.cat([-sin[0, :, :half], sin[0, :, half:]], -1)[:, None]
        mixed = torch.zeros((len(flat), self._heads, self._size), dtype=self.dtype)
        # At the end there is room for the last row's whole blocks of queries.
        n_heads = self._heads + self._kv_heads
        turned = torch.zeros((len(flat) + _QUERIES, n_heads, self._size), dtype=self.dtype)
        for number, (norm, qkv, out, post_norm, gated, down) in enumerate(self._layers):
            states = qkv(self._normalize(x, norm)).view(len(flat), -1, self._size)
            plain = states[:, :n_heads].float()
            rolled = torch.cat([plain[..., half:], plain[..., :half]], -1)
            # In float32 it may be the product itself, which is not needed any more.
            turned[: len(flat)] = plain.mul_(cos).addcmul_(rolled, sin)
            values = states[:, n_heads:]
            for row, start, stop, end, mask in parts:
                n_queries, n_keys = mask.shape
                keys_values = row.layers[number]
                keys_values[0, :, row.length : end] = turned[start:stop, self._heads :].transpose(
                    0, 1
                )
                keys_values[1, :, row.length : end] = values[start:stop].transpose(0, 1)
                # Queries beyond those of the row are whatever comes next, and are not looked at.
                mixed[start:stop] = F.scaled_dot_product_attention(
                    turned[start : start + n_queries, : self._heads].transpose(0, 1)[None],
                    keys_values[0, :, :n_keys][None],
                    keys_values[1, :, :n_keys][None],
                    attn_mask=mask,
                    enable_gqa=True,
                )[0, :, : stop - start].transpose(0, 1)
            x += out(mixed.flatten(1))
            # In blocks, so that what lies between the two products stays in the cache.
            for block in x.chunk(-(-len(x) // MAX_ROWS)):
                states = self._normalize(block, post_norm)
                block += down(gated(states))
        for row, _, _, end, _ in parts:
            row.length = end
        return self._normalize(x[:n_tokens], self._norm)

    def logits(self, states: torch.Tensor, vocabulary: torch.Tensor) -> torch.Tensor:
        """RETURNS (torch.Tensor): Logits in float32, shape (K, C).

        states (torch.Tensor): What the model returned for some tokens, shape (K, width).
        vocabulary (torch.Tensor): The tokens whose logits are wanted, shape (C,)."""
        weight = self._head.weight[vocabulary].float()
        bias = None if self._head.bias is None else self._head.bias[vocabulary].float()
        return linear_of_some(states, weight, bias)

    def _normalize(self, x: torch.Tensor, weight: torch.Tensor | None) -> torch.Tensor:
        length: torch.Tensor = torch.linalg.vector_norm(x, dim=-1, keepdim=True)
        scale = length.square_().div_(x.shape[-1]).add_(self._eps).rsqrt_()
        return x * scale if weight is None else (x * scale).mul_(weight)

    def _mask(self, start: int, end: int) -> torch.Tensor:
        """RETURNS (torch.Tensor): What a mask adds: each token sees those up to itself.

        start (int): The position of the first token of the pass.
        end (int): The position behind the last one."""
        shape = (_whole(end - start, _QUERIES), _whole(end, _KEYS))
        return torch.full(shape, float("-inf"), dtype=self.dtype).triu_(start + 1)


def _whole(number: int, block: int) -> int:
    return -(-number // block) * block


def can_pack(model: Any) -> bool:
    """RETURNS (bool): Whether `PackedLlama` computes what the model computes: plain LLaMA on a
    CPU, whose linear layers are torch's own (not quantized, without an adapter).

    model (PreTrainedModel): The model."""
    if type(model).__name__ != "LlamaForCausalLM" or model.device.type != "cpu":
        return False
    config = model.config
    plain = config.hidden_act == "silu" and getattr(config, "pretraining_tp", 1) == 1
    # Other kinds of rotary positions change with the length of the longest row.
    rotary = model.model.rotary_emb
    is_known = type(rotary).__name__ == "LlamaRotaryEmbedding" and (
        getattr(rotary, "rope_type", "") in ("default", "linear", "llama3")
    )
    linear_layers = [
        getattr(part, name, None)
        for layer in model.model.layers
        for part, names in ((layer.self_attn, "qkvo"), (layer.mlp, ("gate", "up", "down")))
        for name in (f"{n}_proj" for n in names)
    ]
    return plain and is_known and all(type(m) in (nn.Linear, FastLinear) for m in linear_layers)


@torch.inference_mode()
def rows_are_independent(dtype: torch.dtype, shapes: Sequence[tuple[int, int]]) -> bool:
    """Check that a product gives each row the same, however many rows it has.

    dtype (torch.dtype): The precision.
    shapes (Sequence[tuple[int, int]]): Shapes of weights, (m, n) each.
    RETURNS (bool): Whether that was so for some numbers of rows.
    """
    generator = torch.Generator().manual_seed(0)
    for m, n in shapes:
        layer = nn.Linear(n, m, bias=False, dtype=dtype)
        layer.weight.copy_(torch.randn(m, n, generator=generator))
        x = torch.randn(MAX_ROWS, n, generator=generator).to(dtype)
        for product in (Products([layer], dtype), GatedProducts(layer, layer, dtype)):
            whole = product(x)
            for n_rows in (MIN_ROWS[dtype], 61, 100, 256, 399):
                if not torch.equal(product(x[:n_rows].contiguous()), whole[:n_rows]):
                    return False
    return True
