"""The optimizer: thinc's says how, torch's computes it.

thinc's own Adam runs on one CPU thread, needs CuPy on a GPU, and clips each tensor by
itself. So only its settings and schedules are used, which are what a config describes.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from thinc.api import Optimizer

from ..errors import Warnings


@dataclass
class FollowedOptimizer:
    """A torch optimizer that follows one of thinc.

    config (Optimizer): The thinc optimizer.
    torch_optimizer (torch.optim.Optimizer): Holds the moments.
    parameters (list[torch.nn.Parameter]): What is trained.
    """

    config: Optimizer
    torch_optimizer: torch.optim.Optimizer
    parameters: list[torch.nn.Parameter]


def make_optimizer(
    named: Sequence[tuple[str, torch.nn.Parameter]], optimizer: Optimizer
) -> FollowedOptimizer:
    """Set up torch's optimizer.

    named (Sequence[tuple[str, torch.nn.Parameter]]): What is trained.
    optimizer (Optimizer): thinc's.
    RETURNS (FollowedOptimizer): With fresh moments.
    """
    if optimizer.averages is not None:
        warnings.warn(Warnings.W504, stacklevel=3)
    if optimizer.L2 and not optimizer.L2_is_weight_decay:
        warnings.warn(Warnings.W505, stacklevel=3)
    decayed = [p for _, p in named if p.ndim > 1]
    spared = [p for _, p in named if p.ndim <= 1]
    groups: list[dict[str, Any]] = [
        {"params": decayed, "decays": True},
        {"params": spared, "decays": False},
    ]
    groups = [group for group in groups if group["params"]]
    return FollowedOptimizer(optimizer, _torch_optimizer(groups, optimizer), decayed + spared)


def divide(gradients: list[torch.Tensor], total: float) -> None:
    """Divide gradients in place: all in one call where this version of torch has it (which is
    not public), else one by one.

    gradients (list[torch.Tensor]): The gradients.
    total (float): The divisor.
    """
    together = getattr(torch, "_foreach_div_", None)
    if together is not None:
        together(gradients, total)
        return
    for gradient in gradients:
        gradient.div_(total)


def _torch_optimizer(groups: list[dict[str, Any]], optimizer: Optimizer) -> torch.optim.Optimizer:
    # The values that matter are set before every step, see `follow`.
    if optimizer.use_radam:
        return torch.optim.RAdam(groups, decoupled_weight_decay=True)
    if not optimizer.b1 and not optimizer.b2:
        return torch.optim.SGD(groups, lr=1e-3)
    try:
        return torch.optim.AdamW(groups, fused=True)
    except (RuntimeError, TypeError):
        # Not for this device, or not in this version of torch.
        return torch.optim.AdamW(groups)


def follow(torch_optimizer: torch.optim.Optimizer, optimizer: Optimizer) -> None:
    """Set what an optimizer of torch is to do next.

    torch_optimizer (torch.optim.Optimizer): Changed in place.
    optimizer (Optimizer): thinc's, for its settings as they are now.
    """
    for group in torch_optimizer.param_groups:
        group["lr"] = float(optimizer.learn_rate)
        decay = float(optimizer.L2) if group["decays"] else 0.0
        if isinstance(torch_optimizer, torch.optim.SGD):
            # torch couples this one to the gradient; without momentum it is the same.
            group["weight_decay"] = decay
        else:
            group["betas"] = (float(optimizer.b1), float(optimizer.b2))
            group["eps"] = float(optimizer.eps)
            group["weight_decay"] = decay
