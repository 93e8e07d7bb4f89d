"""The arguments of a model's `forward`: their names differ between models and between versions
of transformers."""

import inspect
from functools import lru_cache
from typing import Any


@lru_cache(maxsize=64)
def _arguments(model_type: Any) -> frozenset[str]:
    return frozenset(inspect.signature(model_type.forward).parameters)


def takes_argument(model: Any, name: str) -> bool:
    """RETURNS (bool): Whether the `forward` of a model has an argument of this name.

    model (PreTrainedModel): The model.
    name (str): The argument.
    """
    return name in _arguments(type(model))  # type: ignore[arg-type]


def cache_argument(model: Any) -> str | None:
    """The argument that takes keys and values: "cache" in late versions of transformers 5,
    "past_key_values" before.

    model (PreTrainedModel): The model.
    RETURNS (str | None): Its name; None for models that keep none (a state that cannot be taken
        back is no cache in this sense: Mamba).
    """
    if getattr(model, "_is_stateful", False):
        return None
    return next((n for n in ("cache", "past_key_values") if takes_argument(model, n)), None)
