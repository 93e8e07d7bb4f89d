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
    from .backbones.backbone import Backbone
    from .backbones.codec import TextCodec
    from .corpora.passage import Passage
    from .decoding.request import Decoder, Generation
    from .formats import Format, Found, LabelSet, Piece, Prompt, TaggedWords
    from .pipeline.annotator import Annotator
    from .pipeline.gner import GNER
    from .pipeline.loading import load
    from .pipeline.predictions import DocPrediction, Entity, WindowPrediction
    from .planning.request import Request

_PLACES = {
    "Annotator": "pipeline.annotator",
    "Backbone": "backbones.backbone",
    "Decoder": "decoding.request",
    "DocPrediction": "pipeline.predictions",
    "Entity": "pipeline.predictions",
    "Format": "formats",
    "Found": "formats",
    "GNER": "pipeline.gner",
    "Generation": "decoding.request",
    "LabelSet": "formats",
    "Passage": "corpora.passage",
    "Piece": "formats",
    "Prompt": "formats",
    "Request": "planning.request",
    "TaggedWords": "formats",
    "TextCodec": "backbones.codec",
    "WindowPrediction": "pipeline.predictions",
    "load": "pipeline.loading",
}

__all__ = [
    "GNER",
    "Annotator",
    "Backbone",
    "Decoder",
    "DocPrediction",
    "Entity",
    "Format",
    "Found",
    "Generation",
    "LabelSet",
    "Passage",
    "Piece",
    "Prompt",
    "Request",
    "TaggedWords",
    "TextCodec",
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
