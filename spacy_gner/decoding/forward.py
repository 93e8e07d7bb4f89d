"""Runs a model so that it computes logits only where they are wanted."""

import copy
from typing import Any

import torch

from ..backbones.backbone import Backbone
from ..backbones.logits import Passes, pick_logits, plain_model, watch_passes
from ..backbones.signature import cache_argument
from ..errors import Errors
from .cache import Layer, make_cache

# What transformers gives to beams that cannot be chosen.
_HOPELESS = -1.0e9


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
        _end_rows_alone(model)
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


def _end_rows_alone(model: Any) -> None:
    """See to it that the beams of a row end when they would end without other rows: from 4.50 to
    4.53 transformers goes on with all rows while there is hope for one of them, so that what is
    found for a row depends on its batch. Earlier and later versions do that by themselves.

    model (PreTrainedModel): A copy that `generate` is called on; changed in place.
    """
    has_unfinished = getattr(model, "_beam_search_has_unfinished_sequences", None)
    if has_unfinished is None or hasattr(model, "_check_early_stop_heuristic"):
        return

    def check(
        running_beam_scores: torch.Tensor,
        beam_scores: torch.Tensor,
        is_sent_finished: torch.Tensor,
        next_token_hits_stopping_criteria: torch.Tensor,
        cur_len: int,
        max_length: int,
        decoder_prompt_len: int,
        early_stopping: bool | str,
        length_penalty: float,
    ) -> Any:
        # The rule of transformers for `early_stopping=False`, for each row by itself.
        best = running_beam_scores[:, 0] / (cur_len - decoder_prompt_len) ** length_penalty
        is_over = is_sent_finished.all(1) & (best <= beam_scores.amin(1))
        # Nothing that goes on from here can be better than what is finished.
        running_beam_scores[is_over] = _HOPELESS
        return has_unfinished(
            running_beam_scores,
            beam_scores,
            is_sent_finished,
            next_token_hits_stopping_criteria,
            cur_len,
            max_length,
            decoder_prompt_len,
            early_stopping,
            length_penalty,
        )

    model._beam_search_has_unfinished_sequences = check
