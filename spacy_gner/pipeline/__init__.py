"""spaCy's side of the package: the component and what belongs to it."""

from .gner import GNER

__all__ = ["GNER"]
