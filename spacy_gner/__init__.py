"""Zero-shot named entity recognition for spaCy pipelines with GNER models.

Nothing heavy is imported here: spaCy finds the component and its building
blocks through the entry points in setup.cfg, and torch and transformers are
only imported once a model is needed. The names in `__all__` are the public
interface; each is imported when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .about import __version__

if TYPE_CHECKING:
    from .decoding.request import Decoder, Generation
    from .formats import LabelSet
    from .pipeline.annotator import Annotator
    from .pipeline.gner import GNER
    from .pipeline.loading import load
    from .pipeline.predictions import DocPrediction, Entity, WindowPrediction
    from .planning.request import Request

_PLACES = {
    "Annotator": "pipeline.annotator",
    "Decoder": "decoding.request",
    "DocPrediction": "pipeline.predictions",
    "Entity": "pipeline.predictions",
    "GNER": "pipeline.gner",
    "Generation": "decoding.request",
    "LabelSet": "formats",
    "Request": "planning.request",
    "WindowPrediction": "pipeline.predictions",
    "load": "pipeline.loading",
}

__all__ = [
    "GNER",
    "Annotator",
    "Decoder",
    "DocPrediction",
    "Entity",
    "Generation",
    "LabelSet",
    "Request",
    "WindowPrediction",
    "__version__",
    "load",
]


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_PLACES[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
