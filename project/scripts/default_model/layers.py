"""The parts of a LLaMA's layers that are not matrix products, each with a backward pass of its own:
a layer keeps little for it, and makes few passes over memory. In and out they have the precision of
the model, inside float32."""

import os
from collections.abc import Callable
from typing import Any

import torch
from batch import Batch

Tensor = torch.Tensor


def fused(function: Callable[..., Any]) -> Callable[..., Any]:
    """RETURNS (Callable): The function as one loop, where there is a compiler for it;
    `GNER_NO_COMPILE` switches that off (tests; machines without one)."""
    if os.environ.get("GNER_NO_COMPILE"):
        return function
    compiled: Callable[..., Any] = torch.compile(function, dynamic=True, fullgraph=True)
    return compiled


@fused
def _norm(x: Tensor, weight: Tensor, eps: float) -> tuple[Tensor, Tensor]:
    wide = x.float()
    scale = torch.rsqrt((wide * wide).mean(-1, keepdim=True) + eps)
    return (wide * scale).type_as(x) * weight, scale


@fused
def _norm_backward(grad: Tensor, x: Tensor, scale: Tensor, weight: Tensor) -> Tensor:
    normed = x.float() * scale
    g = grad.float() * weight.float()
    mean = (g * normed).mean(-1, keepdim=True)
    return ((g - normed * mean) * scale).type_as(x)


@fused
def _gate(x: Tensor) -> Tensor:
    gate, up = x.float().chunk(2, -1)
    return (gate * torch.sigmoid(gate) * up).type_as(x)


