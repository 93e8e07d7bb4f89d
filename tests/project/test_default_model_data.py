import gzip
import json
import random
import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

SCRIPTS = Path(__file__).parents[2] / "project" / "scripts" / "default_model"
sys.path.insert(0, str(SCRIPTS))

from contrasts import contrast_prompt, narrowed_prompt, read_contrasts  # noqa: E402
from definitions import define, names_any  # noqa: E402
from dev import dev_texts, write_wide  # noqa: E402
from graded import GradedTypes, chains, graded_prompt  # noqa: E402
from overlap import shared_runs  # noqa: E402
from passages import join_hyphens, read_passages, text_of  # noqa: E402
from prompts import (  # noqa: E402
    MAX_LABELS,
    OpenLabels,
    Sentence,
    closed_prompt,
    open_prompt,
    relabel,
)
from report import report  # noqa: E402
from selection import LICENSE_ARGUED, PARTIAL, TOO_CLOSE, ZERO_SHOT, decide  # noqa: E402
from stream import ASSETS, KINDS, Stream, dev_numbers  # noqa: E402
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


@settings(max_examples=150)
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


@settings(max_examples=150)
@given(sentences(), st.integers(0, 99))
def test_no_label_is_left_out_beside_its_wider_term(row: Sentence, seed: int) -> None:
    changed, labels, taken = relabel(row, random.Random(seed), dropout=0.9)
    assert set(changed.present) <= set(labels) <= taken
    pairs = zip(row.tags, changed.tags, strict=True)
    left_out = {before[2:] for before, after in pairs if after == "O" != before}
    assert len(left_out) <= 1
    assert not {WIDER_OF.get(label) for label in left_out} & set(labels)


@example({"author", "historian", "naturalist", "actor", "king"}, 0)
@settings(max_examples=1000)
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


@settings(max_examples=150)
@given(sentences(), st.integers(0, 99))
def test_closed_prompt_never_merges_two_labels(row: Sentence, seed: int) -> None:
    changed, prompt = closed_prompt(row, LABELS, random.Random(seed))
    assert_well_formed(changed, prompt)
    left_out = len(row.present) - len(changed.present)
    assert left_out == 0 or (left_out == 1 and len(row.present) > 2)


@settings(max_examples=150)
@given(sentences())
def test_lowering_keeps_entities(row: Sentence) -> None:
    lowered = row.lowered()
    assert [t for t in lowered.tags if t != "O"] == [t for t in row.tags if t != "O"]


@settings(max_examples=150)
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


GRADED = [
    Sentence(
        "Ann met Bob and Cid in Rome".split(),
        ["B-poet|writer|person", "O", "B-person", "O", "B-king|person", "O", "B-city|location"],
        "graded",
    ),
    Sentence("Dee ruled Spain".split(), ["B-queen|person", "O", "B-country|location"], "graded"),
    Sentence("a pie".split(), ["O", "B-dish"], "graded"),
    Sentence("Eve paints".split(), ["B-painter|person", "O"], "graded"),
]


@settings(max_examples=200)
@given(st.sampled_from(GRADED), st.integers(0, 999))
def test_mention_gets_the_narrowest_type_that_is_asked_for(row: Sentence, seed: int) -> None:
    types = GradedTypes(GRADED)
    changed, labels = graded_prompt(row, types, random.Random(seed))
    assert len(labels) == len(set(labels)) <= MAX_LABELS
    for before, after in zip(row.tags, changed.tags, strict=True):
        asked = [t for t in before[2:].split("|") if t in labels]
        assert after == (before[:2] + asked[0] if asked else "O")
    in_use = {t for chain in chains(row) for t in chain}
    for label in set(labels) - in_use:
        # A type that is not in use names nothing for sure only if it is no wide one.
        assert not types.under(label)


