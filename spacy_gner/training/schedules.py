"""Learning rate schedules for `[training.optimizer.learn_rate]`."""

import math
from collections.abc import Iterator

from spacy.util import registry

from ..errors import Errors


@registry.schedules("spacy_gner.warmup_cosine.v1")
def warmup_cosine(
    peak: float, total_steps: int, warmup: float = 0.04, minimum: float = 0.0
) -> Iterator[float]:
    """Rise linearly to a peak, then fall along half a cosine (paper, appendix B: LLaMA).

    peak (float): The highest learning rate.
    total_steps (int): Updates until the minimum is reached; usually `${training.max_steps}`.
    warmup (float): How long the rise takes: below 1 a share of `total_steps`, else steps.
    minimum (float): The rate at the end, and from then on.
    RETURNS (Iterator[float]): One rate per update, without end.
    RAISES (ValueError): E503 for values that make no schedule.
    """
    # Runs that are cut to a step or two, as in tests, have no room for a share.
    share = min(math.ceil(warmup * total_steps), total_steps - 1)
    n_warmup = share if warmup < 1 else int(warmup)
    if not (0 <= minimum <= peak and peak > 0 and total_steps > 0 and 0 <= n_warmup < total_steps):
        raise ValueError(
            Errors.E503.format(peak=peak, minimum=minimum, warmup=warmup, total_steps=total_steps)
        )
    return _rates(peak, total_steps, n_warmup, minimum)


def _rates(peak: float, total_steps: int, n_warmup: int, minimum: float) -> Iterator[float]:
    for step in range(n_warmup):
        yield peak * (step + 1) / n_warmup
    n_decay = total_steps - n_warmup
    for step in range(n_decay):
        yield minimum + (peak - minimum) * 0.5 * (1 + math.cos(math.pi * step / n_decay))
    while True:
        yield minimum
