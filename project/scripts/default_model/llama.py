"""A LLaMA with a low-rank adapter, made for training on a CPU.

The low-rank matrices are float32; with every update they are added to the weights, in the precision
of the model. So a forward pass costs what the bare model costs, and the backward pass finds the
gradients of both matrices from the inputs and the gradient of a layer. Nothing is computed for
padding, and the prefix of all rows once.
"""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from batch import Batch
from layers import Attention, Gate, Norm
from safetensors.torch import load_file

# Linear layers that have the same input are one, by the block that they are in.
FUSED = {
    "qkv": ("self_attn", ("q_proj", "k_proj", "v_proj")),
    "o": ("self_attn", ("o_proj",)),
    "gate_up": ("mlp", ("gate_proj", "up_proj")),
    "down": ("mlp", ("down_proj",)),
}
ROWS = "rows"


class Linear:
    """Linear layers with the same input, each with a low-rank adapter.

    bases (Sequence[torch.Tensor]): Their weights, (out, in) each.
    rank (int): Of the adapters.
    scale (float): Of what they add.
    generator (torch.Generator): Draws the first matrices, as peft does.
    device (str): Where they are.
    dtype (torch.dtype): Of what is computed.
    """

    def __init__(
        self,
        bases: Sequence[torch.Tensor],
        rank: int,
        scale: float,
        generator: torch.Generator,
        device: str,
        dtype: torch.dtype,
    ) -> None:
        self._base = torch.cat(list(bases)).float().to(device)
        self.scale = scale
        self.weight = torch.empty_like(self._base, dtype=dtype)
        self.pairs: list[tuple[torch.Tensor, torch.Tensor]] = []
        for base in bases:
            bound = 1 / math.sqrt(base.shape[1])
            a = (torch.rand(rank, base.shape[1], generator=generator) * 2 - 1) * bound
            b = torch.zeros(base.shape[0], rank)
            self.pairs.append((a.to(device).requires_grad_(), b.to(device).requires_grad_()))

    @torch.no_grad()
    def merge(self) -> None:
        """Take over the adapters as they are now."""
        added = torch.cat([b @ a for a, b in self.pairs])
        self.weight.copy_(self._base.add(added, alpha=self.scale))
        self.down = torch.cat([a for a, _ in self.pairs]).type_as(self.weight)
        self.up = torch.cat([b for _, b in self.pairs]).type_as(self.weight)

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """RETURNS (torch.Tensor): (N, in) -> (N, out), the layers side by side."""
        y: torch.Tensor = _Adapted.apply(x, self)
        return y


class _Adapted(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, layer: Linear) -> torch.Tensor:
        ctx.save_for_backward(x)
        ctx.layer = layer
        return x @ layer.weight.t()

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor, None]:  # type: ignore[override]
        (x,) = ctx.saved_tensors
        layer: Linear = ctx.layer
        inner = x @ layer.down.t()
        inner_grads, start = [], 0
        for i, (a, b) in enumerate(layer.pairs):
            rank, n_out = a.shape[0], b.shape[0]
            own = grad[:, start : start + n_out]
            inner_grads.append(own @ layer.up[start : start + n_out])
            add_gradient(b, own.t() @ inner[:, i * rank : (i + 1) * rank], layer.scale)
            start += n_out
        grads_a = torch.cat(inner_grads, 1).t() @ x
        for (a, _), part in zip(
            layer.pairs, grads_a.split(layer.pairs[0][0].shape[0]), strict=True
        ):
            add_gradient(a, part, layer.scale)
        return grad @ layer.weight, None


def add_gradient(parameter: torch.Tensor, gradient: torch.Tensor, scale: float = 1.0) -> None:
    """Add to the gradient of a float32 parameter.

    parameter (torch.Tensor): Gets it.
    gradient (torch.Tensor): In any precision.
    scale (float): What it is multiplied by.
    """
    if parameter.grad is None:
        parameter.grad = gradient.float().mul_(scale)
    else:
        parameter.grad.add_(gradient, alpha=scale)