def test_wide_type_is_asked_for_beside_one_narrow_one_or_some_that_are_untrue() -> None:
    types = GradedTypes(GRADED)
    untrue_beside = partial = 0
    for seed in range(200):
        changed, labels = graded_prompt(GRADED[0], types, random.Random(seed))
        if "person" in labels and set(labels) & {"queen", "painter"}:
            untrue_beside += 1
            assert not set(changed.present) & {"queen", "painter"}
        partial += {"person", "king"} <= set(changed.present)
    assert untrue_beside > 20 and partial > 20
    # A queen is kin to a king, and "writer" is wide itself.
    found = types.untrue("person", {"king", "person"}, 9, random.Random(0))
    assert set(found) == {"poet", "painter"}


def test_definition_stands_beside_its_label_or_explains_a_name_that_does_not_tell() -> None:
    row = Sentence(["Rome", "fell"], ["B-city", "O"], "s")
    texts = {"city": ["a town such as Oslo", "a town such as Rome"], "river": ["running water"]}
    types = GradedTypes([Sentence(["Oslo"], ["B-city|place"], "s")])
    names = Counter()
    for seed in range(200):
        changed, labels, found = define(row, ["river", "city"], texts, types, random.Random(seed))
        assert set(found) <= set(labels) and len(labels) == 2
        assert not any("Rome" in text for text in found.values())
        assert changed.tags[0] == f"B-{labels[1]}"
        assert labels[1] == "city" or found[labels[1]] == "a town such as Oslo"
        names[labels[1].split()[0]] += 1
    assert set(names) == {"city", "place", "type"} and names["city"] > 100
    # A name that stands in the prompt already is not given twice.
    for seed in range(50):
        _, labels, _ = define(row, ["place", "city"], texts, types, random.Random(seed))
        assert len(set(labels)) == 2
    assert define(row, ["boat"], texts, types, random.Random(0)) == (row, ["boat"], {})


def test_examples_are_found_whatever_their_case() -> None:
    assert names_any("a town such as Rome, or Paris", ["in", "rome"])
    assert not names_any("Towns and the like", ["towns"])


def tagged(sentence: Sentence) -> dict[str, str]:
    return {w: t for w, t in zip(sentence.words, sentence.tags, strict=True) if t != "O"}


def test_definition_decides_what_an_ambiguous_label_names(tmp_path: Path) -> None:
    record = {
        "text": "A LHM-550 lifted two whooping cranes.",
        "label": "crane",
        "definitions": {"a machine": ["LHM-550"], "a bird": ["whooping cranes"], "a stretch": []},
    }
    path = tmp_path / "contrasts.jsonl"
    path.write_text(json.dumps(record) + "\n", encoding="utf8")
    ((joined, split),) = read_contrasts(path)
    assert joined.sentence.words == ["A", "LHM-550", "lifted", "two", "whooping", "cranes", "."]
    assert split.sentence.words[1:4] == ["LHM-550", "lifted", "two"]
    machine, bird = {"LHM-550"}, {"whooping", "cranes"}
    named = {"a machine": machine, "a bird": bird, "a stretch": set()}
    seen = Counter()
    for seed in range(200):
        changed, labels, texts = contrast_prompt(joined, random.Random(seed))
        found = tagged(changed)
        assert set(found) == set().union(*(named[d] for d in texts.values())) or not texts
        for word, tag in found.items():
            if texts:
                assert word in named[texts[tag[2:]]]
        assert set(texts) == set(labels) or (labels == ["crane"] and set(found) == machine | bird)
        seen[tuple(sorted(label.split()[0] for label in labels)), len(texts)] += 1
    kinds = [(("crane",), 0), (("crane",), 1), (("type",), 1), (("crane", "type"), 2)]
    assert set(seen) == set(kinds) and seen[kinds[1]] > 100


