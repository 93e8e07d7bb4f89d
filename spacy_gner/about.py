"""Name and version of the package."""

__title__ = "spacy-gner"
__version__ = "0.1.0"
