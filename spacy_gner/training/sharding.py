"""A model cut up among several processes (FSDP2): each holds a part of every weight, of its
gradient and of its moments, and the weights of a layer are put together while it is computed."""

import copy
from typing import Any

import torch

from ..backbones.logits import plain_model
from ..errors import Errors


def read_plugin() -> Any:
    """RETURNS (FullyShardedDataParallelPlugin | None): What accelerate's config says about it; None
        where models are not to be cut up.
    RAISES (ValueError): E515 for version 1, for a torch that is too old, and for settings that
        would go unheeded."""
    from accelerate.utils import FullyShardedDataParallelPlugin, parse_flag_from_env

    if not parse_flag_from_env("ACCELERATE_USE_FSDP"):
        return None
    try:
        plugin = FullyShardedDataParallelPlugin()
    except ImportError as error:
        raise ValueError(Errors.E515.format(reason=error)) from error
    unheeded = {
        f"version {plugin.fsdp_version}": plugin.fsdp_version != 2,
        "fsdp_offload_params": type(plugin.cpu_offload).__name__ == "CPUOffloadPolicy",
        # All processes read the weights: transformers would leave them empty in all but one.
        "fsdp_cpu_ram_efficient_loading": plugin.cpu_ram_efficient_loading,
        # That is `gradient_checkpointing` in the config of the training.
        "fsdp_activation_checkpointing": plugin.activation_checkpointing,
    }
    if asked := [name for name, is_set in unheeded.items() if is_set]:
        raise ValueError(Errors.E515.format(reason=f"it has {' and '.join(asked)}"))
    return plugin


class ShardedModel:
    """A model that is cut up.

    model (torch.nn.Module): It stays the very object that it was.
    """

    def __init__(self, model: Any, plugin: Any) -> None:
        """Cut up a model, in all processes at once.

        model (torch.nn.Module): The same in each of them, on its device.
        plugin (FullyShardedDataParallelPlugin): Which layers are computed one after the other: the
            classes that it names, else those that the model itself says cannot be split.
        RAISES (ValueError): E515 when the model has no such layer.
        """
        from torch.distributed.fsdp import fully_shard

        self.model = model
        # The modules without their weights, to be filled in where the whole model is needed.
        empty = {
            id(p): torch.nn.Parameter(p.to("meta"), requires_grad=p.requires_grad)
            for p in model.parameters()
        }
        self._empty = copy.deepcopy(model, empty)
        named = plugin.transformer_cls_names_to_wrap
        names = named or getattr(plain_model(model), "_no_split_modules", None) or ()
        layers = [module for module in model.modules() if type(module).__name__ in names]
        if not layers:
            reason = f"the model has no layer of the class {' or '.join(names) or '(none named)'}"
            raise ValueError(Errors.E515.format(reason=reason))
        for layer in layers:
            fully_shard(layer, reshard_after_forward=plugin.reshard_after_forward)
        # Embeddings, the last norm, the output layer.
        fully_shard(model)

    def whole(self, keep: bool) -> Any:
        """Put the model together. All processes take part.

        keep (bool): Whether this process wants it.
        RETURNS (torch.nn.Module | None): A model with copies of all weights, on the same device;
            None where it is not wanted.
        """
        filled: dict[int, Any] = {}
        pairs = zip(self.model.parameters(), self._empty.parameters(), strict=True)
        for parameter, empty in pairs:
            full = parameter.detach().full_tensor()
            if keep:
                filled[id(empty)] = torch.nn.Parameter(full, requires_grad=empty.requires_grad)
        return copy.deepcopy(self._empty, filled) if keep else None


def own_part(value: Any) -> Any:
    """RETURNS (Any): What of a tensor this process has; other values and whole tensors as they
    are."""
    return value.to_local() if hasattr(value, "to_local") else value


def as_part(value: Any, parameter: torch.nn.Parameter) -> Any:
    """Undo `own_part` for something that belongs to a parameter, such as its moments.

    value (Any): What this process has.
    parameter (Parameter): The parameter, cut up or not.
    RETURNS (Any): A tensor that is cut up as the parameter is; numbers as they are.
    """
    from torch.distributed.tensor import DTensor

    if not isinstance(parameter, DTensor) or not torch.is_tensor(value) or not value.ndim:
        return value
    return DTensor.from_local(
        value.to(parameter.device),
        parameter.device_mesh,
        parameter.placements,
        shape=parameter.shape,
        stride=parameter.stride(),
    )
