"""The forward and backward pass of an update: logits at the target tokens only."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import Any

import torch
from transformers import DynamicCache

from ..backbones.backbone import Backbone
from ..backbones.logits import pick_logits, plain_model
from ..backbones.signature import cache_argument, takes_argument
from .encoding import TrainingBatch
from .trainer import Trainer

# Fewer common tokens are not worth a pass of their own.
_MIN_SHARED = 16

Backprop = Callable[[torch.Tensor], None]


def forward_batch(
    trainer: Trainer, batch: TrainingBatch, is_train: bool
) -> tuple[torch.Tensor, Backprop]:
    """Compute the logits of a batch.

    The beginning that all prompts of a batch share is computed once for causal models
    (with gradient), and the vocabulary is only multiplied with where a target token is.

    trainer (Trainer): Holds the model; what it needs for training (adapter, checkpointing) is
        set up with the first call.
    batch (TrainingBatch): B rows, N target tokens.
    is_train (bool): Whether `backprop` will be called.
    RETURNS (tuple[torch.Tensor, Callable]): Logits in float32, (N, vocabulary); and a
        function that takes their gradient, adds to the gradients of the parameters,
        and to `trainer.pending_weight` what `finish_update` is to divide them by.
    """
    backbone = trainer.backbone
    if not is_train:
        backbone.model.eval()
        with torch.no_grad(), _autocast(backbone):
            return target_logits(backbone, batch).float(), _no_backprop
    trainer.prepare()
    _set_mode(backbone, batch.drop)
    try:
        # Shared beginnings have a pass of their own, which another process may not have.
        shares = not trainer.passes_together
        with torch.enable_grad(), _autocast(backbone):
            logits = target_logits(backbone, batch, shares_prompts=shares).float()
    except BaseException:
        # Also when it was interrupted: with dropout on, no two predictions are the same.
        backbone.model.eval()
        raise

    def backprop(d_logits: torch.Tensor) -> None:
        # Still in training mode: checkpointing computes layers again here.
        try:
            logits.backward(gradient=d_logits.to(logits.device))  # type: ignore[no-untyped-call]
        finally:
            backbone.model.eval()
        trainer.pending_weight += float(batch.weights.sum())
        trainer.n_trained += batch.n_targets

    return logits.detach(), backprop


def _no_backprop(d_logits: torch.Tensor) -> None:
    raise RuntimeError("This forward pass was not made for training (is_train=False).")


def target_logits(
    backbone: Backbone, batch: TrainingBatch, shares_prompts: bool = True
) -> torch.Tensor:
    """Run the model on a batch, in whatever mode it is.

    backbone (Backbone): The model.
    batch (TrainingBatch): B rows, N target tokens.
    shares_prompts (bool): Whether what all prompts begin with may have a pass of its own.
    RETURNS (torch.Tensor): Logits at the target tokens, (N, vocabulary).
    """
    device = backbone.device
    rows, positions = batch.rows.to(device), batch.positions.to(device)
    input_ids = batch.input_ids.to(device)
    if not backbone.codec.is_causal:
        assert batch.decoder_input_ids is not None
        length = batch.decoder_input_ids.shape[1]
        wanted = rows * length + positions
        with pick_logits(backbone.model, batch.decoder_input_ids.numel(), wanted) as pick:
            output = backbone.model(
                input_ids=input_ids,
                attention_mask=batch.attention_mask.to(device),
                decoder_input_ids=batch.decoder_input_ids.to(device),
                use_cache=False,
            )
        return pick(output.logits)
    n_rows, length = input_ids.shape
    n_shared = batch.n_shared
    model = plain_model(backbone.model)
    checkpointing = getattr(backbone.model, "is_gradient_checkpointing", False)
    # Padding stands on the right, where causal attention never looks: no mask is needed.
    arguments: dict[str, Any] = {"use_cache": False}
    cache = None
    if shares_prompts and n_rows > 1 and n_shared >= _MIN_SHARED and not checkpointing:
        cache = _shared_cache(backbone, input_ids[:1, :n_shared])
    if cache is not None:
        cache.batch_repeat_interleave(n_rows)
        arguments = {"use_cache": True, str(cache_argument(model)): cache}
        input_ids, positions = input_ids[:, n_shared:], positions - n_shared
    else:
        n_shared = 0
    if takes_argument(model, "position_ids"):
        arguments["position_ids"] = torch.arange(n_shared, length, device=device).repeat(n_rows, 1)
    wanted = rows * input_ids.shape[1] + positions
    with pick_logits(backbone.model, input_ids.numel(), wanted) as pick:
        output = backbone.model(input_ids=input_ids, **arguments)
    return pick(output.logits)


def _shared_cache(backbone: Backbone, input_ids: torch.Tensor) -> Any:
    """RETURNS (DynamicCache | None): Keys and values of the beginning that all rows share,
    (1, T); None for models that do not keep them there (Mamba; MPT and XGLM in
    transformers 4): these compute it once per row."""
    name = cache_argument(plain_model(backbone.model))
    if name is None:
        return None
    cache: Any = DynamicCache()
    none = input_ids.new_empty(0)
    # Models that predate `Cache` index the layers of an empty cache.
    with pick_logits(backbone.model, input_ids.numel(), none), suppress(KeyError):
        backbone.model(input_ids=input_ids, use_cache=True, **{name: cache})
    return cache if cache.get_seq_length() == input_ids.shape[1] else None


def _autocast(backbone: Backbone) -> AbstractContextManager[Any]:
    if backbone.settings.mixed_precision and backbone.device.type == "cuda":
        # bfloat16 has the range of float32: no scaling of the loss is needed, and T5,
        # which overflows in float16, is safe.
        return torch.autocast("cuda", dtype=torch.bfloat16)
    return nullcontext()


def _set_mode(backbone: Backbone, drop: float) -> None:
    backbone.model.train(drop > 0)
    if not drop:
        # Checkpointing only works in training mode; dropout layers stay off.
        for module in backbone.model.modules():
            if getattr(module, "gradient_checkpointing", False):
                module.training = True


def get_loss(batch: TrainingBatch, logits: torch.Tensor) -> tuple[float, torch.Tensor]:
    """Cross entropy, summed over the target tokens with their weights.

    The gradient is that of the sum. `finish_update` divides it by the sum of
    the weights of everything since the last update, so that it makes no
    difference how many sub-batches a batch was cut into.

    batch (TrainingBatch): N target tokens.
    logits (torch.Tensor): (N, vocabulary).
    RETURNS (tuple[float, torch.Tensor]): The mean loss per unit of weight, in nats, for the
        log; and the gradient of the weighted sum, (N, vocabulary).
    """
    targets = batch.targets.to(logits.device)[:, None]
    weights = batch.weights.to(logits.device)[:, None]
    with torch.no_grad():
        # One table of the size of the logits is all that is allocated.
        log_p = torch.log_softmax(logits.detach().float(), dim=-1)
        chosen = log_p.gather(1, targets)
        loss = -(chosen * weights).sum() / weights.sum().clamp_min(1e-12)
        gradient = log_p.exp_()
        gradient.scatter_add_(1, targets, torch.full_like(chosen, -1.0))
        gradient.mul_(weights)
    return float(loss), gradient
