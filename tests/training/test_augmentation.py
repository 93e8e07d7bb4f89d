import json
import os
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_gner.formats import BIO, LabelSet
from spacy_gner.training.augmentation import Augmentation, as_query
from spacy_gner.training.pairs import TrainingPair, gold_pair

from ..models import WORDS
from .examples import LABELS, example_of

POOL = ("person", "river", "mountain range", "film", "song", "book", "chess opening")


@st.composite
def pairs(draw):
    words = draw(st.lists(st.sampled_from(WORDS), min_size=1, max_size=12))
    tags = draw(
        st.lists(st.sampled_from(["O", None, *LABELS]), min_size=len(words), max_size=len(words))
    )
    spelled, before = [], None
    for tag in tags:
        if tag in (None, "O"):
            spelled.append(tag)
        else:
            spelled.append(f"{'I' if tag == before else 'B'}-{tag}")
        before = tag
    labels = draw(st.permutations(LABELS))
    return TrainingPair(tuple(words), tuple(spelled), tuple(labels), "set", draw(st.booleans()))


@settings(max_examples=200)
@given(
    pairs(),
    st.integers(0, 1000),
    st.sampled_from([None, (0, 0), (0, 2), (3, 9)]),
    st.floats(0, 1),
    st.sampled_from([0.0, 1.0]),
)
def test_augmentation_laws(pair, seed, external, dropout, lower):
    augmentation = Augmentation(
        external_labels=external, label_dropout=dropout, lower_case=lower, seed=seed
    )
    augmentation.observe(POOL)
    changed = augmentation(pair)
    # Every label in the tags is asked for, once, and something is asked for.
    assert changed.present <= set(changed.wordings)
    assert len(set(changed.wordings)) == len(changed.wordings) >= 1
    assert len(changed.words) == len(changed.tags) >= 1
    if not pair.is_open:
        assert set(changed.wordings) <= set(pair.wordings)
    if not lower:
        assert changed.words == pair.words
    # What is not annotated stays so, and no entity appears that was not there.
    assert changed.tags.count(None) <= pair.tags.count(None)
    if not lower:
        assert set(changed.spans()) <= set(pair.spans())
    # Tags are well-formed.
    assert all(
        BIO().may_follow(before or "O", tag or "O")
        for before, tag in zip(("O", *changed.tags), changed.tags, strict=False)
    )
    assert changed.dataset is None


def test_augmentation_repeats_with_its_seed():
    pair = gold_pair(
        example_of("Marie in Paris", "B-person O B-city").reference, LabelSet.make(LABELS)
    )
    runs = []
    for seed in (1, 1, 2):
        augmentation = Augmentation(external_labels=[0, 1], label_dropout=0.3, seed=seed)
        runs.append([augmentation(pair) for _ in range(20)])
    assert runs[0] == runs[1] != runs[2]


def pair_of(**kwargs):
    values = {
        "words": ("Marie", "in", "Paris", "."),
        "tags": ("B-person", "O", "B-city", "O"),
        "wordings": ("person", "city"),
    }
    return TrainingPair(**(values | kwargs))


def test_augmentation_order_of_labels():
    shuffled = {Augmentation(seed=i)(pair_of()).wordings for i in range(20)}
    assert shuffled == {("person", "city"), ("city", "person")}
    fixed = {Augmentation(shuffle_labels=False, seed=i)(pair_of()).wordings for i in range(20)}
    assert fixed == {("person", "city")}


def test_augmentation_external_labels_of_open_inventories():
    augmentation = Augmentation(external_labels=[3, 3])
    augmentation.observe([*POOL, "famous person"])
    for _ in range(30):
        labels = augmentation(pair_of(is_open=True)).wordings
        assert len(labels) == 5
        # "famous person" may be true of what is annotated as "person".
        assert "famous person" not in labels
    # Labels of open pairs are learnt as they come, where nobody observed before.
    fresh = Augmentation(external_labels=[1, 1])
    fresh(pair_of(is_open=True, wordings=("river",), tags=("O", "O", "B-river", "O")))
    assert "river" in fresh(pair_of(is_open=True)).wordings


