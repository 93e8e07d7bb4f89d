"""Scores for what was read in a text that the model wrote freely."""

from collections.abc import Sequence
from typing import Any

import torch

from ..backbones.backbone import Backbone
from ..formats import TaggedWords
from ..planning.request import Request
from .forward import ModelView
from .scores import Choice, choice_log_probs, probability
from .tags import tag_table


def read_choices(
    backbone: Backbone, request: Request, ids: Sequence[int], parts: Sequence[Any]
) -> list[list[Choice]]:
    """Find where in an output its parts were chosen.

    backbone (Backbone): The model.
    request (Request): The request.
    ids (Sequence[int]): The tokens of the output, without end token; length T.
    parts (Sequence[Any]): What the format read in it.
    RETURNS (list[list[Choice]]): For each part; `row` is the position of the token in the
        output. A tag in the tokens of the training text gives the choices between it and
        the other tags that were allowed after the tag before. Any other tag (of another
        label, in other tokens, or shared by several words), and any part of another
        format, gives its tokens as choices from the whole vocabulary, which makes a lower
        probability.
    """
    if not isinstance(request.format, TaggedWords):
        ends = backbone.codec.token_ends(ids) if parts else []
        return [_free_choices(ids, ends, part) for part in parts]
    table = tag_table(backbone, request.format, request.wordings)
    words = table.words([part.word for part in parts])
    result: list[list[Choice]] = []
    position, previous = 0, ""
    found_ends: list[int] | None = None
    for i, part in enumerate(parts):
        piece = words[i].piece(part.tag) if part.tag in words[i].trie.suffixes else ()
        start = position
        if not piece or tuple(ids[start : start + len(piece)]) != piece:
            # Not where it would be if all before was as in training: look it up.
            if found_ends is None:
                found_ends = backbone.codec.token_ends(ids)
            ends = found_ends
            last = _token_at(ends, part.end)
            start = last + 1 - len(piece)
            if not piece or start < 0 or tuple(ids[start : last + 1]) != piece:
                result.append(_free_choices(ids, ends, part))
                position, previous = last + 1, part.tag
                continue
        at = start + len(words[i].stem)
        trie = table.allowed(words[i], previous, i == len(parts) - 1)
        if part.tag not in trie.suffixes:
            trie = words[i].trie
        result.append([Choice(at + d, c, k) for d, c, k in trie.choices(part.tag)])
        position, previous = start + len(piece), part.tag
    return result


def score_outputs(
    backbone: Backbone,
    view: ModelView,
    requests: Sequence[Request],
    prompts: Sequence[Sequence[int]],
    outputs: Sequence[Sequence[int]],
    parts: Sequence[Sequence[Any]],
) -> list[tuple[float, ...]]:
    """Score outputs by one teacher-forced pass over prompts and outputs.

    backbone (Backbone): The model.
    view (ModelView): The view to run.
    requests (Sequence[Request]): Length B.
    prompts (Sequence[Sequence[int]]): Their tokens.
    outputs (Sequence[Sequence[int]]): The tokens of the outputs, without end token.
    parts (Sequence[Sequence[Any]]): What was read in the outputs.
    RETURNS (list[tuple[float, ...]]): The probability of each part.
    """
    found = [
        read_choices(backbone, request, ids, read)
        for request, ids, read in zip(requests, outputs, parts, strict=True)
    ]
    wanted = [sorted({c.row for word in row for c in word}) for row in found]
    if not any(wanted):
        return [tuple(1.0 for _ in row) for row in found]
    logits = _teacher_forced(backbone, view, prompts, outputs, wanted)
    numbers: dict[tuple[int, int], int] = {}
    for b, positions in enumerate(wanted):
        for t in positions:
            numbers[b, t] = len(numbers)
    flat = [
        Choice(numbers[b, c.row], c.tokens, c.chosen)
        for b, row in enumerate(found)
        for word in row
        for c in word
    ]
    log_probs = iter(choice_log_probs(logits, flat))
    return [tuple(probability(sum(next(log_probs) for _ in word)) for word in row) for row in found]


def _teacher_forced(
    backbone: Backbone,
    view: ModelView,
    prompts: Sequence[Sequence[int]],
    outputs: Sequence[Sequence[int]],
    wanted: Sequence[Sequence[int]],
) -> torch.Tensor:
    """RETURNS (torch.Tensor): The logits by which the tokens at the wanted positions of the
    outputs were chosen, row after row."""
    device = backbone.device
    if backbone.codec.is_causal:
        rows = [[*p, *o] for p, o in zip(prompts, outputs, strict=True)]
        width = max(map(len, rows))
        # Padding comes last, where a causal model does not see it.
        before = [len(p) - 1 for p in prompts]
        inputs: dict[str, Any] = {
            "input_ids": pad(rows, backbone.codec.pad_id, device),
            "attention_mask": pad([[1] * len(r) for r in rows], 0, device),
            "use_cache": False,
        }
    else:
        starts = [[backbone.codec.decoder_start_id, *o] for o in outputs]
        width = max(map(len, starts))
        before = [0] * len(outputs)
        inputs = {
            "input_ids": pad(prompts, backbone.codec.pad_id, device),
            "attention_mask": pad([[1] * len(p) for p in prompts], 0, device),
            "decoder_input_ids": pad(starts, backbone.codec.pad_id, device),
            "use_cache": False,
        }
    positions = [b * width + before[b] + t for b, row in enumerate(wanted) for t in row]
    return view.logits(torch.tensor(positions, device=device), **inputs).float()


def pad(
    rows: Sequence[Sequence[int]], fill: int, device: torch.device, left: bool = False
) -> torch.Tensor:
    """RETURNS (torch.Tensor): Rows of one length, filled up at the right or at the left."""
    width = max(map(len, rows))
    filled = [
        [*[fill] * (width - len(r)), *r] if left else [*r, *[fill] * (width - len(r))] for r in rows
    ]
    return torch.tensor(filled, dtype=torch.long, device=device)


def _free_choices(ids: Sequence[int], ends: Sequence[int], part: Any) -> list[Choice]:
    first, last = _token_at(ends, part.start), _token_at(ends, part.end)
    return [Choice(t, (), ids[t]) for t in range(first, last + 1)]


def _token_at(ends: Sequence[int], character: int) -> int:
    """RETURNS (int): The token that the character belongs to."""
    for i, end in enumerate(ends):
        if end > character:
            return i
    return len(ends) - 1
