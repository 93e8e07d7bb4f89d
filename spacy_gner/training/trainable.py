"""Getting a loaded model ready for training: adapter, checkpointing, what is trained."""

import warnings
from typing import Any

import torch

from ..backbones.adapters import KeptAdapter
from ..backbones.backbone import Backbone
from ..errors import Errors, Warnings


def prepare_for_training(backbone: Backbone) -> None:
    """Set up what the settings of a backbone ask for. Does nothing the second time.

    backbone (Backbone): `settings.lora` and `settings.gradient_checkpointing` count.
    RAISES (ValueError): E506 when the adapter fits no layer of the model.
    """
    if backbone.is_prepared:
        return
    lora = backbone.settings.lora
    if lora is None:
        backbone.model.requires_grad_(True)
        # From now on an adapter says nothing about the weights any more.
        backbone.adapter = None
    else:
        adapter = backbone.adapter
        by_reference = not backbone.settings.save_weights
        if adapter is not None and (lora.resume or (adapter.is_own and by_reference)):
            backbone.model = _resume(backbone.model, adapter)
            backbone.adapter_replaces = adapter.replaces or not adapter.is_own
        else:
            backbone.model = _new_adapter(backbone.model, lora)
            backbone.adapter_replaces = False
    if backbone.settings.gradient_checkpointing:
        backbone.model.gradient_checkpointing_enable(
            gradient_checkpointing_kwargs={"use_reentrant": False}
        )
    if any(p.dtype != torch.float32 for _, p in trainable_parameters(backbone.model)):
        warnings.warn(Warnings.W506, stacklevel=2)
    backbone.is_prepared = True


def trainable_parameters(model: Any) -> list[tuple[str, torch.nn.Parameter]]:
    """RETURNS (list[tuple[str, Parameter]]): Names and parameters that are trained; tied
    ones occur once."""
    return [(name, p) for name, p in model.named_parameters() if p.requires_grad]


def _new_adapter(model: Any, lora: Any) -> Any:
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules="all-linear" if lora.targets is None else list(lora.targets),
        task_type="SEQ_2_SEQ_LM" if model.config.is_encoder_decoder else "CAUSAL_LM",
    )
    try:
        return get_peft_model(model, config)
    except ValueError as error:
        raise ValueError(Errors.E506.format(targets=lora.targets, reason=error)) from error


def _resume(model: Any, adapter: KeptAdapter) -> Any:
    """Put a merged adapter back beside the weights: what it added is taken out again."""
    from peft import PeftModel
    from peft.tuners.lora import LoraLayer

    with adapter.opened() as path:
        peft_model = PeftModel.from_pretrained(model, str(path), is_trainable=True)
    with torch.no_grad():
        for module in peft_model.modules():
            if isinstance(module, LoraLayer):
                layer: Any = module
                for name in layer.active_adapters:
                    weight = layer.get_base_layer().weight
                    weight -= layer.get_delta_weight(name).to(weight.dtype)
    return peft_model
