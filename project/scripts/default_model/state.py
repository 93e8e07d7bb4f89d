"""The state of a run on disk: whole or not at all, and small enough to be handed on."""

import json
import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from llama import ROWS
from safetensors.torch import load_file, save_file

PARAMETERS = "parameters.safetensors"
MOMENTS = "moments.safetensors"
PROGRESS = "progress.json"
# Of an adapter in peft's format.
ADAPTER_WEIGHTS = "adapter_model.safetensors"
ADAPTER_CONFIG = "adapter_config.json"
ADAPTER_ROWS = "base_model.model.model.embed_tokens.token_adapter.trainable_tokens_delta"


@dataclass
class Progress:
    """How far a run came.

    updates (int): Steps of the optimizer.
    batches (int): Batches that were taken from the stream.
    prompts (int): Prompts in them.
    tokens (int): Their tokens, those that a forward pass shares counted once.
    seconds (float): Time of the training loop.
    """

    updates: int = 0
    batches: int = 0
    prompts: int = 0
    tokens: int = 0
    seconds: float = 0.0


def save_state(
    folder: Path,
    parameters: dict[str, torch.Tensor],
    optimizer: torch.optim.Optimizer | None,
    progress: Progress,
) -> None:
    """Write a state: parameters in float32, moments in bfloat16, which keeps their scale.

    folder (Path): Replaced in one step.
    parameters (dict[str, torch.Tensor]): By name.
    optimizer (torch.optim.Optimizer | None): AdamW; None writes what averaging needs only.
    progress (Progress): How far the run came.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    new = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    save_file({k: v.detach().cpu().contiguous() for k, v in parameters.items()}, new / PARAMETERS)
    if optimizer is not None:
        moments = {}
        for name, parameter in parameters.items():
            for key, value in optimizer.state.get(parameter, {}).items():
                small = value.detach().cpu()
                small = small if key == "step" else small.bfloat16()
                moments[f"{name}|{key}"] = small.clone().contiguous()
        save_file(moments, new / MOMENTS)
    (new / PROGRESS).write_text(json.dumps(asdict(progress)) + "\n", encoding="utf8")
    old = folder.with_name(f".{folder.name}-old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        os.rename(folder, old)
    os.rename(new, folder)
    shutil.rmtree(old, ignore_errors=True)


def load_state(
    folders: Sequence[Path], parameters: dict[str, torch.Tensor], optimizer: torch.optim.Optimizer
) -> Progress:
    """Take up a state, or the mean of the states of runs that began alike and saw other data.

    folders (Sequence[Path]): As `save_state` wrote them, one at least.
    parameters (dict[str, torch.Tensor]): Get the values.
    optimizer (torch.optim.Optimizer): Gets the moments.
    RETURNS (Progress): How far the first run came.
    RAISES (ValueError): When the states are not of one kind.
    """
    values = average([load_file(folder / PARAMETERS) for folder in folders])
    moments = average([load_file(folder / MOMENTS) for folder in folders])
    with torch.no_grad():
        for name, parameter in parameters.items():
            parameter.copy_(values[name])
            state: dict[str, Any] = {}
            for key in ("step", "exp_avg", "exp_avg_sq"):
                value = moments.get(f"{name}|{key}")
                if value is not None:
                    state[key] = value.float().to(
                        value.device if key == "step" else parameter.device
                    )
            if state:
                optimizer.state[parameter] = state
    return Progress(**json.loads((folders[0] / PROGRESS).read_text(encoding="utf8")))


def average(states: Sequence[dict[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    """RETURNS (dict[str, torch.Tensor]): The mean of each tensor.
    RAISES (ValueError): When the states are not of one kind."""
    shapes = [{name: tensor.shape for name, tensor in state.items()} for state in states]
    if any(other != shapes[0] for other in shapes):
        raise ValueError("The states differ in their parameters or ranks.")
    return {name: sum(s[name] for s in states) / len(states) for name in states[0]}  # type: ignore[misc]


@torch.no_grad()
def load_adapter(folder: Path, parameters: dict[str, torch.Tensor]) -> None:
    """Begin with the matrices of an adapter, and with its rows of added tokens, where it has them.

    folder (Path): In peft's format, of the same rank, with an alpha of twice the rank.
    parameters (dict[str, torch.Tensor]): Get its values.
    RAISES (ValueError): When it is made otherwise.
    """
    state = load_file(folder / ADAPTER_WEIGHTS)
    if ADAPTER_ROWS in state:
        state[ROWS] = state.pop(ADAPTER_ROWS)
    config = json.loads((folder / ADAPTER_CONFIG).read_text(encoding="utf8"))
    wanted = {n: tensor.shape for n, tensor in parameters.items() if n != ROWS or n in state}
    found = {name: tensor.shape for name, tensor in state.items()}
    if config["lora_alpha"] != 2 * config["r"] or found != wanted:
        raise ValueError(f"{folder} is no adapter of this rank and these layers.")
    for name, tensor in state.items():
        parameters[name].copy_(tensor)
