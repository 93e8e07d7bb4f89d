"""The way of the paper: the model writes freely, with `generate()` of transformers
(paper, section 6: beam search lets the model correct itself)."""

from collections.abc import Sequence
from typing import Any

import torch
from spacy.util import registry
from transformers import GenerationConfig

from ..backbones.backbone import Backbone
from ..formats import Format
from ..planning.request import Request
from .batching import plan_batches
from .common import check_at_least, output_limits, warn_if_cut
from .forward import ModelView
from .free_text import pad, score_outputs
from .request import Generation
from .session import can_share_batches


@registry.misc("spacy_gner.BeamSearch.v1")
class BeamSearch:
    """The decoder of the paper: free text through `generate()`.

    num_beams (int): Number of beams, 4 in the paper. 1 is greedy.
    max_new_tokens (int | None): Tokens that an output may have. None derives the number
        from the input, so that every word can get its longest tag.
    RAISES (ValueError): E017 for numbers below 1.
    """

    format_type = Format

    def __init__(self, num_beams: int = 4, max_new_tokens: int | None = None):
        check_at_least("num_beams", num_beams, 1)
        if max_new_tokens is not None:
            check_at_least("max_new_tokens", max_new_tokens, 1)
        self.num_beams = num_beams
        self.max_new_tokens = max_new_tokens

    def __call__(
        self, backbone: Backbone, requests: Sequence[Request], batch_tokens: int
    ) -> list[Generation]:
        """See `Decoder`."""
        prompts = backbone.codec.prompt_ids([request.prompt.input for request in requests])
        limits = output_limits(backbone, requests, prompts, self.max_new_tokens)
        lengths = [
            self.num_beams * (len(prompt) + limit)
            for prompt, limit in zip(prompts, limits, strict=True)
        ]
        if backbone.codec.is_causal and not can_share_batches(backbone):
            # Padding stands on the left and would count as positions.
            batch_tokens = 1
        result: list[Generation | None] = [None] * len(requests)
        # Only requests of one limit share a batch: an output that is cut is then
        # cut at the same place in every batch.
        for batch in plan_batches(lengths, batch_tokens, keys=limits):
            generations = self._generate(
                backbone,
                [requests[i] for i in batch],
                [prompts[i] for i in batch],
                limits[batch[0]],
            )
            for i, generation in zip(batch, generations, strict=True):
                result[i] = generation
        warn_if_cut([g for g in result if g is not None], limits)
        return [g for g in result if g is not None]

    @torch.inference_mode()
    def _generate(
        self,
        backbone: Backbone,
        requests: Sequence[Request],
        prompts: Sequence[Sequence[int]],
        limit: int,
    ) -> list[Generation]:
        view = ModelView(backbone)
        device = backbone.device
        left = backbone.codec.is_causal
        inputs = {
            "input_ids": pad(prompts, backbone.codec.pad_id, device, left),
            "attention_mask": pad([[1] * len(p) for p in prompts], 0, device, left),
        }
        sequences: Any = view.generate(self._config(backbone, limit), **inputs)
        skip = inputs["input_ids"].shape[1] if backbone.codec.is_causal else 1
        outputs, complete = [], []
        for row in sequences[:, skip:].tolist():
            end = next((i for i, token in enumerate(row) if token in backbone.codec.end_ids), None)
            outputs.append(row[: limit if end is None else end])
            complete.append(end is not None)
        return finish(backbone, view, requests, prompts, outputs, complete)

    def _config(self, backbone: Backbone, limit: int) -> GenerationConfig:
        # Made from nothing: what the model's own config asks for (sampling, a
        # temperature, penalties) would change the answers.
        codec = backbone.codec
        return GenerationConfig(
            max_new_tokens=limit,
            num_beams=self.num_beams,
            early_stopping=False,
            do_sample=False,
            eos_token_id=list(codec.end_ids),
            pad_token_id=codec.pad_id,
            decoder_start_token_id=None if codec.is_causal else codec.decoder_start_id,
            use_cache=True,
        )


def finish(
    backbone: Backbone,
    view: ModelView,
    requests: Sequence[Request],
    prompts: Sequence[Sequence[int]],
    outputs: Sequence[Sequence[int]],
    complete: Sequence[bool],
) -> list[Generation]:
    """Read and score outputs that were written freely.

    backbone (Backbone): The model.
    view (ModelView): The view that wrote them.
    requests (Sequence[Request]): Length B.
    prompts (Sequence[Sequence[int]]): The tokens of the prompts.
    outputs (Sequence[Sequence[int]]): The tokens of the outputs, without end token.
    complete (Sequence[bool]): Whether the model ended them.
    RETURNS (list[Generation]): Length B.
    """
    passes = view.passes
    texts = [backbone.codec.decode(ids) for ids in outputs]
    parts = [r.format.parse(text, r.wordings) for r, text in zip(requests, texts, strict=True)]
    scores = score_outputs(backbone, view, requests, prompts, outputs, parts)
    return [
        Generation(text, tuple(read), row, ended, forward_passes=passes + 1)
        for text, read, row, ended in zip(texts, parts, scores, complete, strict=True)
    ]
