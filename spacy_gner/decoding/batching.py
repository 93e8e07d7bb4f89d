"""Which requests are decoded together."""

from collections.abc import Sequence

# Outputs may have this many tokens more than the words with their longest tags need.
_SLACK = 32
# Limits are rounded up to a multiple of this, so that few different ones occur.
_ROUND = 64


def output_limit(needed: int, prompt_length: int, hard_limit: int | None) -> int:
    """How many tokens an output may have. It depends on the request alone, so that batches
    do not change results.

    needed (int): Tokens of the words with the longest tag each.
    prompt_length (int): Tokens of the prompt that share the model's positions with the
        output; 0 for an encoder-decoder.
    hard_limit (int | None): Positions that the model has, None for as many as wanted.
    RETURNS (int): The limit in tokens, end token included. Not positive when the prompt
        leaves no room.
    """
    limit = -(-(needed + _SLACK) // _ROUND) * _ROUND
    return limit if hard_limit is None else min(limit, hard_limit - prompt_length)


def plan_batches(
    lengths: Sequence[int], batch_tokens: int, keys: Sequence[int] | None = None
) -> list[list[int]]:
    """Put requests of similar length into batches, the longest first: a batch that does
    not fit into memory shows at once.

    lengths (Sequence[int]): Tokens of each request, prompt and expected output.
    batch_tokens (int): Padded tokens that a batch may hold; a longer request makes
        a batch of its own.
    keys (Sequence[int] | None): Only requests of one key share a batch.
    RETURNS (list[list[int]]): Batches of indices into `lengths`.
    """
    keys = [0] * len(lengths) if keys is None else keys
    order = sorted(range(len(lengths)), key=lambda i: (-keys[i], -lengths[i], i))
    batches: list[list[int]] = []
    for i in order:
        batch = batches[-1] if batches else []
        fits = batch and lengths[batch[0]] * (len(batch) + 1) <= batch_tokens
        if fits and keys[batch[0]] == keys[i]:
            batch.append(i)
        else:
            batches.append([i])
    return batches
