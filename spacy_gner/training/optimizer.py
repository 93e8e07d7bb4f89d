"""Updates: thinc's optimizer says how, torch computes it.

thinc's own Adam runs on one CPU thread, needs CuPy on a GPU, and clips each tensor by
itself. So only its settings and schedules are used, which are what a config describes.
"""

import math
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from thinc.api import Optimizer

from ..errors import Warnings
from .trainable import trainable_parameters

if TYPE_CHECKING:
    from ..pipeline.shim import BackboneShim


@dataclass
class Trainer:
    """What an optimizer knows about a backbone.

    config (Optimizer): The thinc optimizer that it follows.
    torch_optimizer (torch.optim.Optimizer): Holds the moments.
    parameters (list[torch.nn.Parameter]): What is trained.
    """

    config: Optimizer
    torch_optimizer: torch.optim.Optimizer
    parameters: list[torch.nn.Parameter]


def finish_update(shim: "BackboneShim", optimizer: Optimizer) -> None:
    """Update the parameters with the gradients since the last update, and clear these.

    The gradients are divided by the sum of the weights of all target tokens that they
    come from. Their global norm is then clipped to `optimizer.grad_clip`. Weight decay
    (`L2`) is decoupled and spares biases and the scales of norms, also where
    `L2_is_weight_decay` is false (W505). Betas of 0 (thinc's `SGD.v1`) give plain
    descent, `RAdam.v1` gives RAdam; anything else is AdamW. Stepping the schedules is
    the training loop's business.

    shim (BackboneShim): Holds the backbone. Nothing happens unless an update is due.
    optimizer (Optimizer): thinc's optimizer, for its settings as they are now.
    """
    if not shim.is_loaded:
        return
    backbone = shim.backbone
    total, backbone.pending_weight = backbone.pending_weight, 0.0
    if not total:
        return
    trainer = backbone.trainer
    if trainer is None or trainer.config is not optimizer:
        trainer = backbone.trainer = make_trainer(backbone, optimizer)
    gradients = [p.grad for p in trainer.parameters if p.grad is not None]
    torch._foreach_div_(gradients, total)
    # An infinite limit clips nothing, and still tells the norm.
    limit = float(optimizer.grad_clip) or math.inf
    norm = torch.nn.utils.clip_grad_norm_(trainer.parameters, limit)
    if torch.isfinite(norm):
        _follow(trainer.torch_optimizer, optimizer)
        trainer.torch_optimizer.step()
        backbone.version += 1
        shim.modified = True
    else:
        warnings.warn(Warnings.W503.format(norm=float(norm)), stacklevel=2)
    trainer.torch_optimizer.zero_grad(set_to_none=True)


def make_trainer(backbone: Any, optimizer: Optimizer) -> Trainer:
    """Set up torch's optimizer.

    backbone (Backbone): Ready for training.
    optimizer (Optimizer): thinc's.
    RETURNS (Trainer): With fresh moments.
    """
    if optimizer.averages is not None:
        warnings.warn(Warnings.W504, stacklevel=3)
    if optimizer.L2 and not optimizer.L2_is_weight_decay:
        warnings.warn(Warnings.W505, stacklevel=3)
    named = trainable_parameters(backbone.model)
    decayed = [p for _, p in named if p.ndim > 1]
    spared = [p for _, p in named if p.ndim <= 1]
    groups: list[dict[str, Any]] = [
        {"params": decayed, "decays": True},
        {"params": spared, "decays": False},
    ]
    groups = [group for group in groups if group["params"]]
    return Trainer(optimizer, _torch_optimizer(groups, optimizer), decayed + spared)


def _torch_optimizer(groups: list[dict[str, Any]], optimizer: Optimizer) -> torch.optim.Optimizer:
    # The values that matter are set before every step, see `_follow`.
    if optimizer.use_radam:
        return torch.optim.RAdam(groups, decoupled_weight_decay=True)
    if not optimizer.b1 and not optimizer.b2:
        return torch.optim.SGD(groups, lr=1e-3)
    try:
        return torch.optim.AdamW(groups, fused=True)
    except (RuntimeError, TypeError):
        # Not for this device, or not in this version of torch.
        return torch.optim.AdamW(groups)


def _follow(torch_optimizer: torch.optim.Optimizer, optimizer: Optimizer) -> None:
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
