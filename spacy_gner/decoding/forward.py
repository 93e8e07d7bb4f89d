"""Runs a model so that it computes logits only where they are wanted."""

import copy
from typing import Any

import torch

from ..backbones.backbone import Backbone
from ..backbones.logits import Passes, pick_logits, plain_model, watch_passes
from ..backbones.signature import cache_argument
from ..errors import Errors
from .cache import Layer, make_cache


class ModelView:
    """Runs the model of a backbone. The model itself is not touched, so that threads can have a
    view each.

    backbone (Backbone): The backbone with the model.

    `passes` counts forward passes of `generate`.
    """

    def __init__(self, backbone: Backbone):
        self.model = plain_model(backbone.model)
        self.passes = 0

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
        RAISES (ValueError): E403 when they are no numbers.
        """
        ids = inputs["decoder_input_ids" if "decoder_input_ids" in inputs else "input_ids"]
        with pick_logits(self.model, ids.numel(), positions, tokens) as pick:
            logits = pick(self._run(**inputs).logits)
        if logits.numel() and not torch.isfinite(logits.amax(-1)).all():
            raise ValueError(self._broken())
        return logits

    def fill_cache(self, input_ids: torch.Tensor, before: list[Layer] | None = None) -> Any:
        """Run a causal model only for its keys and values.

        input_ids (torch.Tensor): Shape (B, T).
        before (list[Layer] | None): The keys and values of what stands before.
        RETURNS (Cache): The cache.
        RAISES (ValueError): E402 for models that keep keys and values in another way.
        """
        none = torch.zeros(0, dtype=torch.long, device=input_ids.device)
        with pick_logits(self.model, input_ids.numel(), none):
            # What it fills is what it is given, whatever its output is called.
            cache: Any = make_cache(before or [])
            name = cache_argument(self.model) or "past_key_values"
            self._run(input_ids=input_ids, use_cache=True, **{name: cache})
        return cache

    def generate(self, config: Any, **inputs: Any) -> Any:
        """Write with `generate()` of transformers.

        config (GenerationConfig): Replaces that of the model altogether.
        **inputs: The arguments of `generate`.
        RETURNS (torch.Tensor): The tokens.
        RAISES (ValueError): E403 when the model's logits are no numbers.
        """
        # A copy that shares all modules: `generate` mixes a config that it is given with the
        # model's own, and other threads use the model as well.
        model = copy.copy(self.model)
        model.generation_config = config
        passes = Passes()
        try:
            with watch_passes(self.model, passes):
                tokens = model.generate(**inputs)
        except (RuntimeError, IndexError) as error:
            if passes.all_finite():
                raise
            raise ValueError(self._broken()) from error
        self.passes += passes.number
        if not passes.all_finite():
            raise ValueError(self._broken())
        return tokens

    def _broken(self) -> str:
        return Errors.E403.format(name=getattr(self.model.config, "name_or_path", "") or "model")

    def _run(self, **inputs: Any) -> Any:
        try:
            return self.model(**inputs)
        except KeyError as error:
            if cache_argument(self.model) not in inputs:
                raise
            # Models that predate `Cache` index the layers of an empty cache.
            name = self.model.config.model_type
            raise ValueError(Errors.E402.format(model_type=name)) from error
