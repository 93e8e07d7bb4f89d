"""Hugging Face models and tokenizers. Importing this package loads neither torch nor
transformers; they come with the first model that is loaded."""

from .default_model import DEFAULT_MODEL
from .settings import BackboneSettings, LoraSettings

__all__ = ["DEFAULT_MODEL", "BackboneSettings", "LoraSettings"]
