"""What several decoders need: settings, limits, widths of drafts, log-probabilities."""

import warnings
from collections.abc import Sequence

import numpy as np

from ..backbones.backbone import Backbone
from ..errors import Errors, Warnings
from ..planning.request import Request
from .batching import output_limit
from .request import Generation
from .tags import tag_table

# What a forward pass costs beside its tokens, in tokens, by device: on a CPU weights are read
# from memory for each pass, on a GPU nearly all of the time of a short pass is overhead.
PASS_OVERHEAD = {"cpu": 64.0}
GPU_PASS_OVERHEAD = 1000.0


def check_at_least(field: str, value: int, least: int) -> None:
    """RAISES (ValueError): E017 when a setting is not a whole number from `least` on."""
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ValueError(
            Errors.E017.format(field=f"decoder.{field}", expected=f"{least} or more", found=value)
        )


def check_not_negative(field: str, value: float | None) -> None:
    """RAISES (ValueError): E017 when a setting is neither None nor a number from 0 on."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if value is not None and not (is_number and value >= 0):
        raise ValueError(
            Errors.E017.format(field=f"decoder.{field}", expected="0 or more, or null", found=value)
        )


def pass_overhead(setting: float | None, backbone: Backbone) -> float:
    """RETURNS (float): What a pass costs beside its tokens, in tokens.

    setting (float | None): What the user set.
    backbone (Backbone): The model, for what was measured on its device."""
    if setting is not None:
        return setting
    return PASS_OVERHEAD.get(backbone.device.type, GPU_PASS_OVERHEAD)


def output_limits(
    backbone: Backbone,
    requests: Sequence[Request],
    prompts: Sequence[Sequence[int]],
    max_new_tokens: int | None,
) -> list[int]:
    """How many tokens the outputs may have, see `output_limit`.

    backbone (Backbone): The model.
    requests (Sequence[Request]): Length B.
    prompts (Sequence[Sequence[int]]): Their tokens.
    max_new_tokens (int | None): What the user set.
    RETURNS (list[int]): Length B.
    RAISES (ValueError): E401 when a prompt leaves no room for an output.
    """
    limits = []
    for request, prompt in zip(requests, prompts, strict=True):
        used = len(prompt) if backbone.codec.is_causal else 0
        if max_new_tokens is None:
            limit = output_limit(request.n_output, used, backbone.codec.hard_limit)
        elif backbone.codec.hard_limit is not None:
            limit = min(max_new_tokens, backbone.codec.hard_limit - used)
        else:
            limit = max_new_tokens
        if limit < 1:
            raise ValueError(Errors.E401.format(n_tokens=used, limit=backbone.codec.hard_limit))
        limits.append(limit)
    return limits


def check_lengths(
    backbone: Backbone, requests: Sequence[Request], prompts: Sequence[Sequence[int]]
) -> list[int]:
    """How many tokens requests have whose words are forced.

    backbone (Backbone): The model.
    requests (Sequence[Request]): Length B.
    prompts (Sequence[Sequence[int]]): Their tokens.
    RETURNS (list[int]): Of prompt and longest answer, length B.
    RAISES (ValueError): E401 when the model cannot compute so many.
    """
    lengths = []
    for request, prompt in zip(requests, prompts, strict=True):
        used = len(prompt) if backbone.codec.is_causal else 0
        lengths.append(len(prompt) + request.n_output)
        limit = backbone.codec.hard_limit
        if limit is not None and used + request.n_output > limit:
            raise ValueError(Errors.E401.format(n_tokens=lengths[-1], limit=limit))
    return lengths


def warn_if_cut(generations: Sequence[Generation], limits: Sequence[int]) -> None:
    """Warn once (W002) when the model had not ended an output."""
    cut = [limit for g, limit in zip(generations, limits, strict=True) if not g.complete]
    if cut:
        warnings.warn(Warnings.W002.format(max_new_tokens=max(cut)), stacklevel=3)


def tag_tokens(backbone: Backbone, requests: Sequence[Request]) -> list[int]:
    """RETURNS (list[int]): The tokens that tell the tags of some requests apart, in order."""
    tries = {}
    for request in requests:
        table = tag_table(backbone, request.format, request.wordings)
        for word in table.words(request.words):
            tries[id(word.trie)] = word.trie
    return sorted({t for trie in tries.values() for s in trie.suffixes.values() for t in s})


def draft_width(reach: Sequence[Sequence[float]], overhead: float) -> int:
    """How long drafts should be: the longer, the fewer passes; the shorter, the fewer tokens
    that are computed for nothing.

    reach (Sequence[Sequence[float]]): For each row the probability that its draft is
        right up to each token.
    overhead (float): What a pass costs beside its tokens, in tokens.
    RETURNS (int): The length with the most tokens for the time. All rows cost the time of the
        longest one, since they are a rectangle.
    """
    best, best_rate = 0, len(reach) / (overhead + len(reach))
    gained = float(len(reach))
    for width in range(1, max(map(len, reach), default=0) + 1):
        gained += sum(row[width - 1] for row in reach if len(row) >= width)
        rate = gained / (overhead + len(reach) * (width + 1))
        if rate > best_rate:
            best, best_rate = width, rate
    return best


def draft_widths(
    reach: Sequence[Sequence[float]], n_tokens: int, overhead: float, least: int
) -> list[int]:
    """How long drafts should be where each row has a length of its own, see `draft_width`.

    reach (Sequence[Sequence[float]]): For each row the probability that its draft is
        right up to each token.
    n_tokens (int): Tokens that are computed in any case.
    overhead (float): What a pass costs beside its tokens, in tokens.
    least (int): Tokens that a pass costs at least, besides.
    RETURNS (list[int]): A length for each row, with the most tokens for the time together.
    """
    steps = [(-chance, i, row) for row, own in enumerate(reach) for i, chance in enumerate(own)]
    gained = float(len(reach))
    best, best_rate = 0, gained / (overhead + max(least, n_tokens))
    for n, (chance, _, _) in enumerate(sorted(steps), start=1):
        gained -= chance
        rate = gained / (overhead + max(least, n_tokens + n))
        if rate > best_rate:
            best, best_rate = n, rate
    widths = [0] * len(reach)
    for _, _, row in sorted(steps)[:best]:
        widths[row] += 1
    return widths


def choice_log_probs(logits: np.ndarray) -> np.ndarray:
    """Normalize the logits of the tokens that were allowed at a choice.

    logits (np.ndarray): Shape (C,).
    RETURNS (np.ndarray): Log-probabilities, shape (C,).
    """
    values = logits.astype(np.float64)
    values -= values.max()
    values -= np.log(np.exp(values).sum())
    return values


def n_common(a: Sequence[int], b: Sequence[int]) -> int:
    """RETURNS (int): How many tokens both begin with."""
    n = 0
    for x, y in zip(a, b, strict=False):
        if x != y:
            break
        n += 1
    return n
