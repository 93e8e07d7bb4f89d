"""Logits only where they are wanted: nearly all of the work of an output layer is on places, and
on tokens, that nobody asks about.

Two hooks on the output layer of a model do that, for inference and training. They are set once
and stay; what they pick is known per thread, so that threads share a model. The model's modules
stay the very objects that they are.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from .linear import FastLinear, linear_of_some

# Layers that do nothing but multiply: only of these can the weights be taken in part.
_PLAIN = (nn.Linear, FastLinear)


class Passes:
    """Forward passes of one thread: how many, and whether their logits were numbers.

    `number` counts them; it stays 0 for models without an output layer of their own.
    """

    def __init__(self) -> None:
        self.number = 0
        self._finite: torch.Tensor | None = None

    def note(self, logits: torch.Tensor) -> None:
        """Take note of the logits of a pass.

        logits (torch.Tensor): Shape (..., vocabulary).
        """
        self.number += 1
        # Not a bool yet, for which a GPU would have to be waited for.
        finite = torch.isfinite(logits.amax(-1)).all()
        self._finite = finite if self._finite is None else self._finite & finite

    def all_finite(self) -> bool:
        """RETURNS (bool): Whether there was a number above minus infinity in all rows of all
        passes, and nothing that is no number, or above all."""
        return self._finite is None or bool(self._finite)


@dataclass
class _Selection:
    """What one forward pass of one thread picks.

    head (nn.Module): The output layer.
    n_places (int): How many places the input has, in all rows together.
    positions (torch.Tensor | None): The places that are wanted, see `pick_logits`.
    tokens (torch.Tensor | None): The tokens that are wanted.
    passes (Passes | None): Takes note of the logits, when all of them are wanted.
    """

    head: nn.Module
    n_places: int
    positions: torch.Tensor | None
    tokens: torch.Tensor | None
    passes: Passes | None = None
    hidden: torch.Tensor | None = None
    places_picked: bool = False
    tokens_picked: bool = False


class _Local(threading.local):
    selection: _Selection | None = None


_local = _Local()
_lock = threading.Lock()
# Set on an output layer that has its hooks: a copy of the layer has both.
_MARK = "gner_picks_logits"


def plain_model(model: Any) -> Any:
    """RETURNS (PreTrainedModel): The transformers model, from inside a peft model if there
    is one (its layers are part of it)."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model


@contextmanager
def pick_logits(
    model: Any,
    n_places: int,
    positions: torch.Tensor | None,
    tokens: torch.Tensor | None = None,
) -> Iterator[Callable[[torch.Tensor], torch.Tensor]]:
    """Let a model compute logits for some places and tokens only, in this thread.

    Scalings that the model applies to its logits hold. Where a model computes them in another
    way than by its output layer, all are computed, and then picked.

    model (PreTrainedModel | PeftModel): The model.
    n_places (int): Places of the input (of the decoder's, for an encoder-decoder), rows times
        length.
    positions (torch.Tensor | None): Indices into these, row after row, shape (K,). None
        for all.
    tokens (torch.Tensor | None): The tokens whose logits are wanted, shape (C,). None for
        the whole vocabulary.
    YIELDS (Callable): Takes `output.logits` of the forward pass that is made within, returns
        the logits, shape (K, vocabulary) or (K, C).
    """
    base = plain_model(model)
    head = base.get_output_embeddings()
    if head is not None:
        _hook(head)
    # Models that add one bias for the whole vocabulary afterwards (BART and its kin).
    narrow = tokens if not hasattr(base, "final_logits_bias") else None
    selection = _Selection(head, n_places, positions, narrow)
    outer, _local.selection = _local.selection, selection

    def picked(logits: torch.Tensor) -> torch.Tensor:
        logits = logits.reshape(-1, logits.shape[-1])
        if positions is not None and not selection.places_picked:
            logits = logits[positions]
        if tokens is not None and not selection.tokens_picked:
            logits = logits[:, tokens]
        return logits

    try:
        yield picked
    finally:
        _local.selection = outer


@contextmanager
def watch_passes(model: Any, passes: Passes) -> Iterator[None]:
    """Watch the forward passes that are made within, in this thread.

    model (PreTrainedModel | PeftModel): The model.
    passes (Passes): Takes note of them.
    """
    head = plain_model(model).get_output_embeddings()
    if head is not None:
        _hook(head)
    outer, _local.selection = _local.selection, _Selection(head, 0, None, None, passes)
    try:
        yield
    finally:
        _local.selection = outer


def _hook(head: nn.Module) -> None:
    with _lock:
        if not getattr(head, _MARK, False):
            head.register_forward_pre_hook(_before)
            head.register_forward_hook(_after)
            setattr(head, _MARK, True)


def _before(module: nn.Module, arguments: tuple[Any, ...]) -> tuple[Any, ...] | None:
    selection = _local.selection
    if selection is None or module is not selection.head or selection.passes is not None:
        return None
    if selection.places_picked or selection.hidden is not None:
        return None
    hidden: torch.Tensor = arguments[0]
    if hidden.numel() != selection.n_places * hidden.shape[-1]:
        # Not one row for each place (or nothing to pick): left alone.
        return None
    if selection.positions is not None:
        hidden = hidden.reshape(1, -1, hidden.shape[-1])[:, selection.positions]
        selection.places_picked = True
    if selection.tokens is not None and type(module) in _PLAIN:
        # The layer gets nothing to do, `_after` multiplies with some of its weights.
        selection.hidden = hidden
        hidden = hidden.reshape(1, -1, hidden.shape[-1])[:, :0]
    return (hidden, *arguments[1:])


def _after(module: nn.Module, arguments: tuple[Any, ...], output: Any) -> Any:
    selection = _local.selection
    if selection is None or module is not selection.head:
        return None
    if selection.passes is not None:
        selection.passes.note(output)
    if selection.hidden is None:
        return None
    hidden, selection.hidden = selection.hidden, None
    selection.tokens_picked = True
    head: Any = module
    bias = None if head.bias is None else head.bias[selection.tokens]
    return linear_of_some(hidden, head.weight[selection.tokens], bias)
