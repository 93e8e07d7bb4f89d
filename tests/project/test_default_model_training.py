import json
import os
import random
import sys
from itertools import islice
from pathlib import Path

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from tests.models import build_tiny_causal

# Compiled loops are for long runs.
os.environ["GNER_NO_COMPILE"] = "1"
SCRIPTS = Path(__file__).parents[2] / "project" / "scripts" / "default_model"
sys.path.insert(0, str(SCRIPTS))

from batch import Batch, collate, parts  # noqa: E402
from export import kept_states, mix, write_adapter, write_merged  # noqa: E402
from llama import ROWS, Llama  # noqa: E402
from prompts import Sentence  # noqa: E402
from rows import OPENINGS, Row, RowEncoder, add_tag_tokens, prompt_text  # noqa: E402
from state import (  # noqa: E402
    ADAPTER_WEIGHTS,
    PARAMETERS,
    Progress,
    average,
    load_adapter,
    load_state,
    save_state,
)
from stream import Asked  # noqa: E402
from train import batches, make_optimizer, rate_at  # noqa: E402

ASKED = [
    Asked(
        Sentence("Marie Curie won in Paris".split(), ["B-person", "I-person", "O", "O", tag], "s"),
        ["person", "city"],
        {},
        "gold",
    )
    for tag in ("B-city", "O")
]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("base")
    backbone = build_tiny_causal(hidden=64)
    backbone.model.save_pretrained(folder)
    backbone.codec.tokenizer.save_pretrained(folder)
    return folder


TOLERANCES = {torch.bfloat16: 0.1, torch.float32: 1e-4}


@pytest.fixture(params=TOLERANCES, ids=str)
def model(base: Path, request: pytest.FixtureRequest) -> Llama:
    tokenizer = build_tiny_causal().codec.tokenizer
    model = Llama(base, add_tag_tokens(tokenizer), rank=2, alpha=4.0, seed=0, dtype=request.param)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, parameter in model.named_parameters().items():
            if ".lora_B." in name:
                parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.1)
    model.publish()
    return model


def encoder() -> RowEncoder:
    tokenizer = build_tiny_causal().codec.tokenizer
    add_tag_tokens(tokenizer)
    return RowEncoder(tokenizer)


def rows(dropout: float = 0.0) -> list[Row]:
    return [encoder()(asked, random.Random(0), dropout) for asked in ASKED]


def make_batch(model: Llama, some: list[Row]) -> Batch:
    return collate(
        some,
        model.n_vocabulary,
        len(OPENINGS),
        model.heads // model.key_heads,
        torch.Generator().manual_seed(0),
    )


def reference(base: Path, model: Llama, folder: Path) -> torch.nn.Module:
    write_merged(folder, base, {k: v.detach() for k, v in model.named_parameters().items()})
    merged: torch.nn.Module = AutoModelForCausalLM.from_pretrained(folder).float().eval()
    return merged


def test_openings_are_tokens_and_rows_spell_the_target() -> None:
    tokenizer = build_tiny_causal().codec.tokenizer
    spelled = add_tag_tokens(tokenizer)
    assert [tokenizer.decode(ids) for ids in spelled] == list(OPENINGS)
    (row, _) = rows()
    target = "Marie(B-person) Curie(I-person) won(O) in(O) Paris(B-city)"
    text = tokenizer.decode(row.ids)
    assert text.endswith(f" [/INST] {target}")
    assert tokenizer(f"{text}", add_special_tokens=False).input_ids == row.ids
    assert row.positions == list(range(len(row.ids)))
    # Tags are all in the loss: what is wanted at a place is what follows there.
    followers = [*row.ids[1:], tokenizer.eos_token_id]
    assert all(followers[w.place] == w.token for w in row.wanted)
    assert sum(w.token in tokenizer.convert_tokens_to_ids(list(OPENINGS)) for w in row.wanted) == 5


def test_definitions_stand_behind_the_labels() -> None:
    asked = Asked(ASKED[0].sentence, ["city", "person"], {"person": "a human being"}, "graded")
    lines = prompt_text(asked).split("\n")
    assert lines[-3:] == [
        "Use the specific entity tags: city, person and O.",
        "person: a human being",
        "Sentence: Marie Curie won in Paris [/INST]",
    ]


def test_logits_are_those_of_transformers(base: Path, model: Llama, tmp_path: Path) -> None:
    merged = reference(base, model, tmp_path)
    some = rows()
    batch = make_batch(model, some)
    found = model.logits(batch).log_softmax(-1).detach()
    start = 0
    for row in some:
        n = len(row.wanted)
        logits = merged(torch.tensor([row.ids])).logits[0, [w.place for w in row.wanted]]
        expected = logits[:, batch.candidates].log_softmax(-1)
        assert torch.allclose(found[start : start + n], expected, atol=TOLERANCES[model.dtype])
        start += n
    assert [batch.candidates[t] for t in batch.targets] == [w.token for r in some for w in r.wanted]


