import pytest
import torch

from spacy_gner.training.optimizer import divide


@pytest.mark.parametrize("is_there", [True, False])
def test_gradients_are_divided_in_place(monkeypatch, is_there):
    """With the private function of torch, and without it."""
    if not is_there:
        monkeypatch.delattr(torch, "_foreach_div_")
    gradients = [torch.tensor([2.0, 4.0]), torch.tensor([[8.0]])]
    same = list(gradients)
    divide(gradients, 2.0)
    assert [g.tolist() for g in same] == [[1.0, 2.0], [[4.0]]]
