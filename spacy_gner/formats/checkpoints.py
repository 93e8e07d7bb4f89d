"""The formats of published checkpoints of other systems, by name."""

from typing import Any

_FREE_TEXT = {"@misc": "spacy_gner.BeamSearch.v1", "num_beams": 1}


def _blocks(format: str, max_length: int, **options: Any) -> dict[str, dict[str, Any]]:
    return {
        "format": {"@misc": f"spacy_gner.{format}.v1", **options},
        "decoder": _FREE_TEXT,
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
