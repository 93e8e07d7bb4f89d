"""Formats: how a model is asked for entities, and how its answer is read."""

from .entity_centric import EntityCentric
from .format import Format, Found, Guidance, Piece, Prompt, Shot, WordSpan
from .guidelines import Guidelines
from .labels import LabelSet
from .mentions import Mentions, ParsedMention
from .multi_round import MultiRound, Slimer
from .single_round import SingleRound
from .tagged_words import BIO, BIOES, TaggedWords

__all__ = [
    "BIO",
    "BIOES",
    "EntityCentric",
    "Format",
    "Found",
    "Guidance",
    "Guidelines",
    "LabelSet",
    "Mentions",
    "MultiRound",
    "ParsedMention",
    "Piece",
    "Prompt",
    "Shot",
    "SingleRound",
    "Slimer",
    "TaggedWords",
    "WordSpan",
]
