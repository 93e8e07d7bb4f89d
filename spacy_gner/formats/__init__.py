"""Formats: how a model is asked for entities, and how its answer is read."""

from .entity_centric import EntityCentric
from .format import Format, Found, Guidance, Piece, Prompt, Shot, WordSpan
from .labels import LabelSet
from .tagged_words import BIO, BIOES, TaggedWords

__all__ = [
    "BIO",
    "BIOES",
    "EntityCentric",
    "Format",
    "Found",
    "Guidance",
    "LabelSet",
    "Piece",
    "Prompt",
    "Shot",
    "TaggedWords",
    "WordSpan",
]
