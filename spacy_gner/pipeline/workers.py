"""Torch in the processes that `nlp.pipe(n_process=...)` starts."""

import multiprocessing
import warnings

from ..errors import Warnings


def settle_in_worker(device_type: str) -> None:
    """Make torch work well in a worker process; does nothing in any other.

    A forked worker has a copy of torch's thread pool without its threads, so that torch would
    wait for them for ever: it must not use them. On a device other than the CPU, workers
    do harm, so this warns (W004, once per worker).

    device_type (str): Where the model is: "cpu", "cuda", "mps".
    """
    global _warned
    if multiprocessing.parent_process() is None:
        return
    if device_type != "cpu" and not _warned:
        _warned = True
        warnings.warn(Warnings.W004.format(device=device_type), stacklevel=3)
    if multiprocessing.get_start_method(allow_none=True) != "fork":
        return
    import torch

    if torch.get_num_threads() > 1:
        torch.set_num_threads(1)


_warned = False
