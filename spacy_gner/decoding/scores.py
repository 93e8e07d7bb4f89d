"""The probability of a tag where it branches off from the other tags."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Choice:
    """A token that was chosen.

    row (int): Index of the logits that it was chosen by.
    tokens (Sequence[int]): The tokens that were allowed; empty for the whole vocabulary.
    chosen (int): Index into `tokens`; the token itself for the whole vocabulary.
    """

    row: int
    tokens: Sequence[int]
    chosen: int


def choice_log_probs(logits: torch.Tensor, choices: Sequence[Choice]) -> list[float]:
    """The log-probabilities of choices, normalized over the tokens that were allowed.

    logits (torch.Tensor): Shape (K, vocabulary).
    choices (Sequence[Choice]): Length C.
    RETURNS (list[float]): Length C.
    """
    result = [0.0] * len(choices)
    narrow = [i for i, choice in enumerate(choices) if choice.tokens]
    if narrow:
        width = max(len(choices[i].tokens) for i in narrow)
        tokens = torch.tensor(
            [[*choices[i].tokens, *[-1] * (width - len(choices[i].tokens))] for i in narrow]
        ).to(logits.device)
        rows = torch.tensor([choices[i].row for i in narrow], device=logits.device)
        values = logits[rows[:, None], tokens.clamp(min=0)]
        values = values.masked_fill(tokens < 0, float("-inf")).log_softmax(-1)
        for i, row in zip(narrow, values.tolist(), strict=True):
            result[i] = row[choices[i].chosen]
    wide = [i for i, choice in enumerate(choices) if not choice.tokens]
    for i in wide:
        row = logits[choices[i].row]
        result[i] = float(row[choices[i].chosen] - row.logsumexp(-1))
    return result
