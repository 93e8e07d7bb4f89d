import random
from dataclasses import replace

import pytest
import torch

from spacy_gner.decoding.exact_search import ExactSearch
from spacy_gner.decoding.packed import PackedLlama, Products, can_pack, rows_are_independent
from spacy_gner.decoding.precision import choose_dtype, decoding_dtype, has_bfloat16, measure_gain

from ..models import build_tiny_causal, build_tiny_seq2seq, request_of

DTYPES = [
    torch.float32,
    pytest.param(
        torch.bfloat16,
        marks=pytest.mark.skipif(not has_bfloat16(), reason="no instructions for bfloat16"),
    ),
]


@pytest.fixture(scope="module")
def model():
    return build_tiny_causal(seed=2, hidden=64).model


def with_dtype(dtype: str):
    """RETURNS (Backbone): A tiny model that decoders run in this precision."""
    backbone = build_tiny_causal(seed=5, hidden=64)
    backbone.settings = replace(backbone.settings, dtype=dtype)
    return backbone


def random_texts(rng: random.Random, n_texts: int) -> list[list[int]]:
    return [[rng.randrange(300) for _ in range(rng.randint(1, 90))] for _ in range(n_texts)]


def run(packed: PackedLlama, texts: list[list[int]]) -> torch.Tensor:
    return packed([packed.new_row(4) for _ in texts], texts)


@torch.inference_mode()
def test_packed_model_computes_what_the_model_computes(model):
    packed = PackedLlama(model, torch.float32)
    texts = random_texts(random.Random(0), 5)
    expected = [model(input_ids=torch.tensor([ids])).logits[0] for ids in texts]
    vocabulary = torch.tensor([3, 7, 250])
    found = packed.logits(run(packed, texts), vocabulary)
    torch.testing.assert_close(found, torch.cat(expected)[:, vocabulary], atol=1e-4, rtol=1e-4)


@torch.inference_mode()
@pytest.mark.parametrize("dtype", DTYPES)
def test_passes_of_many_lengths_have_few_numbers_of_rows(model, dtype, monkeypatch):
    """oneDNN keeps what it has compiled for a number of rows as long as the process lives."""
    numbers = set()
    plain = Products.__call__

    def watched(self, x):
        numbers.add(len(x))
        return plain(self, x)

    monkeypatch.setattr(Products, "__call__", watched)
    packed = PackedLlama(model, dtype)
    for length in range(1, 97):
        run(packed, [list(range(length))])
    assert len(numbers) == (4 if dtype == torch.bfloat16 else 24)


@torch.inference_mode()
def test_packed_model_in_bfloat16_is_close(model):
    texts = random_texts(random.Random(1), 3)
    exact = run(PackedLlama(model, torch.float32), texts)
    close = run(PackedLlama(model, torch.bfloat16), texts)
    assert close.dtype == torch.float32
    assert 0 < (exact - close).abs().mean() < 0.02 * exact.abs().mean()


@torch.inference_mode()
@pytest.mark.parametrize("dtype", DTYPES)
def test_rows_do_not_depend_on_batches_nor_on_how_they_are_split(model, dtype):
    packed, rng = PackedLlama(model, dtype), random.Random(3)
    texts = random_texts(rng, 6)
    alone = [run(packed, [ids]) for ids in texts]
    rows = [packed.new_row(4) for _ in texts]
    found: list[list[torch.Tensor]] = [[] for _ in texts]
    while any(row.length < len(ids) for row, ids in zip(rows, texts, strict=True)):
        some = [i for i, ids in enumerate(texts) if rows[i].length < len(ids)]
        some = rng.sample(some, rng.randint(1, len(some)))
        parts = [texts[i][rows[i].length :][: rng.choice((1, 2, 17, 60))] for i in some]
        states = packed([rows[i] for i in some], parts).split([len(part) for part in parts])
        for i, state in zip(some, states, strict=True):
            found[i].append(state)
    exact = dtype == torch.bfloat16
    for whole, parts in zip(alone, found, strict=True):
        if exact:
            assert torch.equal(whole, torch.cat(parts))
        torch.testing.assert_close(whole, torch.cat(parts), atol=1e-5, rtol=1e-5)


@torch.inference_mode()
def test_branches_see_what_stands_before_them_and_nobody_sees_them(model):
    packed = PackedLlama(model, torch.float32)
    row = packed.new_row(4)
    packed([row], [[5, 6]])
    states = packed([row], [[7, 8, 9]], [[(1, [20, 21]), (3, [22])]])
    straight = run(packed, [[5, 6, 7, 8, 9]])[2:]
    torch.testing.assert_close(states[:3], straight)
    torch.testing.assert_close(states[3:5], run(packed, [[5, 6, 7, 20, 21]])[3:])
    torch.testing.assert_close(states[5:], run(packed, [[5, 6, 7, 8, 9, 22]])[5:])


