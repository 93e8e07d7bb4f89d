"""Checkpoints of the adapter: in peft's format, whole or not at all."""

import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import torch
from masters import Masters
from safetensors.torch import load_file, save_file

ADAPTER = "adapter_model.safetensors"
MOMENTS = "moments.safetensors"
PROGRESS = "progress.json"


def save_checkpoint(folder: Path, trainer: Any, masters: Masters, progress: dict[str, int]) -> None:
    """Write the adapter, the moments of the optimizer, and how far the run came.

    folder (Path): Replaced in one step.
    trainer (Trainer): Of a backbone with a peft model.
    masters (Masters): Its trained parameters.
    progress (dict[str, int]): Updates and examples so far.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    new = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    trainer.backbone.model.peft_config["default"].save_pretrained(new)
    save_file(masters.state(), new / ADAPTER)
    save_file(_moments(trainer), new / MOMENTS)
    (new / PROGRESS).write_text(json.dumps(progress), encoding="utf8")
    old = folder.with_name(f".{folder.name}-old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        os.rename(folder, old)
    os.rename(new, folder)
    shutil.rmtree(old, ignore_errors=True)


def load_checkpoint(folder: Path, trainer: Any, masters: Masters) -> dict[str, int]:
    """Take up a checkpoint.

    folder (Path): As `save_checkpoint` wrote it.
    trainer (Trainer): Of a backbone with a peft model.
    masters (Masters): Its trained parameters.
    RETURNS (dict[str, int]): The progress that was saved.
    """
    masters.load(load_file(folder / ADAPTER))
    saved = load_file(folder / MOMENTS)
    state = trainer.optimizer.torch_optimizer.state
    for i, parameter in enumerate(trainer.optimizer.parameters):
        if f"{i}.exp_avg" in saved:
            keys = ("step", "exp_avg", "exp_avg_sq")
            state[parameter] = {key: saved[f"{i}.{key}"] for key in keys}
    progress: dict[str, int] = json.loads((folder / PROGRESS).read_text(encoding="utf8"))
    return progress


def _moments(trainer: Any) -> dict[str, torch.Tensor]:
    state = trainer.optimizer.torch_optimizer.state
    return {
        f"{i}.{key}": value.detach().clone().contiguous()
        for i, parameter in enumerate(trainer.optimizer.parameters)
        for key, value in state.get(parameter, {}).items()
    }
