"""What a server takes, how much of it at once, and how long."""

from dataclasses import dataclass, fields

from ..errors import Errors


@dataclass(frozen=True)
class Limits:
    """The limits of a server. All are above 0.

    body_bytes (int): The body of a request.
    texts (int): Texts in a request.
    characters (int): Characters in a text.
    labels (int): Labels in a request.
    label_characters (int): Characters of a label, and of a wording.
    definition_characters (int): Characters of a label's definition.
    batch_tokens (int): Tokens that one call of the model gets, as estimated by
        `estimate_tokens`.
    waiting_tokens (int): Tokens that may wait in all; above it, requests are answered with
        429. A request that finds nobody waiting is always taken.
    connections (int): Open connections.
    body_seconds (float): How long a client may take to send its body.
    answer_seconds (float): How long a request may wait for its answer.
    shutdown_seconds (float): How long open requests may go on when the server is told to stop.
    """

    body_bytes: int = 1_000_000
    texts: int = 64
    characters: int = 50_000
    labels: int = 100
    label_characters: int = 200
    definition_characters: int = 1000
    batch_tokens: int = 2048
    waiting_tokens: int = 65_536
    connections: int = 256
    body_seconds: float = 10.0
    answer_seconds: float = 120.0
    shutdown_seconds: float = 30.0

    def __post_init__(self) -> None:
        """RAISES (ValueError): E017 for a limit that is not above 0."""
        for field in fields(self):
            value = getattr(self, field.name)
            if not value > 0:
                raise ValueError(Errors.E017.format(field=field.name, expected="> 0", found=value))


def estimate_tokens(text: str, n_label_characters: int = 0) -> int:
    """Estimate what a text costs a model, from the number of characters. Exact counts would
    need the tokenizer, and the queue only has to tell short texts from long ones.

    text (str): The text.
    n_label_characters (int): Characters of all labels and definitions that are asked for.
    RETURNS (int): Tokens of prompt and output, at least 1.
    """
    # Four characters a token in English; the output repeats the text with a tag a word.
    return 1 + (3 * len(text) + n_label_characters) // 4
