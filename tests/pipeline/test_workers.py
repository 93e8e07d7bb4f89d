import multiprocessing
import warnings

import pytest
import torch

from spacy_gner.pipeline import workers


def in_worker(device, queue):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        workers.settle_in_worker(device)
        workers.settle_in_worker(device)
    queue.put((torch.get_num_threads(), [str(w.message) for w in caught]))


@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_workers(method, device):
    context = multiprocessing.get_context(method)
    queue = context.Queue()
    before = multiprocessing.get_start_method(allow_none=True)
    multiprocessing.set_start_method(method, force=True)
    try:
        process = context.Process(target=in_worker, args=(device, queue))
        process.start()
        threads, messages = queue.get(timeout=120)
        process.join(30)
    finally:
        multiprocessing.set_start_method(before, force=True)
    if method == "fork":
        assert threads == 1
    assert [m[:6] for m in messages] == (["[W004]"] if device == "cuda" else [])


def test_workers_main_process_is_left_alone():
    threads = torch.get_num_threads()
    workers.settle_in_worker("cuda")
    assert torch.get_num_threads() == threads
