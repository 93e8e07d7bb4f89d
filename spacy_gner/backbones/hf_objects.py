"""Tokenizer and model together, as spaCy-transformers passes them around."""

from dataclasses import dataclass
from typing import Any


@dataclass
class _Objects:
    """What spaCy-transformers' `HFObjects` holds, where that cannot be had.

    tokenizer (PreTrainedTokenizerFast): The tokenizer.
    transformer (PreTrainedModel): The model.
    vocab_file_contents (Any): Not used here.
    """

    tokenizer: Any
    transformer: Any
    vocab_file_contents: Any = None


def _find() -> Any:
    try:
        from spacy_transformers.data_classes import HFObjects
    # It is not there, or it cannot be imported beside a later version of transformers.
    except Exception:
        return _Objects
    return HFObjects


# Any: type checkers cannot know which of the two it is.
HFObjects: Any = _find()

__all__ = ["HFObjects"]
