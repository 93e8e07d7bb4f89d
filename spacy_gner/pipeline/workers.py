"""How work is shared out: pieces of a stream, and the processes of `nlp.pipe(n_process=...)`."""

import multiprocessing
import os
import warnings

from ..errors import Warnings

# About how many tokens of prompt and output a word takes.
_TOKENS_OF_A_WORD = 6
# A CPU is busy with a few sentences; a GPU wants several full batches of similar length.
_BATCHES_OF_A_PIECE = {"cpu": 0.5}
_BATCHES_ELSEWHERE = 4.0


def words_of_a_piece(batch_tokens: int, device_type: str) -> int:
    """How many words of a stream are predicted together.

    batch_tokens (int): Padded tokens that the model sees at once.
    device_type (str): Where the model is: "cpu", "cuda", "mps".
    RETURNS (int): The number of words, at least 1.
    """
    n_batches = _BATCHES_OF_A_PIECE.get(device_type, _BATCHES_ELSEWHERE)
    return max(1, int(n_batches * batch_tokens / _TOKENS_OF_A_WORD))


def use_one_thread_in_fork() -> None:
    """Make torch work in a forked process; does nothing in any other.

    Such a process has a copy of torch's thread pool without its threads, so that torch would
    wait for them for ever: it must not use them, neither to load a model nor to run it.
    """
    if multiprocessing.parent_process() is None:
        _quiet_forks()
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


def _quiet_forks() -> None:
    """Say to the tokenizers of processes that will be forked that they are to use one thread.
    They do so anyway, but with a warning each, if nobody has said it."""
    global _forks_are_quiet
    if _forks_are_quiet or not hasattr(os, "register_at_fork"):
        return
    _forks_are_quiet = True
    os.register_at_fork(before=_set_parallelism, after_in_parent=_unset_parallelism)


def _set_parallelism() -> None:
    global _is_ours
    _is_ours = _PARALLELISM not in os.environ
    if _is_ours:
        os.environ[_PARALLELISM] = "false"


def _unset_parallelism() -> None:
    if _is_ours:
        del os.environ[_PARALLELISM]


_PARALLELISM = "TOKENIZERS_PARALLELISM"
_forks_are_quiet = False
_is_ours = False