def test_augmentation_external_labels_of_closed_inventories():
    many = pair_of(wordings=("person", "city", *(f"x{i}" for i in range(10))))
    augmentation = Augmentation(external_labels=[2, 4])
    sizes = {len(augmentation(many).wordings) for _ in range(60)}
    assert sizes == {4, 5, 6}
    assert len(Augmentation()(many).wordings) == 12


def test_augmentation_label_dropout():
    augmentation = Augmentation(label_dropout=0.5)
    seen = {
        (changed.present == set(changed.wordings), len(changed.wordings))
        for changed in (augmentation(pair_of()) for _ in range(60))
    }
    assert {(True, 1), (True, 2)} == seen
    changed = Augmentation(label_dropout=1.0)(pair_of(wordings=("person", "city", "award")))
    assert changed.wordings == ("award",)
    assert changed.tags == ("O", "O", "O", "O")


def test_augmentation_queries():
    pair = TrainingPair(
        ("The", "``", "New", "-", "York", "''", "Times", "."),
        ("O", "B-x", "I-x", "I-x", "I-x", "O", "B-x", "O"),
        ("x",),
    )
    query = as_query(pair)
    assert query.words == ("the", "new", "york", "times")
    assert query.tags == ("O", "B-x", "I-x", "B-x")
    only_marks = TrainingPair((".", "!"), ("O", "O"), ("x",))
    assert as_query(only_marks) is only_marks
    # Two entities that a mark kept apart stay two.
    apart = TrainingPair(("A", ",", "B"), ("B-x", "O", "B-x"), ("x",))
    assert as_query(apart).tags == ("B-x", "B-x")


def test_augmentation_synonyms(tmp_path):
    (tmp_path / "synonyms.json").write_text(json.dumps({"person": ["human", "city"]}))
    augmentation = Augmentation(
        synonyms=tmp_path / "synonyms.json", synonym_rate=1.0, shuffle_labels=False
    )
    changed = augmentation(pair_of())
    # "city" is taken by another label of the prompt.
    assert changed.wordings == ("human", "city")
    assert changed.tags == ("B-human", "O", "B-city", "O")


def test_augmentation_dataset_line():
    assert Augmentation()(pair_of(dataset="news")).dataset is None
    assert Augmentation(dataset_line=1.0)(pair_of(dataset="news")).dataset == "news"


@pytest.mark.parametrize(
    "wrong, code",
    [
        ({"label_dropout": 1.5}, "E504"),
        ({"lower_case": -0.1}, "E504"),
        ({"external_labels": [3, 1]}, "E504"),
        ({"external_labels": [1]}, "E504"),
        ({"synonyms": "no/such/file.json"}, "E504"),
        ({"synonyms": {"a": "b"}}, "E504"),
        ({"synonyms": {"a": ["b(c)"]}}, "E003"),
    ],
)
def test_augmentation_wrong_settings(wrong, code):
    with pytest.raises(ValueError, match=code):
        Augmentation(**wrong)


DRAWN_IN_A_NEW_PROCESS = """
from spacy_gner.training.augmentation import Augmentation
from spacy_gner.training.pairs import TrainingPair
augmentation = Augmentation(external_labels=[4, 4], seed=0)
for i in range(20):
    augmentation.observe([f"label {3 * i + j}" for j in range(3)])
print(augmentation(TrainingPair(("word",), ("O",), ("label 0",), None, True)).wordings)
"""


def test_external_labels_do_not_depend_on_the_hashing_of_strings():
    outputs = set()
    for seed in ("1", "2"):
        result = subprocess.run(
            [sys.executable, "-c", DRAWN_IN_A_NEW_PROCESS],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        outputs.add(result.stdout)
    assert len(outputs) == 1 and "label" in outputs.pop()