def test_dropped_tags_are_read_as_o_and_their_labels_as_forks(
    base: Path, model: Llama, tmp_path: Path
) -> None:
    merged = reference(base, model, tmp_path)
    (row, _) = rows(dropout=1.0)
    line = row.ids[: row.branches[0].start]
    tokenizer = build_tiny_causal().codec.tokenizer
    add_tag_tokens(tokenizer)
    assert tokenizer.decode(line).endswith("Marie(O) Curie(O) won(O) in(O) Paris(O)")
    batch = make_batch(model, [row])
    found = model.logits(batch).log_softmax(-1).detach()
    assert len(row.branches) == 3
    for branch in row.branches:
        fork = row.ids[: branch.parent + 1] + row.ids[branch.start : branch.end]
        logits = merged(torch.tensor([fork])).logits[0][:, batch.candidates].log_softmax(-1)
        for i, wanted in enumerate(row.wanted):
            if branch.start <= wanted.place < branch.end:
                place = branch.parent + 1 + wanted.place - branch.start
                assert torch.allclose(found[i], logits[place], atol=TOLERANCES[model.dtype])


def test_gradients_are_those_of_autograd(base: Path, model: Llama, tmp_path: Path) -> None:
    some = rows()
    batch = make_batch(model, some)
    model.loss(batch).backward()
    model.collect()
    write_adapter(tmp_path, model.named_parameters(), [400, 401, 402], "2.0")
    plain = AutoModelForCausalLM.from_pretrained(base)
    plain.resize_token_embeddings(403, mean_resizing=False)
    peft = PeftModel.from_pretrained(plain, str(tmp_path), is_trainable=True).float()
    total = torch.zeros(())
    for row in some:
        logits = peft(torch.tensor([row.ids])).logits[0, [w.place for w in row.wanted]]
        targets = torch.tensor([w.token for w in row.wanted])
        columns = {int(token): i for i, token in enumerate(batch.candidates)}
        losses = torch.nn.functional.cross_entropy(
            logits[:, batch.candidates],
            torch.tensor([columns[int(t)] for t in targets]),
            reduction="none",
        )
        total = total + (losses * torch.tensor([w.weight for w in row.wanted])).sum()
    total.backward()
    expected = {
        name.replace(".default.", "."): parameter.grad
        for name, parameter in peft.named_parameters()
        if parameter.grad is not None
    }
    for name, parameter in model.named_parameters().items():
        other = next(
            grad
            for key, grad in expected.items()
            if key == name or (name == ROWS and "trainable_tokens" in key)
        )
        assert parameter.grad is not None
        similarity = torch.nn.functional.cosine_similarity(
            parameter.grad.flatten(), other.flatten(), dim=0
        )
        assert similarity > 0.98, name
        assert parameter.grad.norm() / other.norm() == pytest.approx(1.0, abs=0.05), name


def test_exported_adapter_is_the_merged_model(base: Path, model: Llama, tmp_path: Path) -> None:
    merged = reference(base, model, tmp_path / "merged")
    (tmp_path / "adapter").mkdir()
    write_adapter(tmp_path / "adapter", model.named_parameters(), [400, 401, 402], "2.0")
    plain = AutoModelForCausalLM.from_pretrained(base)
    plain.resize_token_embeddings(403, mean_resizing=False)
    loaded = PeftModel.from_pretrained(plain, str(tmp_path / "adapter")).merge_and_unload()
    ids = torch.tensor([rows()[0].ids])
    assert torch.allclose(loaded(ids).logits, merged(ids).logits, atol=1e-2)
    config = json.loads((tmp_path / "adapter" / "adapter_config.json").read_text())
    assert config["trainable_token_indices"] == [400, 401, 402]
    with pytest.raises(ValueError, match="Not finite"):
        write_adapter(tmp_path, {"x.lora_A.weight": torch.tensor([[1e9]])}, [], "2.0")
    assert (tmp_path / "adapter" / ADAPTER_WEIGHTS).stat().st_mode & 0o044 == 0o044


