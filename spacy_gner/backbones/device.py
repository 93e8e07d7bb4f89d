"""Where a model runs and in which precision, and what transformers says meanwhile."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
import transformers
from packaging.version import Version
from thinc.api import get_torch_default_device

from ..errors import Errors


def resolve_device(device: str) -> torch.device:
    """Choose the device.

    device (str): "auto" takes spaCy's own choice (`spacy.prefer_gpu`,
        `spacy.require_gpu`), anything else is a torch device: "cpu", "cuda:0", "mps".
    RETURNS (torch.device): The device.
    RAISES (ValueError): E014 for an unknown device and for one that is not there.
    """
    if device == "auto":
        return get_torch_default_device()
    try:
        resolved = torch.device(device)
    except (RuntimeError, TypeError) as error:
        reason = "torch does not know it"
        raise _unusable(device, reason) from error
    if resolved.type == "cuda":
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if (resolved.index or 0) >= count:
            reason = f"torch sees {count} CUDA devices on this machine"
            raise _unusable(device, reason)
    elif resolved.type == "mps":
        if not torch.backends.mps.is_available():
            reason = "this machine, or this build of torch, has no MPS"
            raise _unusable(device, reason)
    elif resolved.type != "cpu":
        reason = f"devices of type '{resolved.type}' are not supported"
        raise _unusable(device, reason)
    return resolved


def _unusable(device: str, reason: str) -> ValueError:
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    found = ["cpu", *(f"cuda:{number}" for number in range(count))]
    found += ["mps"] if torch.backends.mps.is_available() else []
    devices = ", ".join(f'"{name}"' for name in found)
    return ValueError(Errors.E014.format(device=device, reason=reason, devices=devices))


def resolve_dtype(dtype: str, device: torch.device, model_type: str) -> torch.dtype:
    """Choose the precision of the weights.

    dtype (str): "auto", "float32", "bfloat16" or "float16". "auto" is bfloat16 on a
        CUDA device that computes in it, float32 everywhere else.
    device (torch.device): Where the model will run.
    model_type (str): The `model_type` of the model's config.
    RETURNS (torch.dtype): The precision.
    RAISES (ValueError): E015 for an unknown name, E016 for T5 in float16 (its
        activations overflow).
    """
    if dtype == "auto":
        fast = device.type == "cuda" and torch.cuda.is_bf16_supported()
        return torch.bfloat16 if fast else torch.float32
    if dtype == "float16" and "t5" in model_type:
        raise ValueError(Errors.E016.format(model_type=model_type))
    resolved = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
    if dtype not in resolved:
        raise ValueError(Errors.E015.format(dtype=dtype))
    return resolved[dtype]


def dtype_argument(dtype: torch.dtype) -> dict[str, Any]:
    """RETURNS (dict): The keyword argument for `from_pretrained`, whose name changed
    in transformers 4.56."""
    name = "dtype" if Version(transformers.__version__) >= Version("4.56.0") else "torch_dtype"
    return {name: dtype}


@contextmanager
def quiet_transformers(progress: bool = False) -> Iterator[None]:
    """Keep transformers' notes on the conversion of tokenizers to themselves.

    progress (bool): Whether progress bars are shown.
    """
    from transformers.utils import logging as hf_logging

    before = hf_logging.get_verbosity()
    hf_logging.set_verbosity(logging.ERROR)
    if not progress:
        hf_logging.disable_progress_bar()
    try:
        yield
    finally:
        hf_logging.set_verbosity(before)
        if not progress:
            hf_logging.enable_progress_bar()