@torch.inference_mode()
def test_forked_rows_go_on_by_themselves(model):
    packed = PackedLlama(model, torch.float32)
    row = packed.new_row(4)
    packed([row], [[5, 6, 7]])
    fork = row.fork(2)
    packed([row], [[8]])
    torch.testing.assert_close(packed([fork], [[9, 9]]), run(packed, [[5, 6, 9, 9]])[2:])
    torch.testing.assert_close(packed([row], [[10]]), run(packed, [[5, 6, 7, 8, 10]])[4:])


def test_only_plain_llama_is_packed(model):
    from peft import LoraConfig, get_peft_model

    assert can_pack(model)
    assert not can_pack(build_tiny_seq2seq().model)
    with_adapter = get_peft_model(
        build_tiny_causal().model, LoraConfig(target_modules=["q_proj"])
    ).get_base_model()
    assert not can_pack(with_adapter)


def test_precision_follows_settings_and_weights():
    by_itself = with_dtype("auto")
    assert decoding_dtype(by_itself) == choose_dtype()[0]
    assert next(by_itself.model.parameters()).dtype == torch.float32
    assert decoding_dtype(with_dtype("float32")) == torch.float32


def test_precision_is_measured_once_and_a_broken_file_is_measured_again(tmp_path, monkeypatch):
    from spacy_gner.decoding import precision

    monkeypatch.setattr(precision, "cache_directory", lambda: tmp_path / "cache")
    monkeypatch.setattr(precision, "has_bfloat16", lambda: True)
    monkeypatch.setattr(precision, "rows_are_independent", lambda *_: True)
    measured = []

    def choose(gain: float) -> torch.dtype:
        monkeypatch.setattr(precision, "measure_gain", lambda: measured.append(gain) or gain)
        choose_dtype.cache_clear()
        return choose_dtype()[0]

    assert choose(3.0) == torch.bfloat16
    assert choose(1.0) == torch.bfloat16 and measured == [3.0]
    (file,) = (tmp_path / "cache").iterdir()
    file.write_text("[", encoding="utf8")
    assert choose(1.0) == torch.float32 and measured == [3.0, 1.0]
    assert list((tmp_path / "cache").iterdir()) == [file]
    choose_dtype.cache_clear()


def test_processes_that_measure_at_once_choose_the_same_precision(tmp_path, monkeypatch):
    from spacy_gner.decoding import precision

    monkeypatch.setattr(precision, "cache_directory", lambda: tmp_path)
    monkeypatch.setattr(precision, "has_bfloat16", lambda: True)
    monkeypatch.setattr(precision, "rows_are_independent", lambda *_: True)

    def measure_while_another_process_is_done() -> float:
        monkeypatch.setattr(precision, "measure_gain", lambda: 3.0)
        key = f"{precision.platform.machine()} {precision._processor()}, torch {torch.__version__}"
        assert precision._first_known(key) == (3.0, True)
        return 1.0

    monkeypatch.setattr(precision, "measure_gain", measure_while_another_process_is_done)
    choose_dtype.cache_clear()
    assert choose_dtype()[0] == torch.bfloat16
    choose_dtype.cache_clear()


def test_versions_of_torch_that_do_not_tell_have_no_bfloat16(monkeypatch):
    from spacy_gner.decoding import precision

    for name in ("_is_amx_tile_supported", "_is_avx512_bf16_supported"):
        monkeypatch.delattr(torch.cpu, name, raising=False)
    monkeypatch.setattr(precision.platform, "machine", lambda: "x86_64")
    assert not has_bfloat16()


def test_gain_is_a_ratio():
    assert measure_gain() > 0


def test_float32_products_do_not_depend_on_the_number_of_rows():
    assert rows_are_independent(torch.float32, [(96, 64)])


def test_search_in_bfloat16_is_the_same_in_every_batch_to_the_bit():
    if not has_bfloat16():
        pytest.skip("no instructions for bfloat16")
    backbone = with_dtype("bfloat16")
    backbone.model.bfloat16()
    rng = random.Random(7)
    words = ("Ann", "Lee", "sang", "in", "Rome", "(", "New", "York", "IBM", "漢")
    requests = [
        request_of([rng.choice(words) for _ in range(rng.randint(1, 12))]) for _ in range(9)
    ]
    decoder = ExactSearch()
    together = decoder(backbone, requests, 10**6)
    for request, answer in zip(requests, together, strict=True):
        (alone,) = decoder(backbone, [request], 10**6)
        assert (answer.text, answer.scores, answer.log_prob) == (
            alone.text,
            alone.scores,
            alone.log_prob,
        )