@pytest.mark.parametrize("name", ["LHM", "crane", "lifted"])
def test_names_that_do_not_stand_in_the_text_once_are_refused(tmp_path: Path, name: str) -> None:
    record = {"text": "LHMs lifted and lifted.", "label": "x", "definitions": {"d": [name]}}
    path = tmp_path / "contrasts.jsonl"
    path.write_text(json.dumps(record) + "\n", encoding="utf8")
    with pytest.raises(ValueError, match=f"'{name}' is not once in"):
        read_contrasts(path)


def test_contrasts_of_the_project_share_no_homonym_with_the_sentences_that_test_them() -> None:
    learned, tested = (
        [json.loads(line) for line in (ASSETS / name).read_text(encoding="utf8").splitlines()]
        for name in ("contrasts.jsonl", "definitions.jsonl")
    )
    assert len(read_contrasts(ASSETS / "contrasts.jsonl")) == len(learned) > 600
    homonyms = {record["label"] for record in tested if record["kind"] == "homonym"}
    assert len(homonyms) > 40 and not homonyms & {record["label"] for record in learned}
    texts = [record["text"] for record in [*learned, *tested]]
    assert len(set(texts)) == len(texts) > 700


def test_wide_label_with_a_narrow_definition_names_what_this_defines() -> None:
    types = GradedTypes(GRADED)
    texts = {"poet": ["who writes verse"], "king": ["who rules"], "painter": ["who paints"]}
    seen = Counter()
    for seed in range(300):
        prompt = narrowed_prompt(GRADED[0], types, texts, random.Random(seed))
        if prompt is None:
            continue
        changed, labels, found = prompt
        ((wide, definition),) = found.items()
        assert wide == "person" and set(changed.present) <= set(labels)
        persons = {word for word, tag in tagged(changed).items() if tag == "B-person"}
        assert persons == {"who writes verse": {"Ann"}, "who rules": {"Cid"}}.get(definition, set())
        assert not set(labels) & {"poet", "writer", "king"}
        seen[definition] += 1
    assert set(seen) == {"who writes verse", "who rules", "who paints"}
    # Without a definition, and where a wide type has one kind of mention, there is nothing to tell.
    assert narrowed_prompt(GRADED[0], types, {}, random.Random(0)) is None
    assert narrowed_prompt(GRADED[1], types, texts, random.Random(0)) is None


def test_passages_of_the_project_mostly_have_a_name_that_nothing_but_the_wide_type_fits() -> None:
    passages = [split for _, split in read_passages(ASSETS / "graded.txt", "graded")]
    assert len({text_of(passage) for passage in passages}) == len(passages) > 1000
    n_wide_alone = 0
    for passage in passages:
        lines = chains(passage)
        wide = {t for chain in lines for t in chain[1:]}
        # A wide type stands behind its kinds, never before them.
        pairs = {(a, b) for chain in lines for i, a in enumerate(chain) for b in chain[i + 1 :]}
        assert not pairs & {(b, a) for a, b in pairs}
        n_wide_alone += any(chain[0] in wide for chain in lines)
    assert n_wide_alone > 0.75 * len(passages)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    index = []
    for name, license in (("good", "MIT"), ("mit_movie", "MIT"), ("closed", "CC-BY-NC 4.0")):
        folder = tmp_path / "gold" / name
        folder.mkdir(parents=True)
        line = {"words": f"Ann of {name} sang".split(), "labels": ["B-person", "O", "O", "O"]}
        with gzip.open(folder / "train.jsonl.gz", "wt", encoding="utf8") as file:
            file.write(json.dumps(line) + "\n")
            if name == "good":
                smuggled = {**line, "words": "Ann of mit_movie Sang".split()}
                file.write(json.dumps(smuggled) + "\n")
        entry = {"name": name, "licence": license, "domain": "d", "sentences": {"train": 1}}
        index.append({**entry, "labels": {"person": 1}})
    (tmp_path / "gold" / "index.json").write_text(json.dumps(index), encoding="utf8")
    for folder_name, line in (
        ("silver", "[Ann](singer) number {n} of [Rome](city) sang [Vita](song) again .\n"),
        ("silver2", "[Bob](cook|person) number {n} of [Rome](city) met [Cid](person) .\n"),
    ):
        folder = tmp_path / folder_name
        folder.mkdir()
        lines = [line.format(n=n) for n in range(12)]
        (folder / "part-1.txt").write_text("".join(lines), encoding="utf8")
    definitions = "city\ta town\nsong\tmusic with words\n"
    (tmp_path / "silver2" / "definitions.tsv").write_text(definitions, encoding="utf8")
    return tmp_path


