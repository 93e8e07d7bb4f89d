import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_gner.decoding.batching import output_limit, plan_batches


@given(st.lists(st.integers(1, 500), max_size=40), st.integers(1, 2000), st.integers(1, 3))
def test_batches_hold_everything_once_within_the_budget(lengths, budget, n_keys):
    keys = [length % n_keys for length in lengths]
    batches = plan_batches(lengths, budget, keys)
    assert sorted(i for batch in batches for i in batch) == list(range(len(lengths)))
    for batch in batches:
        assert len({keys[i] for i in batch}) == 1
        padded = max(lengths[i] for i in batch) * len(batch)
        assert padded <= budget or len(batch) == 1


def test_longest_batch_comes_first():
    assert plan_batches([5, 9, 1, 7], 16) == [[1], [3, 0], [2]]
    assert plan_batches([], 10) == []


@pytest.mark.parametrize("needed", [0, 1, 32, 33, 100, 1000])
def test_limit_leaves_room_and_keeps_to_positions(needed):
    limit = output_limit(needed, 50, None)
    assert needed + 32 <= limit < needed + 32 + 64 and limit % 64 == 0
    assert output_limit(needed, 50, 100) == min(limit, 50)
    assert output_limit(needed, 120, 100) == -20
