"""Torch in the processes that `nlp.pipe(n_process=...)` starts."""

import multiprocessing
import warnings

from ..errors import Warnings


def use_one_thread_in_fork() -> None:
    """Make torch work in a forked process; does nothing in any other.

    Such a process has a copy of torch's thread pool without its threads, so that torch would
    wait for them for ever: it must not use them, neither to load a model nor to run it.
    """
    if multiprocessing.parent_process() is None:
        return
    # Unknown to the child of a context that was not made the default one.
    if multiprocessing.get_start_method(allow_none=True) not in (None, "fork"):
        return
    import torch

    if torch.get_num_threads() > 1:
        torch.set_num_threads(1)


def warn_of_device_in_worker(device_type: str) -> None:
    """On a device other than the CPU workers do harm: warn (W004, once per worker).

    device_type (str): Where the model is: "cpu", "cuda", "mps".
    """
    global _warned
    if multiprocessing.parent_process() is None or device_type == "cpu" or _warned:
        return
    _warned = True
    warnings.warn(Warnings.W004.format(device=device_type), stacklevel=3)


_warned = False
