"""Linear layers that are fast for a few rows on a CPU.

A decoder gives a model one to some dozens of tokens at a time. For so few rows, the matrix
product that torch takes for float32 (MKL's sgemm) is far from what the machine can do: two rows
cost it more than eight. oneDNN, which torch brings along and uses for other precisions, needs no
more memory and up to half the time. docs/decoding.md has the figures.
"""

import torch
from torch import nn
from torch.nn import functional as F

# Rows and columns of `linear_of_some` come in blocks of these.
_ROWS, _COLUMNS = 16, 64


def _find_kernel() -> bool:
    """Whether this build of torch has oneDNN's linear layer, with the arguments known here."""
    if not torch.backends.mkldnn.is_available():
        return False
    try:
        x, weight = torch.ones(2, 3), torch.ones(4, 3)
        out = torch.ops.mkldnn._linear_pointwise(x, weight, None, "none", [], "")
        return torch.equal(out, torch.full((2, 4), 3.0))
    # Whatever a build without it raises: then torch's own product does the same, more slowly.
    except Exception:
        return False


HAS_KERNEL = _find_kernel()


def linear(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
    """`torch.nn.functional.linear`, by oneDNN where that is possible and pays: in float32, on a
    CPU, without gradients.

    x (torch.Tensor): Shape (..., n).
    weight (torch.Tensor): Shape (m, n).
    bias (torch.Tensor | None): Shape (m,).
    RETURNS (torch.Tensor): Shape (..., m).
    """
    if (
        HAS_KERNEL
        and x.device.type == "cpu"
        and x.dtype == weight.dtype == torch.float32
        and x.dim() > 1
        and x.numel()
        and not torch.is_grad_enabled()
    ):
        result: torch.Tensor = torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")
        return result
    return F.linear(x, weight, bias)


def linear_of_some(
    x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None
) -> torch.Tensor:
    """`linear` for ever new numbers of rows and columns. oneDNN never forgets what it has compiled
    for a shape (a quarter of a megabyte), so there are few of them: what is missing is filled up.

    x (torch.Tensor): Shape (..., n).
    weight (torch.Tensor): Shape (m, n).
    bias (torch.Tensor | None): Shape (m,).
    RETURNS (torch.Tensor): Shape (..., m).
    """
    if x.device.type != "cpu" or torch.is_grad_enabled() or not x.numel():
        return linear(x, weight, bias)
    rows = x.reshape(-1, x.shape[-1])
    n_rows, n_columns = len(rows), len(weight)
    rows = F.pad(rows, (0, 0, 0, -n_rows % _ROWS))
    missing = -n_columns % _COLUMNS
    weight = F.pad(weight, (0, 0, 0, missing))
    bias = None if bias is None else F.pad(bias, (0, missing))
    result = linear(rows, weight, bias)[:n_rows, :n_columns]
    return result.reshape(*x.shape[:-1], n_columns)


def pack_weight(weight: torch.Tensor) -> torch.Tensor:
    """Bring a weight into the order in which oneDNN's kernel reads it, once instead of with
    each product.

    weight (torch.Tensor): Shape (m, n), on a CPU.
    RETURNS (torch.Tensor): A copy for `linear_packed`; as it is where this build of torch cannot.
    """
    if not HAS_KERNEL:
        return weight
    try:
        packed: torch.Tensor = torch.ops.mkldnn._reorder_linear_weight(weight)
        return packed
    # Builds without this operator, and precisions that it does not know.
    except (AttributeError, RuntimeError):
        return weight


def linear_packed(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
    """A product with a weight from `pack_weight`, without gradients. See `linear`."""
    if weight.is_mkldnn:
        result: torch.Tensor = torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")
        return result
    return F.linear(x, weight, bias)


def gated_packed(
    x: torch.Tensor,
    gate: tuple[torch.Tensor, torch.Tensor | None],
    up: tuple[torch.Tensor, torch.Tensor | None],
) -> torch.Tensor:
    """The product with one weight, times SiLU of that with another, without gradients.

    x (torch.Tensor): Shape (N, n).
    gate (tuple[torch.Tensor, torch.Tensor | None]): What SiLU is taken of: a weight from
        `pack_weight`, shape (m, n), and a bias, shape (m,).
    up (tuple[torch.Tensor, torch.Tensor | None]): The other one.
    RETURNS (torch.Tensor): Shape (N, m).
    """
    if gate[0].is_mkldnn and up[0].is_mkldnn:
        # Done while the results are written: they need not be read again.
        factor = torch.ops.mkldnn._linear_pointwise(x, *gate, "swish", [], "")
        result: torch.Tensor = torch.ops.mkldnn._linear_pointwise.binary(x, factor, *up, "mul")
        return result
    return F.silu(F.linear(x, *gate), inplace=True).mul_(F.linear(x, *up))


class FastLinear(nn.Linear):
    """A linear layer that multiplies with `linear`."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x (torch.Tensor): Shape (..., n).
        RETURNS (torch.Tensor): Shape (..., m)."""
        return linear(x, self.weight, self.bias)


def use_fast_linear(model: nn.Module, fast: bool = True) -> None:
    """Switch the linear layers of a model. Their weights, names and places stay, so that
    adapters and checkpoints see no difference.

    model (nn.Module): Changed in place. Only layers that are exactly `torch.nn.Linear` (or
        exactly `FastLinear`) are switched: others, quantized ones for instance, have
        a product of their own.
    fast (bool): False switches back.
    """
    old, new = (nn.Linear, FastLinear) if fast else (FastLinear, nn.Linear)
    for module in model.modules():
        if type(module) is old:
            module.__class__ = new
