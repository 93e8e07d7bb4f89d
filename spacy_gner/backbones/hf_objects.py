"""Tokenizer and model together, as spaCy-transformers passes them around."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if not TYPE_CHECKING:
    try:
        from spacy_transformers.data_classes import HFObjects
    # It is not there, or it cannot be imported beside a later version of transformers.
    except Exception:
        HFObjects = None
else:
    HFObjects = None

if HFObjects is None:

    @dataclass
    class HFObjects:  # type: ignore[no-redef]
        """What spaCy-transformers' class of this name holds, where that is not installed.

        tokenizer (PreTrainedTokenizerFast): The tokenizer.
        transformer (PreTrainedModel): The model.
        vocab_file_contents (Any): Not used here.
        """

        tokenizer: Any
        transformer: Any
        vocab_file_contents: Any = None


__all__ = ["HFObjects"]