class Llama:
    """The model.

    base (Path): Hugging Face directory of a LLaMA whose output layer is its embedding.
    spelled (Sequence[Sequence[int]]): For every added token, the tokens that spelled it. Its row
        begins as the mean of theirs.
    rank (int): Of the adapter.
    alpha (float): What it adds is scaled by alpha / rank.
    seed (int): Of its first matrices.
    device (str): Where it is.
    dtype (torch.dtype): Of what is computed.
    """

    def __init__(
        self,
        base: Path,
        spelled: Sequence[Sequence[int]],
        rank: int,
        alpha: float,
        seed: int,
        device: str = "cpu",
        dtype: torch.dtype = torch.bfloat16,
    ) -> None:
        config = json.loads((base / "config.json").read_text(encoding="utf8"))
        if not config["tie_word_embeddings"]:
            raise ValueError("The output layer must be the embedding.")
        state = {
            name.removeprefix("model."): tensor.float()
            for name, tensor in load_file(base / "model.safetensors").items()
        }
        self.heads: int = config["num_attention_heads"]
        self.key_heads: int = config["num_key_value_heads"]
        self._eps: float = config["rms_norm_eps"]
        generator = torch.Generator().manual_seed(seed)
        table = state["embed_tokens.weight"]
        self.n_vocabulary = table.shape[0]
        self.dtype = dtype
        self._table = table.to(device, dtype)
        rows = torch.stack([table[list(ids)].mean(0) for ids in spelled])
        self.rows = rows.to(device).requires_grad_()
        self.layers: list[dict[str, Linear]] = []
        self._norms = []
        for i in range(config["num_hidden_layers"]):
            stem = f"layers.{i}."
            self.layers.append(
                {
                    key: Linear(
                        [state[f"{stem}{block}.{name}.weight"] for name in names],
                        rank,
                        alpha / rank,
                        generator,
                        device,
                        dtype,
                    )
                    for key, (block, names) in FUSED.items()
                }
            )
            self._norms += [
                state[f"{stem}{name}_layernorm.weight"].to(device, dtype)
                for name in ("input", "post_attention")
            ]
        self._norms.append(state["norm.weight"].to(device, dtype))
        d = config["hidden_size"] // self.heads
        theta = config.get("rope_theta") or config["rope_parameters"]["rope_theta"]
        frequencies = theta ** -(torch.arange(0, d, 2).float() / d)
        angles = torch.arange(config["max_position_embeddings"]).float()[:, None] * frequencies
        self._cos, self._sin = angles.cos().to(device), angles.sin().to(device)
        self.publish()

    def named_parameters(self) -> dict[str, torch.Tensor]:
        """RETURNS (dict[str, torch.Tensor]): All that is trained, in float32: the matrices under
        peft's names, and the rows of the added tokens."""
        result = {}
        for i, layer in enumerate(self.layers):
            for key, (block, names) in FUSED.items():
                for name, (a, b) in zip(names, layer[key].pairs, strict=True):
                    stem = f"base_model.model.model.layers.{i}.{block}.{name}"
                    result[f"{stem}.lora_A.weight"] = a
                    result[f"{stem}.lora_B.weight"] = b
        result[ROWS] = self.rows
        return result

    def publish(self) -> None:
        """Compute with the parameters as they are now."""
        for layer in self.layers:
            for linear in layer.values():
                linear.merge()
        self._rows = self.rows.detach().to(self.dtype, copy=True).requires_grad_()

    def collect(self) -> None:
        """Move the gradient of the rows to where the optimizer looks for it."""
        if self._rows.grad is not None:
            add_gradient(self.rows, self._rows.grad)
            self._rows.grad = None

    def loss(self, batch: Batch) -> torch.Tensor:
        """RETURNS (torch.Tensor): Cross entropy over the candidates, the weighted sum."""
        logits = self.logits(batch)
        losses = torch.nn.functional.cross_entropy(logits, batch.targets, reduction="none")
        return (losses * batch.weights).sum()

    def logits(self, batch: Batch) -> torch.Tensor:
        """RETURNS (torch.Tensor): Of the candidates at the places, (T, C), float32."""
        x = self._embed(batch.ids)
        cos, sin = self._cos[batch.positions], self._sin[batch.positions]
        for layer, first, second in zip(
            self.layers, self._norms[::2], self._norms[1::2], strict=False
        ):
            qkv = layer["qkv"](Norm.apply(x, first, self._eps))
            out = Attention.apply(qkv, cos, sin, batch, self.heads, self.key_heads)
            x = x + layer["o"](out)
            inner = Gate.apply(layer["gate_up"](Norm.apply(x, second, self._eps)))
            x = x + layer["down"](inner)
        x = Norm.apply(x[batch.places], self._norms[-1], self._eps)
        return (x @ self._embed(batch.candidates).t()).float()

    def _embed(self, ids: torch.Tensor) -> torch.Tensor:
        x = self._table[ids.clamp(max=self.n_vocabulary - 1)]
        added = (ids >= self.n_vocabulary).nonzero().squeeze(1)
        return x.index_put((added,), self._rows[ids[added] - self.n_vocabulary])
