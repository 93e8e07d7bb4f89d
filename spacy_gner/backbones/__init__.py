"""Hugging Face models and tokenizers. Importing this package loads neither torch nor
transformers; they come with the first model that is loaded."""

from .settings import DEFAULT_MODEL, BackboneSettings, Lora

__all__ = ["DEFAULT_MODEL", "BackboneSettings", "Lora"]
