import gzip
import json
import random
import subprocess
import sys
from pathlib import Path

import pytest
import spacy
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from spacy.tokens import DocBin

SCRIPTS = Path(__file__).parents[2] / "project" / "scripts" / "default_model"
sys.path.insert(0, str(SCRIPTS))

from export import add, average, read, write  # noqa: E402
from make_data import join_hyphens, pick, thin_empty  # noqa: E402
from masters import Masters  # noqa: E402
from prompts import (  # noqa: E402
    MAX_LABELS,
    OpenLabels,
    Sentence,
    closed_prompt,
    open_prompt,
    relabel,
)
from selection import LICENSE_ARGUED, PARTIAL, TOO_CLOSE, ZERO_SHOT, decide  # noqa: E402
from wordings import KIN, WIDER, WIDER_OF, aside, beside, widen  # noqa: E402

LABELS = ["person", "city", "band", "film director", "dish", "year", "novel", "river"]


@st.composite
def sentences(draw: st.DrawFn) -> Sentence:
    spans = draw(
        st.lists(st.tuples(st.sampled_from(["O", *LABELS]), st.integers(1, 3)), max_size=8)
    )
    tags = []
    for label, length in spans:
        tags += ["O"] * length if label == "O" else [f"B-{label}"] + [f"I-{label}"] * (length - 1)
    words = draw(
        st.lists(
            st.sampled_from(["Paris", "the", "U.S.", ",", "x-ray", "7", "-"]),
            min_size=len(tags),
            max_size=len(tags),
        )
    )
    return Sentence(words, tags, "silver")


def assert_well_formed(sentence: Sentence, prompt: list[str]) -> None:
    assert len(sentence.words) == len(sentence.tags)
    assert len(prompt) == len(set(prompt)) <= MAX_LABELS + len(sentence.present)
    assert set(sentence.present) <= set(prompt)


@settings(deadline=None, max_examples=150)
@given(st.lists(sentences(), min_size=1, max_size=6), st.integers(0, 99))
def test_open_prompt_asks_for_every_label_of_the_tags(rows: list[Sentence], seed: int) -> None:
    labels = OpenLabels(rows)
    rng = random.Random(seed)
    if not labels.all or not labels.common:
        labels.all = labels.common = LABELS
    for row in rows:
        changed, prompt = open_prompt(row, labels, rng)
        assert_well_formed(changed, prompt)
        assert changed.words == row.words
        assert all(a == "O" for a, b in zip(changed.tags, row.tags, strict=True) if b == "O")


@settings(deadline=None, max_examples=150)
@given(sentences(), st.integers(0, 99))
def test_no_label_is_left_out_beside_its_wider_term(row: Sentence, seed: int) -> None:
    changed, labels, taken = relabel(row, random.Random(seed), dropout=0.9)
    assert set(changed.present) <= set(labels) <= taken
    pairs = zip(row.tags, changed.tags, strict=True)
    left_out = {before[2:] for before, after in pairs if after == "O" != before}
    assert len(left_out) <= 1
    assert not {WIDER_OF.get(label) for label in left_out} & set(labels)


@example({"author", "historian", "naturalist", "actor", "king"}, 0)
@settings(deadline=None, max_examples=1000)
@given(st.sets(st.sampled_from(sorted(WIDER_OF)), max_size=12), st.integers(0, 99))
def test_no_kind_is_widened_where_its_kin_stays(labels: set[str], seed: int) -> None:
    names = widen(sorted(labels), random.Random(seed), 1.0)
    assert set(names) == labels
    for kind in (label for label, name in names.items() if name == label):
        widened = {label for label, name in names.items() if name == WIDER_OF[kind]}
        assert not any({kind, label} <= kin for label in widened for kin in KIN)


@given(st.sets(st.sampled_from(sorted(WIDER_OF)), max_size=8), st.integers(0, 99))
def test_narrow_kinds_beside_a_wider_term_are_no_kin_of_what_is_there(
    labels: set[str], seed: int
) -> None:
    rng = random.Random(seed)
    names = widen(sorted(labels), rng, 0.7)
    narrow = aside(names, rng, 1.0)
    assert {WIDER_OF[kind] for kind in narrow} <= set(names.values())
    assert not any({kind, label} <= kin for kind in narrow for label in labels for kin in KIN)
    assert not set(narrow) & labels
    # Where something got the wider term, kinds that it is not are asked for as well.
    assert bool(narrow) == any(label != name for label, name in names.items())