def test_state_goes_on_where_it_was(base: Path, model: Llama, tmp_path: Path) -> None:
    def update(some: Llama, optimizer: torch.optim.Optimizer) -> None:
        some.loss(make_batch(some, rows())).backward()
        some.collect()
        optimizer.step()
        optimizer.zero_grad()
        some.publish()

    parameters = model.named_parameters()
    optimizer = make_optimizer(parameters, 1e-2, 1e-2)
    update(model, optimizer)
    save_state(tmp_path / "state", parameters, optimizer, Progress(1, 2, 3, 4, 5.0))
    update(model, optimizer)
    tokenizer = build_tiny_causal().codec.tokenizer
    other = Llama(base, add_tag_tokens(tokenizer), rank=2, alpha=4.0, seed=9, dtype=model.dtype)
    loaded = other.named_parameters()
    again = make_optimizer(loaded, 1e-2, 1e-2)
    assert load_state([tmp_path / "state"], loaded, again) == Progress(1, 2, 3, 4, 5.0)
    other.publish()
    update(other, again)
    for name, parameter in parameters.items():
        assert torch.allclose(parameter, loaded[name], atol=1e-3), name
    save_state(tmp_path / "state-100", parameters, None, Progress(100))
    save_state(tmp_path / "state-20", parameters, None, Progress(20))
    assert kept_states(tmp_path / "state") == [tmp_path / "state-20", tmp_path / "state-100"]
    assert {p.name for p in (tmp_path / "state-20").iterdir()} == {PARAMETERS, "progress.json"}
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_runs_that_began_alike_go_on_from_their_mean(model: Llama, tmp_path: Path) -> None:
    parameters = model.named_parameters()
    optimizer = make_optimizer(parameters, 1e-2, 1e-2)
    for name, value in (("a", 1.0), ("b", 4.0)):
        for parameter in parameters.values():
            parameter.data.fill_(value)
            optimizer.state[parameter] = {
                "step": torch.tensor(7.0),
                "exp_avg": torch.full_like(parameter, value),
                "exp_avg_sq": torch.full_like(parameter, 2 * value),
            }
        save_state(tmp_path / name, parameters, optimizer, Progress(7, 7, int(value)))
    folders = [tmp_path / "a", tmp_path / "b"]
    assert load_state(folders, parameters, optimizer) == Progress(7, 7, 1)
    for name, parameter in parameters.items():
        assert torch.equal(parameter, torch.full_like(parameter, 2.5)), name
        state = optimizer.state[parameter]
        assert torch.equal(state["exp_avg"], torch.full_like(parameter, 2.5)), name
        assert torch.equal(state["exp_avg_sq"], torch.full_like(parameter, 5.0)), name
        assert state["step"] == 7


def test_run_begins_with_an_adapter(base: Path, model: Llama, tmp_path: Path) -> None:
    parameters = model.named_parameters()
    with torch.no_grad():
        parameters[ROWS] += 1
    write_adapter(tmp_path, parameters, [400, 401, 402], "2.0")
    spelled = add_tag_tokens(build_tiny_causal().codec.tokenizer)
    begun = Llama(base, spelled, rank=2, alpha=4.0, seed=9).named_parameters()
    load_adapter(tmp_path, begun)
    for name, parameter in parameters.items():
        assert torch.allclose(parameter, begun[name], atol=1e-3), name

    # The adapter of a model without tag tokens says nothing about their rows.
    rows_before = parameters.pop(ROWS)
    write_adapter(tmp_path, parameters, [], "1.2")
    begun = Llama(base, spelled, rank=2, alpha=4.0, seed=9).named_parameters()
    own_rows = begun[ROWS].clone()
    load_adapter(tmp_path, begun)
    assert torch.equal(begun[ROWS], own_rows)
    assert not torch.allclose(own_rows, rows_before)
    with pytest.raises(ValueError, match="no adapter of this rank"):
        load_adapter(tmp_path, Llama(base, spelled, 4, 8.0, 9).named_parameters())


def test_batches_go_on_from_any_number() -> None:
    class Repeated:
        seed = 0

        def __call__(self, i: int) -> Asked:
            return ASKED[i % 2]

    def ids(first: int, n: int) -> list[tuple[int, list[list[int]]]]:
        found = batches(Repeated(), encoder(), 2, first)  # type: ignore[arg-type]
        return [(i, [row.ids for row in batch]) for i, batch in islice(found, n)]

    assert ids(0, 20)[13:] == ids(13, 7)


def test_rate_depends_on_the_update_alone() -> None:
    assert [rate_at(i, 4, 10, 4) for i in (0, 3, 9, 10, 12, 50)] == [0.25, 1, 1, 1, 0.5, 0.02]
    assert rate_at(10**6, 4, None, 1) == 1
    # Matrices of an adapter wait for the rows of tokens that it does not know.
    assert [rate_at(i, 4, 20, 4, 10) for i in (0, 9, 10, 13, 14)] == [0, 0, 0.25, 1, 1]


def test_long_batches_are_computed_in_parts() -> None:
    (row, _) = rows()
    assert [len(part) for part in parts([row] * 5, 2 * len(row.ids))] == [2, 2, 1]
    assert [len(part) for part in parts([row] * 2, 1)] == [1, 1]


def test_mix_goes_a_part_of_the_way_and_leaves_the_rows() -> None:
    state = {"x": torch.tensor([1.0, 2.0]), ROWS: torch.ones(3, 2)}
    other = {"x": torch.tensor([6.0, 2.0]).half()}
    mixed = mix(state, other, 0.2)
    assert mixed["x"].tolist() == [2.0, 2.0]
    assert torch.equal(mixed[ROWS], state[ROWS])
    with pytest.raises(ValueError, match="differ"):
        mix(state, {"x": torch.ones(3)}, 0.2)


def test_average_is_the_mean_of_states_of_one_kind(tmp_path: Path) -> None:
    save_file({"x": torch.tensor([1.0])}, tmp_path / "a")
    save_file({"x": torch.tensor([4.0])}, tmp_path / "b")
    states = [load_file(tmp_path / name) for name in ("a", "b")]
    assert average(states)["x"].tolist() == [2.5]
    with pytest.raises(ValueError, match="differ"):
        average([*states, {"x": torch.ones(2)}])
