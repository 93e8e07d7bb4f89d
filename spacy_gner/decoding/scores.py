"""The probability of a tag where it branches off from the other tags."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ..errors import Errors


def probability(log_prob: float) -> float:
    """Turn a log-probability into a score.

    log_prob (float): May be above 0 by rounding, or minus infinity.
    RETURNS (float): In [0, 1].
    RAISES (ValueError): E403 for what is no number.
    """
    if math.isnan(log_prob):
        raise ValueError(Errors.E403.format(name="model"))
    return min(1.0, math.exp(min(0.0, log_prob)))


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


class Recorder:
    """Takes greedy choices from logits, and what scores need of them.

    tokens (Sequence[int]): All tokens that tell tags apart.
    device (torch.device): Where the logits are.
    """

    def __init__(self, tokens: Sequence[int], device: torch.device):
        self.columns = {token: i for i, token in enumerate(dict.fromkeys(tokens))}
        self._index = torch.tensor(list(self.columns), dtype=torch.long, device=device)

    def greedy(self, logits: torch.Tensor) -> tuple[list[int], np.ndarray, np.ndarray]:
        """The likeliest tokens.

        logits (torch.Tensor): Shape (K, vocabulary).
        RETURNS (tuple[list[int], np.ndarray, np.ndarray]): The tokens; their
            log-probabilities, shape (K,); the logits of the recorded tokens, shape (K, C).
        """
        best = logits.argmax(-1)
        chosen = logits.gather(-1, best[:, None])[:, 0].float()
        log_probs = chosen - logits.float().logsumexp(-1)
        return best.tolist(), log_probs.cpu().numpy(), logits[:, self._index].float().cpu().numpy()


class ScoreRecord:
    """What scoring one output needs of its logits, token after token.

    recorder (Recorder): The tokens that are recorded.
    tokens (Iterable[int]): Those of the output's own request. Others are recorded for the sake of
        what is computed beside it, and not looked at: scores must not depend on that.
    """

    def __init__(self, recorder: Recorder, tokens: Iterable[int]):
        self._columns_of = {token: recorder.columns[token] for token in tokens}
        self._log_probs: list[np.ndarray] = []
        self._columns: list[np.ndarray] = []

    def add(self, log_probs: np.ndarray, columns: np.ndarray) -> None:
        """Add tokens, see `Recorder.greedy`."""
        # Copies, since views would keep all rows of the pass in memory.
        self._log_probs.append(log_probs.copy())
        self._columns.append(columns.copy())

    def probabilities(self, words: Sequence[Sequence[Choice]]) -> tuple[float, ...]:
        """RETURNS (tuple[float, ...]): The probability of each word's tag.

        words (Sequence[Sequence[Choice]]): The choices of each word. Choices between tokens
            that are not those of its request count as choices from the whole vocabulary."""
        if not words:
            return ()
        log_probs = np.concatenate(self._log_probs)
        columns = np.concatenate(self._columns)
        result = []
        for choices in words:
            total = sum(self._log_prob(choice, log_probs, columns) for choice in choices)
            result.append(probability(total))
        return tuple(result)

    def _log_prob(self, choice: Choice, log_probs: np.ndarray, columns: np.ndarray) -> float:
        known = self._columns_of
        if not choice.tokens or any(token not in known for token in choice.tokens):
            return float(log_probs[choice.row])
        values = columns[choice.row, [known[token] for token in choice.tokens]]
        values = values - values.max()
        return float(values[choice.chosen] - np.log(np.exp(values).sum()))