def test_unsafe_labels_are_asked_for_where_they_surely_name_nothing() -> None:
    query = Sentence("films with tom hanks".split(), ["O", "O", "B-actor", "I-actor"], "silver")
    assert query.absent_though_unsafe() == {"title", "year"}
    named = Sentence("is big from 1988".split(), ["O", "B-movie title", "O", "O"], "silver")
    assert named.absent_though_unsafe() == set()
    untagged = Sentence(
        "Was Alien by Scott ?".split(), ["O", "O", "O", "B-director", "O"], "silver"
    )
    assert untagged.absent_though_unsafe() == {"year"}


def test_wider_terms_stand_beside_narrow_ones_that_kept_their_names() -> None:
    rng = random.Random(0)
    assert beside({"poet": "writer", "city": "city"}, rng, 1.0) == ["location", "person"]
    assert beside({"poet": "person", "king": "king"}, rng, 1.0) == []
    assert {kind for kin in KIN for kind in kin} <= set(WIDER_OF)
    assert not set(WIDER) & set(WIDER_OF)


@settings(deadline=None, max_examples=150)
@given(sentences(), st.integers(0, 99))
def test_closed_prompt_never_merges_two_labels(row: Sentence, seed: int) -> None:
    changed, prompt = closed_prompt(row, LABELS, random.Random(seed))
    assert_well_formed(changed, prompt)
    left_out = len(row.present) - len(changed.present)
    assert left_out == 0 or (left_out == 1 and len(row.present) > 2)


@settings(deadline=None, max_examples=150)
@given(sentences())
def test_lowering_keeps_entities(row: Sentence) -> None:
    lowered = row.lowered()
    assert [t for t in lowered.tags if t != "O"] == [t for t in row.tags if t != "O"]


@settings(deadline=None, max_examples=150)
@given(sentences(), st.randoms(use_true_random=False))
def test_joining_hyphens_keeps_text_and_tags_in_step(row: Sentence, rng: random.Random) -> None:
    spaces = [rng.random() < 0.5 for _ in row.words]
    words, tags = join_hyphens(row.words, row.tags, spaces)
    assert len(words) == len(tags)
    assert "".join(words) == "".join(row.words)
    assert [t for t in tags if t[:2] == "B-"] == [t for t in row.tags if t[:2] == "B-"]


def test_compounds_are_joined_unless_an_entity_ends_inside() -> None:
    spaces = [False, False, True]
    words = ["state", "-", "owned"]
    assert join_hyphens(words, ["O", "O", "O"], spaces) == (["state-owned"], ["O"])
    assert join_hyphens(words, ["B-x", "O", "O"], spaces)[0] == ["state", "-owned"]


@pytest.mark.parametrize("name", sorted(ZERO_SHOT | TOO_CLOSE | PARTIAL))
def test_excluded_sets_are_excluded_whatever_their_license(name: str) -> None:
    assert not decide(name, "MIT", True).taken


@pytest.mark.parametrize(
    "license",
    ["CC-BY-NC-SA 4.0", "not stated", "GPL-3.0 (repo)", "research only", "LDC", "CC BY-NC"],
)
def test_licenses_that_forbid_shipping(license: str) -> None:
    assert not decide("any set", license, True).taken


@pytest.mark.parametrize("license", ["MIT", "CC-BY-SA-4.0", "Apache-2.0 (repo)", "CC0"])
def test_free_licenses(license: str) -> None:
    assert decide("any set", license, True).taken
    assert not decide("any set", license, False).taken
    assert all(decide(name, "not stated", True).taken for name in LICENSE_ARGUED)


def test_sentences_without_entities_are_thinned() -> None:
    full, empty = Sentence(["a"], ["B-x"], "s"), Sentence(["a"], ["O"], "s")
    kept = thin_empty([full] * 9 + [empty] * 9, 0.1)
    assert (kept.count(full), kept.count(empty)) == (9, 1)


def test_rare_labels_are_picked_first() -> None:
    common = [Sentence(["w"] * 5, ["B-x"] + ["O"] * 4, "s") for _ in range(100)]
    rare = Sentence(["w"] * 5, ["B-rare"] + ["O"] * 4, "s")
    chosen = pick([*common, rare], 24, random.Random(0))
    assert len(chosen) == 24 and rare in chosen


