"""What goes into a decoder and what comes out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from ..backbones.backbone import Backbone
from ..formats import Prompt, Scheme
from ..formats.parsing import ParsedWord


@dataclass(frozen=True)
class Request:
    """One prompt to be answered.

    prompt (Prompt): The prompt.
    words (tuple[str, ...]): The words of its sentence, length N, at least one.
    labels (tuple[str, ...]): The wordings of its labels, in the order of the prompt.
    scheme (Scheme): How tags are written and read.
    """

    prompt: Prompt
    words: tuple[str, ...]
    labels: tuple[str, ...]
    scheme: Scheme


@dataclass(frozen=True)
class Generation:
    """The answer to a request.

    text (str): The output.
    pairs (tuple[ParsedWord, ...]): The words and tags in it, length M. When the decoder
        forces the words, these are the words of the request.
    scores (tuple[float, ...]): The probability of each tag where it branches off from
        the other tags that were allowed there, in [0, 1], length M.
    complete (bool): Whether the model ended the output by itself.
    forward_passes (int): Number of forward passes this request took part in.
    forks (int | None): Number of alternatives that a search followed up; None for decoders
        that do not search.
    cut_short (bool): Whether promising alternatives were left when the search ended: the
        output is then the best one that was found.
    log_prob (float | None): Log-probability of the tagging, where the decoder knows it.
    """

    text: str
    pairs: tuple[ParsedWord, ...]
    scores: tuple[float, ...]
    complete: bool = True
    forward_passes: int = 0
    forks: int | None = None
    cut_short: bool = False
    log_prob: float | None = None


@runtime_checkable  # configs are validated against it
class Decoder(Protocol):
    """Turns requests into generations.

    forces_words (bool): Whether the pairs are the words of the request, so that
        nothing has to be matched.
    """

    forces_words: bool

    def __call__(
        self, backbone: Backbone, requests: Sequence[Request], batch_tokens: int
    ) -> list[Generation]:
        """Answer requests.

        backbone (Backbone): The model.
        requests (Sequence[Request]): In any order, of any length.
        batch_tokens (int): Padded tokens of prompt and output that one batch may
            hold (a single longer request is a batch of its own).
        RETURNS (list[Generation]): One per request, in their order. How requests
            are batched does not change them.
        """
        ...
