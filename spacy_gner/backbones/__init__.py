"""Hugging Face models and tokenizers as thinc models. Importing this room loads
neither torch nor transformers; they come with the first model that is loaded."""

from .default_model import DEFAULT_MODEL
from .settings import BackboneSettings, LoraSettings
from .shim import BackboneShim, get_shim

__all__ = ["DEFAULT_MODEL", "BackboneSettings", "BackboneShim", "LoraSettings", "get_shim"]