def test_masters_follow_small_steps_that_bfloat16_would_lose() -> None:
    model = torch.nn.Linear(2, 2, bias=False)
    torch.nn.init.ones_(model.weight)
    masters = Masters(model, half=True)
    assert model.weight.dtype == torch.bfloat16
    for _ in range(2):
        model(torch.ones(1, 2, dtype=torch.bfloat16)).sum().backward()
        masters.collect()
    assert model.weight.grad is None
    (master,) = masters.masters
    assert master.grad is not None and master.grad.tolist() == [[2.0, 2.0], [2.0, 2.0]]
    with torch.no_grad():
        for _ in range(16):
            master -= 0.001
    masters.publish()
    assert model.weight[0, 0].item() == pytest.approx(0.984, abs=0.004)


def test_data_are_written_without_the_benchmark(tmp_path: Path) -> None:
    index = []
    for name, license in (("good", "MIT"), ("mit_movie", "MIT"), ("closed", "CC-BY-NC 4.0")):
        folder = tmp_path / "data" / "gold" / name
        folder.mkdir(parents=True)
        line = {"words": f"Ann of {name} sang".split(), "labels": ["B-person", "O", "O", "O"]}
        with gzip.open(folder / "train.jsonl.gz", "wt", encoding="utf8") as file:
            file.write(json.dumps(line) + "\n")
            if name == "good":
                smuggled = {**line, "words": "Ann of mit_movie Sang".split()}
                file.write(json.dumps(smuggled) + "\n")
        entry = {"name": name, "licence": license, "domain": "d", "sentences": {"train": 1}}
        index.append({**entry, "labels": {"person": 1}})
    (tmp_path / "data" / "gold" / "index.json").write_text(json.dumps(index), encoding="utf8")
    silver = tmp_path / "data" / "silver"
    silver.mkdir()
    line = "[Ann](singer) of [Rome](city) sang [Vita](song) again .\n"
    (silver / "part-1.txt").write_text(line * 8, encoding="utf8")
    output = tmp_path / "out"
    command = [sys.executable, str(SCRIPTS / "make_data.py"), "--data", str(tmp_path / "data")]
    command += ["--output", str(output), "--report", str(tmp_path / "data.md")]
    subprocess.run(command, check=True, capture_output=True)
    with gzip.open(output / "prompts.jsonl.gz", "rt", encoding="utf8") as file:
        lines = [json.loads(text) for text in file]
    assert {line["source"] for line in lines} == {"good", "silver"}
    docs = list(DocBin().from_disk(output / "train.spacy").get_docs(spacy.blank("en").vocab))
    texts = {doc.text for doc in docs}
    assert any("good" in text for text in texts)
    assert not any("mit_movie" in text.lower() or "closed" in text for text in texts)
    report = (tmp_path / "data.md").read_text(encoding="utf8")
    assert "| good |" in report and "| closed | license: CC-BY-NC 4.0 |" in report


def test_two_adapters_become_one_that_adds_the_same(tmp_path: Path) -> None:
    torch.manual_seed(0)
    name = "base_model.model.layer.lora_{}.weight"
    deltas = torch.zeros(5, 4)
    adapters = []
    for rank, alpha in ((2, 4.0), (3, 3.0)):
        a, b = torch.randn(rank, 4), torch.randn(5, rank)
        deltas += alpha / rank * b @ a
        config = {"r": rank, "lora_alpha": alpha, "target_modules": ["layer"]}
        adapters.append((config, {name.format("A"): a, name.format("B"): b}))
    config, weights = add(*adapters)
    write(tmp_path, config, weights, "1.0")
    config, weights = read(tmp_path)
    both = (
        config["lora_alpha"] / config["r"] * weights[name.format("B")] @ weights[name.format("A")]
    )
    assert torch.allclose(both, deltas, atol=0.02)
    with safe_open(tmp_path / "adapter_model.safetensors", "pt") as file:
        assert file.metadata()["version"] == "1.0"


def test_average_of_adapters_is_half_way() -> None:
    config = {"r": 1, "lora_alpha": 2}
    name = "x.lora_A.weight"
    first, second = ((config, {name: torch.tensor([value])}) for value in (1.0, 4.0))
    assert average(first, second) == (config, {name: torch.tensor([2.5])})
    assert average(first, first) == first
    for other in ({**config, "r": 2}, {**config, "lora_alpha": 3}):
        with pytest.raises(ValueError, match="One adapter has"):
            average(first, (other, second[1]))


def test_adapters_of_different_layers_are_refused() -> None:
    config = {"r": 1, "lora_alpha": 1}
    with pytest.raises(ValueError, match="different layers"):
        add((config, {"x.lora_A.weight": torch.ones(1)}), (config, {}))
