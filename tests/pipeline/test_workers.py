import multiprocessing
import warnings

import pytest
import torch

from spacy_gner.pipeline import workers


def in_worker(device, queue):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        workers.use_one_thread_in_fork()
        workers.warn_of_device_in_worker(device)
        workers.warn_of_device_in_worker(device)
    queue.put((torch.get_num_threads(), [str(w.message) for w in caught]))


@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.parametrize("device", ["cpu", "cuda"])
@pytest.mark.parametrize("is_default", [False, True])
def test_workers(method, device, is_default):
    context = multiprocessing.get_context(method)
    queue = context.Queue()
    before = multiprocessing.get_start_method(allow_none=True)
    n_before = torch.get_num_threads()
    # Without a default the child cannot know how it was started.
    multiprocessing.set_start_method(method if is_default else None, force=True)
    torch.set_num_threads(2)
    try:
        process = context.Process(target=in_worker, args=(device, queue))
        process.start()
        threads, messages = queue.get(timeout=120)
        process.join(30)
    finally:
        multiprocessing.set_start_method(before, force=True)
        torch.set_num_threads(n_before)
    if method == "fork":
        assert threads == 1
    assert [m[:11] for m in messages] == (["[GNER-W004]"] if device == "cuda" else [])


def test_workers_main_process_is_left_alone():
    threads = torch.get_num_threads()
    workers.use_one_thread_in_fork()
    workers.warn_of_device_in_worker("cuda")
    assert torch.get_num_threads() == threads