@fused
def _gate_backward(grad: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
    gate, up = x.float().chunk(2, -1)
    g = grad.float()
    s = torch.sigmoid(gate)
    return (g * up * s * (1 + gate * (1 - s))).type_as(x), (g * gate * s).type_as(x)


@fused
def _rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    half = x.shape[-1] // 2
    c, s = cos[:, None], sin[:, None]
    a, b = x[..., :half].float(), x[..., half:].float()
    return torch.cat([a * c - b * s, b * c + a * s], -1).type_as(x)


@fused
def _softmax(x: Tensor, bias: Tensor) -> Tensor:
    wide = x.float() + bias.float()
    # exp2 is cheaper than exp.
    e = torch.exp2((wide - wide.amax(-1, keepdim=True)) * 1.4426950408889634)
    return (e / e.sum(-1, keepdim=True)).type_as(x)


@fused
def _softmax_backward(grad: Tensor, p: Tensor) -> Tensor:
    g, q = grad.float(), p.float()
    return (q * (g - (g * q).sum(-1, keepdim=True))).type_as(p)


class Norm(torch.autograd.Function):
    """RMSNorm with frozen weights: (N, width) -> (N, width)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, eps: float) -> Tensor:
        y, scale = _norm(x, weight, eps)
        ctx.save_for_backward(x, scale, weight)
        return y

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:  # type: ignore[override]
        return _norm_backward(grad, *ctx.saved_tensors), None, None


class Gate(torch.autograd.Function):
    """SwiGLU of gate and up side by side: (N, 2 * width) -> (N, width)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return _gate(x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:  # type: ignore[override]
        return torch.cat(_gate_backward(grad, *ctx.saved_tensors), -1)


class Attention(torch.autograd.Function):
    """Attention of a batch, with rotary positions.

    Takes queries, keys and values side by side, (N, (heads + 2 * key_heads) * d), and cos and sin
    of the positions, (N, d / 2). Returns (N, heads * d).
    """

    @staticmethod
    def forward(
        ctx: Any, qkv: Tensor, cos: Tensor, sin: Tensor, batch: Batch, heads: int, key_heads: int
    ) -> Tensor:
        n = qkv.shape[0]
        d = qkv.shape[1] // (heads + 2 * key_heads)
        g, p = heads // key_heads, batch.n_prefix
        b, length = batch.pad_index.shape
        pad = batch.pad_index.view(-1)
        x = qkv.view(n, heads + 2 * key_heads, d)
        turned = _rotate(x[:, : heads + key_heads], cos, sin)
        q, k, v = turned[:, :heads] * d**-0.5, turned[:, heads:], x[:, heads + key_heads :]
        prefix_k, prefix_v = k[:p].transpose(0, 1).contiguous(), v[:p].transpose(0, 1).contiguous()
        prefix_q = q[:p].view(p, key_heads, g, d).permute(1, 2, 0, 3).reshape(key_heads, g * p, d)
        row_q = _to_rows(q[pad], b, length, key_heads, g, d)
        row_k, row_v = (
            torch.cat(
                [
                    shared[None].expand(b, -1, -1, -1),
                    own[pad].view(b, length, key_heads, d).transpose(1, 2),
                ],
                2,
            ).view(b * key_heads, p + length, d)
            for shared, own in ((prefix_k, k), (prefix_v, v))
        )
        prefix_p = _softmax(torch.bmm(prefix_q, prefix_k.mT), batch.prefix_bias)
        scores = torch.bmm(row_q, row_k.mT).view(b, key_heads, g * length, p + length)
        row_p = _softmax(scores, batch.bias).view(b * key_heads, g * length, p + length)
        prefix_out = torch.bmm(prefix_p, prefix_v).view(key_heads, g, p, d).permute(2, 0, 1, 3)
        row_out = _from_rows(torch.bmm(row_p, row_v), b, length, key_heads, g, d)
        ctx.save_for_backward(
            prefix_q, prefix_k, prefix_v, prefix_p, row_q, row_k, row_v, row_p, cos, sin
        )
        ctx.batch, ctx.shape = batch, (n, d, g, key_heads)
        return torch.cat([prefix_out.reshape(p, heads * d), row_out[batch.flat_index]])

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        prefix_q, prefix_k, prefix_v, prefix_p, row_q, row_k, row_v, row_p, cos, sin = (
            ctx.saved_tensors
        )
        n, d, g, key_heads = ctx.shape
        heads, p, flat = g * key_heads, ctx.batch.n_prefix, ctx.batch.flat_index
        b, length = ctx.batch.pad_index.shape
        prefix_g = grad[:p].view(p, key_heads, g, d).permute(1, 2, 0, 3)
        prefix_g = prefix_g.reshape(key_heads, g * p, d)
        padded = grad.new_zeros(b * length, heads * d)
        padded[flat] = grad[p:]
        row_g = _to_rows(padded, b, length, key_heads, g, d)
        prefix_s = _softmax_backward(torch.bmm(prefix_g, prefix_v.mT), prefix_p)
        row_s = _softmax_backward(torch.bmm(row_g, row_v.mT), row_p)
        result = grad.new_empty(n, heads + 2 * key_heads, d)
        own = torch.bmm(prefix_s, prefix_k).view(key_heads, g, p, d).permute(2, 0, 1, 3)
        result[:p, :heads] = own.reshape(p, heads, d)
        rows = _from_rows(torch.bmm(row_s, row_k), b, length, key_heads, g, d)
        result[p:, :heads] = rows[flat].view(-1, heads, d)
        result[:, :heads] *= d**-0.5
        of_prefix = (torch.bmm(prefix_s.mT, prefix_q), torch.bmm(prefix_p.mT, prefix_g))
        of_rows = (torch.bmm(row_s.mT, row_q), torch.bmm(row_p.mT, row_g))
        for i, (shared, rows) in enumerate(zip(of_prefix, of_rows, strict=True)):
            columns = slice(heads + i * key_heads, heads + (i + 1) * key_heads)
            rows = rows.view(b, key_heads, p + length, d)
            result[:p, columns] = (shared + rows[:, :, :p].sum(0)).transpose(0, 1)
            rows = rows[:, :, p:].transpose(1, 2).reshape(b * length, key_heads, d)
            result[p:, columns] = rows[flat]
        # A rotation is undone by the one that turns the other way.
        turned = result[:, : heads + key_heads]
        result[:, : heads + key_heads] = _rotate(turned, cos, -sin)
        return result.view(n, -1), None, None, None, None, None


def _to_rows(x: Tensor, b: int, length: int, key_heads: int, g: int, d: int) -> Tensor:
    """(B * L, heads * d) -> (B * key_heads, G * L, d)."""
    x = x.reshape(b, length, key_heads, g, d).permute(0, 2, 3, 1, 4)
    return x.reshape(b * key_heads, g * length, d)


def _from_rows(x: Tensor, b: int, length: int, key_heads: int, g: int, d: int) -> Tensor:
    """(B * key_heads, G * L, d) -> (B * L, heads * d)."""
    x = x.view(b, key_heads, g, length, d).permute(0, 3, 1, 2, 4)
    return x.reshape(b * length, key_heads * g * d)
