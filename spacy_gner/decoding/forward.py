"""Runs a model so that it computes logits only where they are wanted."""

import copy
from typing import Any

import torch
from torch import nn
from transformers import DynamicCache

from ..backbones.backbone import Backbone
from ..backbones.linear import FastLinear, linear
from ..errors import Errors

# Layers that do nothing but multiply: only their weights can be taken in part.
_PLAIN = (nn.Linear, FastLinear)


def plain_model(backbone: Backbone) -> Any:
    """RETURNS (PreTrainedModel): The transformers model, from inside a peft model if there
    is one (LoRA layers are part of it)."""
    model = backbone.model
    return model.get_base_model() if hasattr(model, "get_base_model") else model


class _SelectiveHead(nn.Module):
    """An output layer that looks only at the positions (and tokens) it is told to.

    head (nn.Module): The output layer.
    """

    def __init__(self, head: nn.Module):
        super().__init__()
        self.head = head
        self.calls = 0
        self.may_narrow = True
        self.positions: torch.Tensor | None = None
        self.tokens: torch.Tensor | None = None

    @property
    def weight(self) -> Any:
        """RETURNS (torch.Tensor): That of the layer: some models (Mamba) look at its type."""
        return self.head.weight

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        if self.positions is not None:
            hidden = hidden.reshape(1, -1, hidden.shape[-1])[:, self.positions]
        if self.tokens is None:
            return self.head(hidden)
        head = self.head
        if self.may_narrow and isinstance(head, nn.Linear) and type(head) in _PLAIN:
            bias = None if head.bias is None else head.bias[self.tokens]
            return linear(hidden, head.weight[self.tokens], bias)
        return self.head(hidden)


class ModelView:
    """A view of a model with an output layer and a generation config of its own. It shares all
    weights; the model itself is not touched, so that threads can have a view each.

    backbone (Backbone): The backbone with the model.
    """

    def __init__(self, backbone: Backbone):
        source = plain_model(backbone)
        self.model = copy.copy(source)
        # A copy of a module shares the dict of its parts; this one gets its own.
        self.model._modules = dict(source._modules)
        self._head: _SelectiveHead | None = None
        head = source.get_output_embeddings()
        if head is not None:
            self._head = _SelectiveHead(head)
            # BART and its kin add one more bias for the whole vocabulary.
            self._head.may_narrow = not hasattr(source, "final_logits_bias")
            self.model.set_output_embeddings(self._head)

    @property
    def passes(self) -> int:
        """RETURNS (int): Forward passes so far."""
        return self._head.calls if self._head is not None else 0

    def logits(
        self, positions: torch.Tensor | None, tokens: torch.Tensor | None = None, **inputs: Any
    ) -> torch.Tensor:
        """One forward pass.

        positions (torch.Tensor | None): Indices into the positions of all rows, one row
            after the other; shape (K,). None for all.
        tokens (torch.Tensor | None): The tokens whose logits are wanted, shape (C,). None
            for the whole vocabulary.
        **inputs: The arguments of the model's `forward`.
        RETURNS (torch.Tensor): Logits, shape (K, vocabulary) or (K, C).
        """
        if self._head is None:
            logits = self._run(**inputs).logits
            logits = logits.reshape(-1, logits.shape[-1])
            logits = logits if positions is None else logits[positions]
            return logits if tokens is None else logits[:, tokens]
        self._head.positions, self._head.tokens = positions, tokens
        try:
            logits = self._run(**inputs).logits
        finally:
            self._head.positions = self._head.tokens = None
        logits = logits.reshape(-1, logits.shape[-1])
        if tokens is not None and logits.shape[-1] != len(tokens):
            logits = logits[:, tokens]
        return logits

    def fill_cache(self, input_ids: torch.Tensor) -> Any:
        """Run a causal model only for its keys and values.

        input_ids (torch.Tensor): Shape (B, T).
        RETURNS (Cache): The cache.
        RAISES (ValueError): E402 for models that keep keys and values in another way.
        """
        if self._head is not None:
            self._head.positions = torch.zeros(1, dtype=torch.long, device=input_ids.device)
        try:
            output = self._run(input_ids=input_ids, past_key_values=DynamicCache(), use_cache=True)
        finally:
            if self._head is not None:
                self._head.positions = None
        return output.past_key_values

    def _run(self, **inputs: Any) -> Any:
        try:
            return self.model(**inputs)
        except KeyError as error:
            if "past_key_values" not in inputs:
                raise
            # Of before these caches: it looks for its layers before it has put any there.
            name = self.model.config.model_type
            raise ValueError(Errors.E402.format(model_type=name)) from error
