from .entity_centric import EntityCentric, make_entity_centric
from .labels import LabelSet
from .schemes import BIO, BIOES, Scheme, WordSpan, make_bio, make_bioes
from .template import Prompt, Template, make_template

__all__ = [
    "BIO",
    "BIOES",
    "EntityCentric",
    "LabelSet",
    "Prompt",
    "Scheme",
    "Template",
    "WordSpan",
    "make_bio",
    "make_bioes",
    "make_entity_centric",
    "make_template",
]
