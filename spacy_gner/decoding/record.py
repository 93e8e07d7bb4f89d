"""Keeps of the logits of each token what is needed to score tags afterwards."""

import math
from collections.abc import Sequence

import numpy as np
import torch

from .scores import Choice


class Recorder:
    """The tokens that scores are about.

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


class Record:
    """What is kept of one output. `log_probs` and `columns` have one entry per token."""

    def __init__(self, recorder: Recorder):
        self._recorder = recorder
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
            that were not recorded count as choices from the whole vocabulary."""
        if not words:
            return ()
        log_probs = np.concatenate(self._log_probs)
        columns = np.concatenate(self._columns)
        result = []
        for choices in words:
            total = sum(self._log_prob(choice, log_probs, columns) for choice in choices)
            result.append(min(1.0, math.exp(total)))
        return tuple(result)

    def _log_prob(self, choice: Choice, log_probs: np.ndarray, columns: np.ndarray) -> float:
        known = self._recorder.columns
        if not choice.tokens or any(token not in known for token in choice.tokens):
            return float(log_probs[choice.row])
        values = columns[choice.row, [known[token] for token in choice.tokens]]
        values = values - values.max()
        return float(values[choice.chosen] - np.log(np.exp(values).sum()))
