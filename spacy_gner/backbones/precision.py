"""In which precision decoders compute on a CPU."""

import json
import time
from pathlib import Path
from typing import Any

import torch

from ..backbones.linear import linear, linear_packed, pack_weight


def has_bfloat16() -> bool:
    """RETURNS (bool): Whether this processor multiplies in bfloat16 (AMX, AVX512-BF16, or BF16 of
    ARM), as torch tells; False where this version of torch does not tell."""
    for name in ("_is_amx_tile_supported", "_is_avx512_bf16_supported"):
        if getattr(torch.cpu, name, lambda: False)():
            return True
    try:
        return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    except (AttributeError, RuntimeError):
        return False
