"""The formats of published checkpoints of other systems, by name."""

from collections.abc import Mapping
from typing import Any

from spacy.util import registry

from .tagged_words import TaggedWords

# The decoder of formats that write anything but a tag for each word.
FREE_TEXT = {"@misc": "spacy_gner.BeamSearch.v1", "num_beams": 1}


def _blocks(format: str, max_length: int, **options: Any) -> dict[str, dict[str, Any]]:
    return {
        "format": {"@misc": f"spacy_gner.{format}.v1", **options},
        "decoder": FREE_TEXT,
        "model": {"max_length": max_length},
    }


# What stands in the config of a component with each of them. (Those of GNER need nothing: their
# format is the default.)
CHECKPOINTS: dict[str, dict[str, dict[str, Any]]] = {
    "ZWK/InstructUIE": _blocks("SingleRound", 512),
    "Universal-NER/UniNER-7B-type": _blocks("MultiRound", 1024),
    "Universal-NER/UniNER-7B-type-sup": _blocks("MultiRound", 1024),
    "Universal-NER/UniNER-7B-all": _blocks("MultiRound", 1024),
    "Universal-NER/UniNER-7B-definition": _blocks("MultiRound", 1024, use_definitions=True),
    "HiTZ/GoLLIE-7B": _blocks("Guidelines", 2048),
    "HiTZ/GoLLIE-13B": _blocks("Guidelines", 2048),
    "HiTZ/GoLLIE-34B": _blocks("Guidelines", 2048),
    "expertai/SLIMER": _blocks("Slimer", 896),
}


def blocks_of(model: str | None) -> dict[str, dict[str, Any]]:
    """RETURNS (dict[str, dict]): The config blocks that a known checkpoint needs, such as
    `format`; empty for any other model.

    model (str | None): Its name on the model hub."""
    return {name: dict(block) for name, block in CHECKPOINTS.get(str(model), {}).items()}


def writes_free_text(block: Mapping[str, Any] | None) -> bool:
    """RETURNS (bool): Whether a config block names a format that only `BeamSearch` decodes.

    block (Mapping[str, Any] | None): The block; None is the default format."""
    name = None if block is None else block.get("@misc")
    if name is None or not registry.has("misc", name):
        return False
    made = registry.get("misc", name)
    return isinstance(made, type) and not issubclass(made, TaggedWords)
