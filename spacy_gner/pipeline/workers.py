"""Torch in the processes that `nlp.pipe(n_process=...)` starts."""

import multiprocessing


def settle_in_worker() -> None:
    """Keep a forked worker from hanging: its copy of torch's thread pool has no threads,
    so torch must not use one. Does nothing in a process that was not forked."""
    if multiprocessing.parent_process() is None:
        return
    if multiprocessing.get_start_method(allow_none=True) != "fork":
        return
    import torch

    if torch.get_num_threads() > 1:
        torch.set_num_threads(1)
