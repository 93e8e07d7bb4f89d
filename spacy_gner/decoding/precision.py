"""In which precision decoders compute on a CPU."""

import hashlib
import json
import os
import platform
import threading
import time
from functools import lru_cache
from pathlib import Path

import torch

from ..backbones.backbone import Backbone
from ..backbones.linear import linear
from ..backbones.sources import cache_directory
from .packed import Products, rows_are_independent

# Weights of the default model, of the two products that take most of its time.
_SHAPES = ((3072, 576), (576, 1536))
# Below this factor the loss of precision is not worth it.
_LEAST_GAIN = 1.3
_N_ROWS, _N_LAYERS, _N_TRIES = 64, 8, 3
_lock = threading.Lock()


def has_bfloat16() -> bool:
    """RETURNS (bool): Whether this processor multiplies in bfloat16 (AMX, AVX512-BF16, or BF16 of
    ARM), as torch tells; False where this version of torch does not tell."""
    for name in ("_is_amx_tile_supported", "_is_avx512_bf16_supported"):
        if getattr(torch.cpu, name, lambda: False)():
            return True
    try:
        is_arm = platform.machine().lower() in ("arm64", "aarch64")
        return is_arm and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    except (AttributeError, RuntimeError):
        return False


@lru_cache
def choose_dtype() -> tuple[torch.dtype, str]:
    """Choose what "auto" means for decoders on this CPU. What was measured is kept in the cache
    folder, for this machine's processor and this version of torch.

    RETURNS (tuple[torch.dtype, str]): float32 or bfloat16, and why.
    """
    if not has_bfloat16():
        return torch.float32, "this processor has no instructions for bfloat16"
    key = f"{platform.machine()} {_processor()}, torch {torch.__version__}"
    with _lock:
        gain, independent = _known(key) or _first_known(key)
    if not independent:
        return torch.float32, "products in bfloat16 depend on the batch on this processor"
    if gain < _LEAST_GAIN:
        return torch.float32, f"products in bfloat16 are only {gain:.1f} times as fast here"
    return torch.bfloat16, f"products in bfloat16 are {gain:.1f} times as fast here"


def decoding_dtype(backbone: Backbone) -> torch.dtype | None:
    """RETURNS (torch.dtype | None): The precision in which the model's layers are packed; None
    where they are not.

    backbone (Backbone): With "auto" its weights are float32 on a CPU, as training needs them, and
        decoders compute as `choose_dtype` says."""
    if backbone.device.type != "cpu":
        return None
    stored = next(backbone.model.parameters()).dtype
    if stored == torch.bfloat16:
        return stored if has_bfloat16() else None
    if stored != torch.float32:
        return None
    return choose_dtype()[0] if backbone.settings.dtype == "auto" else stored


@torch.inference_mode()
def measure_gain() -> float:
    """RETURNS (float): How many times as fast products in bfloat16 are as in float32, in a run
    over weights that are too many for the processor's cache."""
    layers = [torch.nn.Linear(n, m, bias=False) for _ in range(_N_LAYERS) for m, n in _SHAPES]
    packed = [Products([layer], torch.bfloat16) for layer in layers]
    inputs = {n: torch.randn(_N_ROWS, n) for _, n in _SHAPES}
    seconds: dict[str, float] = {}
    for name in ("float32", "bfloat16", "float32", "bfloat16"):
        best = float("inf")
        for _ in range(_N_TRIES):
            start = time.thread_time()
            if name == "float32":
                for layer in layers:
                    linear(inputs[layer.in_features], layer.weight, None)
            else:
                for layer, product in zip(layers, packed, strict=True):
                    product(inputs[layer.in_features])
            best = min(best, time.thread_time() - start)
        seconds[name] = min(best, seconds.get(name, best))
    return seconds["float32"] / max(seconds["bfloat16"], 1e-9)


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf8") as lines:
            return next(line.split(":", 1)[1].strip() for line in lines if "model name" in line)
    except (OSError, StopIteration, IndexError):
        return platform.processor()


def _path(key: str) -> Path:
    digest = hashlib.sha256(key.encode("utf8")).hexdigest()[:16]
    return cache_directory() / f"precision-{digest}.json"


def _known(key: str) -> tuple[float, bool] | None:
    """RETURNS (tuple[float, bool] | None): What was measured; None where there is no file, one that
    was cut, or one that something else wrote."""
    try:
        known = json.loads(_path(key).read_text("utf8"))
        return float(known["gain"]), bool(known["independent"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _first_known(key: str) -> tuple[float, bool]:
    """Measure, and keep it in the cache folder. Of several processes that measure at once the first
    one that is done decides for all, since a corpus that they share is read in one precision.
    Where the folder cannot be written to, each process decides for itself.

    RETURNS (tuple[float, bool]): The measurement that counts."""
    gain, independent = measure_gain(), rows_are_independent(torch.bfloat16, _SHAPES)
    measured = round(gain, 2), independent
    path = _path(key)
    values = {"machine": key, "gain": measured[0], "independent": independent}
    new = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        new.write_text(json.dumps(values, indent=1), encoding="utf8")
        try:
            # Unlike `os.replace`, it leaves a file alone that is there, and is done at once.
            os.link(new, path)
        except OSError:
            if _known(key) is None:
                os.replace(new, path)
        new.unlink(missing_ok=True)
    except OSError:
        pass
    return _known(key) or measured
