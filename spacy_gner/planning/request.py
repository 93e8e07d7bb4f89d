"""What a decoder is asked."""

from dataclasses import dataclass

from ..formats import Format, Prompt


@dataclass(frozen=True)
class Request:
    """One prompt to be answered.

    prompt (Prompt): The prompt.
    words (tuple[str, ...]): The words of its sentence, length N, at least one.
    wordings (tuple[str, ...]): The wordings of its labels, in the order of the prompt.
    format (Format): How the answer is written and read.
    n_output (int): Tokens that the answer may need: every word with its longest tag.
    """

    prompt: Prompt
    words: tuple[str, ...]
    wordings: tuple[str, ...]
    format: Format
    n_output: int
