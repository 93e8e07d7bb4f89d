"""All that training knows about a backbone: adapter, what is trained, what is pending."""

import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from thinc.api import Optimizer

from ..backbones.adapters import KeptAdapter, import_peft
from ..backbones.backbone import Backbone
from ..backbones.loading import load_adapter
from ..errors import Errors, Warnings
from .optimizer import FollowedOptimizer, divide, follow, make_optimizer
from .sharding import as_part

if TYPE_CHECKING:
    from .processes import Processes
    from .sharding import ShardedModel


class Trainer:
    """Trains a backbone.

    backbone (Backbone): The backbone.

    `pending_weight` is the weight of all target tokens since the last update, `n_trained` their
    number ever. `losses` are the loss and the weight that were reported since `take_loss`.
    `optimizer` is made with the first update. `processes` are those that train this model together,
    each with its share of every batch; None is this one alone. `sharded` is the model where each
    of them has a part of it.
    """

    def __init__(self, backbone: Backbone) -> None:
        self.backbone = backbone
        self.is_prepared = False
        self.pending_weight = 0.0
        self.n_trained = 0
        self.losses = (0.0, 0.0)
        self.optimizer: FollowedOptimizer | None = None
        self.processes: Processes | None = None
        self.sharded: ShardedModel | None = None

    @property
    def share(self) -> tuple[int, int]:
        """RETURNS (tuple[int, int]): The number of this process, and how many there are."""
        return (0, 1) if self.processes is None else (self.processes.rank, self.processes.size)

    @property
    def passes_together(self) -> bool:
        """RETURNS (bool): Whether all processes must make the same number of passes: each has a
        part of the model only, or will have with its first pass."""
        return self.processes is not None and self.processes.cut_up_models

    def mean_loss(self, loss: float, weight: float) -> float:
        """The loss of a batch over all processes.

        loss (float): The mean loss of this one's share.
        weight (float): The weight of its target tokens; 0 where it has none.
        RETURNS (float): The mean loss.
        """
        total, weights = loss * weight, weight
        if self.processes is not None:
            total, weights = self.processes.add_up([total, weight])
        self.losses = (self.losses[0] + total, self.losses[1] + weights)
        return total / weights if weights else 0.0

    def take_loss(self) -> float:
        """RETURNS (float): The mean loss of all batches since this was asked last."""
        (total, weights), self.losses = self.losses, (0.0, 0.0)
        return total / weights if weights else 0.0

    def prepare(self) -> None:
        """Set up what the settings of the backbone ask for. Does nothing the second time.

        RAISES (ImportError): E038 for an adapter without peft.
        RAISES (ValueError): E506 when the adapter fits no layer of the model, E515 when the model
            cannot be cut up.
        """
        if self.is_prepared:
            return
        backbone, lora = self.backbone, self.backbone.settings.lora
        if lora is None:
            backbone.model.requires_grad_(True)
            # From now on an adapter says nothing about the weights any more.
            backbone.adapter = None
        else:
            adapter = backbone.adapter
            by_reference = not backbone.settings.save_weights
            if adapter is not None and (lora.resume or (adapter.is_own and by_reference)):
                backbone.model = _unmerge(backbone.model, adapter)
                backbone.adapter_replaces = adapter.replaces or not adapter.is_own
            else:
                rows = backbone.codec.tokenizer.convert_tokens_to_ids(list(backbone.tag_tokens))
                backbone.model = _new_adapter(backbone.model, lora, rows)
                backbone.adapter_replaces = False
        if backbone.settings.gradient_checkpointing:
            backbone.model.gradient_checkpointing_enable(
                gradient_checkpointing_kwargs={"use_reentrant": False}
            )
        if any(p.dtype != torch.float32 for _, p in trainable_parameters(backbone.model)):
            warnings.warn(Warnings.W506, stacklevel=2)
        if self.processes is not None and self.passes_together:
            self.sharded = self.processes.cut_up(backbone.model)
        self.is_prepared = True

    @contextmanager
    def whole_model(self) -> Iterator[None]:
        """For evaluation and saving: give the main process's backbone the whole model where it is
        cut up. All processes must do so at once."""
        if self.sharded is None or self.processes is None:
            yield
            return
        whole = self.sharded.whole(keep=self.processes.is_main)
        if whole is not None:
            self.backbone.model = whole.eval()
        try:
            yield
        finally:
            self.backbone.model = self.sharded.model

    def finish_update(self, optimizer: Optimizer) -> bool:
        """Update the parameters with the gradients since the last update, and clear these.

        The gradients are divided by the sum of the weights of all target tokens that they
        come from. Their global norm is then clipped to `optimizer.grad_clip`. Weight decay
        (`L2`) is decoupled and spares biases and the scales of norms, also where
        `L2_is_weight_decay` is false (W505). Betas of 0 (thinc's `SGD.v1`) give plain
        descent, `RAdam.v1` gives RAdam; anything else is AdamW. Stepping the schedules is
        the training loop's business.

        optimizer (Optimizer): thinc's optimizer, for its settings as they are now.
        RETURNS (bool): Whether the weights were changed: nothing happens unless an update is
            due, or when its gradient is not finite (W503).
        """
        total, self.pending_weight = self.pending_weight, 0.0
        if self.processes is not None:
            (total,) = self.processes.add_up([total])
        if not total:
            return False
        if self.optimizer is None or self.optimizer.config is not optimizer:
            self.optimizer = make_optimizer(trainable_parameters(self.backbone.model), optimizer)
        parameters = self.optimizer.parameters
        if self.processes is not None:
            self.processes.add_gradients(parameters)
        divide([p.grad for p in parameters if p.grad is not None], total)
        # An infinite limit clips nothing, and still tells the norm.
        limit = float(optimizer.grad_clip) or math.inf
        norm = torch.nn.utils.clip_grad_norm_(parameters, limit)
        if self.sharded is not None:
            norm = norm.full_tensor()  # type: ignore[attr-defined]
        is_finite = bool(torch.isfinite(norm))
        if is_finite:
            follow(self.optimizer.torch_optimizer, optimizer)
            self.optimizer.torch_optimizer.step()
            self.backbone.version += 1
        else:
            warnings.warn(Warnings.W503.format(norm=float(norm)), stacklevel=2)
        self.optimizer.torch_optimizer.zero_grad(set_to_none=True)
        return is_finite

    def load_optimizer(self, optimizer: Optimizer, state: dict[str, Any]) -> None:
        """Go on with the moments of an earlier run.

        optimizer (Optimizer): thinc's optimizer.
        state (dict): The state of torch's.
        """
        self.optimizer = make_optimizer(trainable_parameters(self.backbone.model), optimizer)
        if self.sharded is not None:
            parameters = [
                p for group in self.optimizer.torch_optimizer.param_groups for p in group["params"]
            ]
            moments = {
                number: {key: as_part(value, parameters[number]) for key, value in found.items()}
                for number, found in state["state"].items()
            }
            state = {**state, "state": moments}
        self.optimizer.torch_optimizer.load_state_dict(state)


