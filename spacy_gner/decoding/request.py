"""What comes out of a decoder."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from ..backbones.backbone import Backbone
from ..errors import Errors
from ..formats import Format
from ..planning.request import Request


@dataclass(frozen=True)
class TokensFed:
    """For what the model computed tokens.

    prompt (int): Of the prompt, without the beginning that was computed before.
    kept (int): Of the first tagging.
    dropped (int): Of its drafts, where they were wrong.
    forks_won (int): Of forks that were the best tagging when they were complete.
    forks_lost (int): Of other forks.
    """

    prompt: int = 0
    kept: int = 0
    dropped: int = 0
    forks_won: int = 0
    forks_lost: int = 0


@dataclass(frozen=True)
class Generation:
    """The answer to a request.

    text (str): The output.
    parts (tuple[Any, ...]): What its format reads in it (`Format.parse`), length M. Those of
        a format that writes every word are words with tags; when the decoder forces
        the words, they are the words of the request.
    scores (tuple[float, ...]): The probability of each part, in [0, 1], length M: of a tag
        where it branches off from the other tags that were allowed there, of
        anything else that of its tokens.
    complete (bool): Whether the model ended the output by itself.
    forward_passes (int): Number of forward passes this request took part in.
    forks (int | None): Number of alternatives that a search followed up; None for decoders
        that do not search.
    cut_short (bool): Whether promising alternatives were left when the search ended: the
        output is then the best one that was found.
    log_prob (float | None): Log-probability of the tagging, where the decoder knows it.
    tokens_fed (TokensFed | None): For what tokens were computed, where the decoder counts them.
    """

    text: str
    parts: tuple[Any, ...]
    scores: tuple[float, ...]
    complete: bool = True
    forward_passes: int = 0
    forks: int | None = None
    cut_short: bool = False
    log_prob: float | None = None
    tokens_fed: TokensFed | None = None


@runtime_checkable  # configs are validated against it
class Decoder(Protocol):
    """Turns requests into generations.

    format_type (type[Format]): The formats that it can write: `Format` for any, `TaggedWords`
        for those that write every word.
    """

    @property
    def format_type(self) -> type[Format]:
        """See above."""
        ...

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


def check_format(decoder: Decoder, format: Format) -> None:
    """RAISES (ValueError): E025 when a decoder cannot write a format."""
    if not isinstance(format, decoder.format_type):
        name = f"spacy_gner.{type(decoder).__name__}.v1"
        raise ValueError(Errors.E025.format(format=format.name, decoder=name))
