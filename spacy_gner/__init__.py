"""Zero-shot named entity recognition for spaCy pipelines with GNER models.

Nothing heavy is imported here: spaCy finds the component and its building
blocks through the entry points in setup.cfg, and torch and transformers are
only imported once a model is needed.
"""

from .about import __version__

__all__ = ["__version__"]