def test_stream_is_a_function_of_seed_and_number_without_benchmark_and_dev(data: Path) -> None:
    kept = "ann number 3 of rome sang vita again ."
    stream, again = (Stream(data, {kept}, seed=1) for _ in range(2))
    asked = [stream(i) for i in range(200)]
    assert [again(i) for i in (150, 3, 77)] == [asked[150], asked[3], asked[77]]
    for i in range(0, 200, len(KINDS)):
        assert sorted(a.kind for a in asked[i : i + len(KINDS)]) == sorted(KINDS)
    texts = {text_of(a.sentence).rstrip(" .") for a in asked}
    assert any("good" in text for text in texts)
    assert not any("of mit_movie" in text or "of closed" in text for text in texts)
    assert kept.rstrip(" .") not in texts and kept.replace("3", "4").rstrip(" .") in texts
    for a in asked:
        assert set(a.sentence.present) <= set(a.labels) and set(a.definitions) <= set(a.labels)
    assert any(a.definitions for a in asked)
    passages = [(row, row) for row in GRADED * 40]
    assert dev_numbers(passages) == dev_numbers(passages) != set()


def test_every_passage_is_seen_before_one_is_seen_again(data: Path) -> None:
    stream = Stream(data, (), seed=1)
    numbers = [stream(i) for i in range(120)]
    silver = [a.sentence.words[2] for a in numbers if a.kind == "silver"]
    assert len(silver) == 12 and len(set(silver)) == 12


def test_wide_dev_sentences_are_of_sets_that_are_neither_trained_on_nor_the_benchmark(
    data: Path, tmp_path: Path
) -> None:
    index = json.loads((data / "gold" / "index.json").read_text(encoding="utf8"))
    known = {"words": "Ann of good sang".split(), "labels": ["B-person", "O", "O", "O"]}
    for entry in index:
        entry["sentences"]["test"] = 10
        entry["labels"] = {"person": 3, "city": 2, "song": 1}
        lines = [{**known, "words": ["Ann", "sang", "song", str(n)]} for n in range(9)]
        # What the benchmark has as well is not trained on.
        lines += [] if entry["name"] == "mit_movie" else [known]
        with gzip.open(data / "gold" / entry["name"] / "test.jsonl.gz", "wt") as file:
            file.writelines(json.dumps(line) + "\n" for line in lines)
    (tmp_path / "wide").mkdir()
    write_wide(data, index, tmp_path / "wide")
    assert [path.name for path in (tmp_path / "wide").iterdir()] == ["closed.spacy"]
    texts = dev_texts(tmp_path / "wide")
    assert len(texts) == 9
    assert not any("of good" in text for text in texts)


def test_report_names_what_is_taken_and_why_the_rest_is_not(data: Path) -> None:
    index = json.loads((data / "gold" / "index.json").read_text(encoding="utf8"))
    decisions = {e["name"]: decide(e["name"], e["licence"], True) for e in index}
    page = report(index, decisions)
    assert "| good |" in page and "| closed | license: CC-BY-NC 4.0 |" in page


def test_shared_runs_are_told_by_words_alone() -> None:
    passages = ["One two, three!", "four five", "Six one TWO three four."]
    sentences = [("a", "one two three"), ("b", "two three four , five")]
    assert shared_runs(passages, sentences, 3) == {
        0: [("a", "one two three")],
        2: [("a", "one two three"), ("b", "two three four")],
    }
    assert shared_runs(passages, sentences, 4) == {}