def trainable_parameters(model: Any) -> list[tuple[str, torch.nn.Parameter]]:
    """RETURNS (list[tuple[str, Parameter]]): Names and parameters that are trained; tied
    ones occur once."""
    return [(name, p) for name, p in model.named_parameters() if p.requires_grad]


def _new_adapter(model: Any, lora: Any, rows: list[int]) -> Any:
    peft = import_peft()
    config = peft.LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules="all-linear" if lora.targets is None else list(lora.targets),
        trainable_token_indices=rows or None,
        task_type="SEQ_2_SEQ_LM" if model.config.is_encoder_decoder else "CAUSAL_LM",
    )
    try:
        return peft.get_peft_model(model, config)
    except ValueError as error:
        raise ValueError(Errors.E506.format(targets=lora.targets, reason=error)) from error


def _unmerge(model: Any, adapter: KeptAdapter) -> Any:
    """Put a merged adapter back beside the weights: what it added is taken out again."""
    from peft.tuners.tuners_utils import BaseTunerLayer

    with adapter.opened() as path:
        peft_model = load_adapter(model, path, is_trainable=True)
    for module in peft_model.modules():
        if isinstance(module, BaseTunerLayer):
            # peft does not know that the weights that it was given have the adapter in them.
            layer: Any = module
            layer.merged_adapters.extend(layer.active_adapters)
    with warnings.catch_warnings():
        # The rows of added tokens are reached in two ways: the second finds nothing to do.
        warnings.simplefilter("ignore")
        peft_model.unmerge_adapter()
    return peft_model
