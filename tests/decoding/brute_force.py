"""Scores taggings by hand: the oracle for the decoders."""

import itertools
import math
from collections.abc import Sequence

import torch

from spacy_gner.backbones.backbone import Backbone
from spacy_gner.planning.request import Request


def allowed_tags(request: Request, tags: Sequence[str], index: int) -> list[str]:
    """RETURNS (list[str]): The tags that may follow the first `index` ones."""
    format, is_last = request.format, index == len(request.words) - 1
    previous = tags[index - 1] if index else ""
    result = [t for t in format.tags(request.wordings) if format.may_follow(previous, t)]
    return [t for t in result if format.may_end(t)] or result if is_last else result


def taggings(request: Request) -> list[tuple[str, ...]]:
    """RETURNS (list[tuple[str, ...]]): Every tagging that is allowed."""
    every = itertools.product(request.format.tags(request.wordings), repeat=len(request.words))
    return [
        tags
        for tags in every
        if all(tags[i] in allowed_tags(request, tags, i) for i in range(len(tags)))
    ]


@torch.inference_mode()
def word_log_probs(backbone: Backbone, request: Request, tags: Sequence[str]) -> list[float]:
    """Score a tagging by one pass over its text, without cache and without tries.

    RETURNS (list[float]): For each word the log-probability of its tag's tokens, each
        normalized over the tokens that any allowed tag could have there.
    """
    pieces = backbone.codec.target_ids(
        [f"{w}({t})" for w, t in zip(request.words, tags, strict=True)]
    )
    prompt = backbone.codec.prompt_ids([request.prompt.text])[0]
    output = [token for piece in pieces for token in piece]
    if backbone.codec.is_causal:
        logits = backbone.model(input_ids=torch.tensor([prompt + output])).logits[0]
        logits = logits[len(prompt) - 1 :]
    else:
        start = [backbone.codec.decoder_start_id]
        logits = backbone.model(
            input_ids=torch.tensor([prompt]), decoder_input_ids=torch.tensor([start + output])
        ).logits[0]
    result, position = [], 0
    for i, word in enumerate(request.words):
        options = [
            ids
            for t in allowed_tags(request, tags, i)
            for ids in backbone.codec.target_ids([f"{word}({t})"])
        ]
        total = 0.0
        for depth, token in enumerate(pieces[i]):
            nexts = sorted({o[depth] for o in options if o[:depth] == pieces[i][:depth]})
            row = logits[position + depth, nexts].double().log_softmax(-1)
            total += float(row[nexts.index(token)])
        result.append(total)
        position += len(pieces[i])
    return result


def best_tagging(backbone: Backbone, request: Request) -> tuple[tuple[str, ...], list[float]]:
    """RETURNS (tuple[tuple[str, ...], list[float]]): The most probable tagging of all, with
    the log-probability of each tag."""
    scored = [(t, word_log_probs(backbone, request, t)) for t in taggings(request)]
    return max(scored, key=lambda item: math.fsum(item[1]))
