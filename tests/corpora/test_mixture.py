from collections import Counter

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import Doc, Span
from spacy.training import Example
from thinc.api import Config

from spacy_gner.corpora.corpus import BIOCorpus
from spacy_gner.corpora.mixture import Mixture

NLP = spacy.blank("en")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mixture")
    for name, size in (("a", 30), ("b", 10)):
        lines = [f"{name}{i} B-{name}-label\n" for i in range(size)]
        (folder / f"{name}.bio").write_text("\n".join(lines))
    return folder


@pytest.fixture
def corpora(folder):
    return {name: BIOCorpus(folder / f"{name}.bio") for name in "ab"}


def words(examples):
    return [eg.reference[0].text for eg in examples]


def test_mixture_epochs_are_permutations_and_repeat_with_the_seed(corpora):
    mixture = Mixture(corpora, seed=1)
    epochs = [words(mixture(NLP)) for _ in range(3)]
    assert len({tuple(epoch) for epoch in epochs}) == 3
    assert all(
        sorted(epoch) == sorted([f"a{i}" for i in range(30)] + [f"b{i}" for i in range(10)])
        for epoch in epochs
    )
    again = Mixture(corpora, seed=1)
    assert [words(again(NLP)) for _ in range(3)] == epochs
    assert words(Mixture(corpora, seed=2)(NLP)) != epochs[0]


def test_mixture_without_shuffling_keeps_the_order(corpora):
    mixture = Mixture(corpora, shuffle=False)
    expected = [f"a{i}" for i in range(30)] + [f"b{i}" for i in range(10)]
    assert words(mixture(NLP)) == words(mixture(NLP)) == expected


def test_mixture_cap_samples_from_the_whole_set_and_stays(corpora):
    mixture = Mixture(corpora, cap=8)
    first, second = list(mixture(NLP)), list(mixture(NLP))
    counts = Counter(word[0] for word in words(first))
    assert counts == {"a": 8, "b": 8} and len(set(words(first))) == 16
    assert sorted(words(first)) == sorted(words(second))
    assert any(int(word[1:]) >= 8 for word in words(first) if word[0] == "a")


def test_mixture_cap_sample_is_even(corpora):
    seen = Counter()
    for seed in range(300):
        seen.update(words(Mixture({"b": corpora["b"]}, cap=5, seed=seed)(NLP)))
    # Each of the 10 is expected 150 times; 40 are 4.6 standard deviations.
    assert len(seen) == 10 and all(110 < count < 190 for count in seen.values())


def test_mixture_half_weight_sees_all_in_two_epochs(corpora):
    mixture = Mixture(corpora, weights={"a": 0.5})
    first, second = words(mixture(NLP)), words(mixture(NLP))
    assert Counter(word[0] for word in first) == {"a": 15, "b": 10}
    assert {word for word in first + second if word[0] == "a"} == {f"a{i}" for i in range(30)}


def test_mixture_oversampling(corpora):
    assert Mixture(corpora, weights={"b": 2.5}).shares(NLP) == {"a": 30, "b": 10}
    mixture = Mixture(corpora, weights={"b": 2.5}, oversample=True)
    examples = list(mixture(NLP))
    counts = Counter(words(examples))
    assert {counts[f"b{i}"] for i in range(10)} == {2, 3} and len(examples) == 55
    repeated = [eg for eg in examples if eg.reference[0].text == "b0"]
    assert repeated[0].reference is not repeated[1].reference


def test_mixture_total_is_shared_out(corpora):
    assert Mixture(corpora, total=20).shares(NLP) == {"a": 15, "b": 5}
    assert Mixture(corpora, total=20, weights={"b": 3}).shares(NLP) == {"a": 10, "b": 10}
    assert Mixture(corpora, total=80).shares(NLP) == {"a": 30, "b": 10}
    assert Mixture(corpora, total=80, oversample=True).shares(NLP) == {"a": 60, "b": 20}
    assert Mixture(corpora, weights={"b": 0}).shares(NLP) == {"a": 30, "b": 0}


@given(st.integers(0, 12), st.floats(0, 3), st.floats(0.1, 3), st.integers(0, 60), st.booleans())
@settings(max_examples=100)
def test_mixture_epoch_has_its_shares(folder, cap, weight_a, weight_b, total, oversample):
    mixture = Mixture(
        {name: BIOCorpus(folder / f"{name}.bio") for name in "ab"},
        cap=cap,
        weights={"a": weight_a, "b": weight_b},
        total=total,
        oversample=oversample,
    )
    shares = mixture.shares(NLP)
    for _ in range(2):
        counts = Counter(word[0] for word in words(mixture(NLP)))
        assert counts == Counter(shares)
    if total and oversample:
        assert sum(shares.values()) == total


def test_mixture_names_data_sets_unless_the_reader_did(folder, corpora):
    corpora["b"] = BIOCorpus(folder / "b.bio", dataset="B set")
    for example in Mixture(corpora)(NLP):
        expected = {"a": "a", "b": "B set"}[example.reference[0].text[0]]
        assert example.reference.user_data["gner_dataset"] == expected
        assert example.predicted.user_data["gner_dataset"] == expected
    assert all(
        "gner_dataset" not in eg.reference.user_data
        for eg in Mixture({"a": corpora["a"]}, name_datasets=False)(NLP)
    )


def test_mixture_keeps_inventories_apart_and_knows_their_union(corpora):
    mixture = Mixture(corpora)
    for example in mixture(NLP):
        inventory = [f"{example.reference[0].text[0]}-label"]
        assert example.reference._.gner_labels == example.predicted._.gner_labels == inventory
    assert mixture.labels(NLP) == ["a-label", "b-label"]


def test_mixture_examples_may_be_changed(corpora):
    mixture = Mixture(corpora)
    for example in mixture(NLP):
        example.reference.set_ents([])
        example.predicted._.gner_labels.clear()
    assert all(eg.reference.ents and eg.predicted._.gner_labels for eg in mixture(NLP))


def test_mixture_of_other_readers(corpora):
    def plain(nlp):
        yield from corpora["a"](nlp)

    mixture = Mixture({"plain": plain, "b": corpora["b"]}, cap=8)
    for _ in range(2):
        examples = list(mixture(NLP))
        names = Counter(eg.reference.user_data["gner_dataset"] for eg in examples)
        assert names == {"plain": 8, "b": 8}
        for example in examples:
            assert example.reference.ents and example.predicted._.gner_labels
            example.reference.set_ents([])
            example.predicted._.gner_labels.clear()
    assert mixture.labels(NLP) == ["a-label", "b-label"]


def test_mixture_serves_another_pipeline(corpora):
    mixture, other = Mixture(corpora), spacy.blank("de")
    list(mixture(NLP))
    assert all(eg.reference.vocab is other.vocab for eg in mixture(other))


@pytest.mark.parametrize(
    "settings",
    [
        {"corpora": {}},
        {"corpora": {"a": {"path": "x"}}},
        {"weights": {"c": 1.0}},
        {"weights": {"a": -1.0}},
        {"weights": {"a": 0.0, "b": 0.0}},
        {"cap": -1},
        {"total": -1},
    ],
)
def test_mixture_bad_settings(corpora, settings):
    with pytest.raises(ValueError, match="E214"):
        Mixture(**({"corpora": corpora} | settings))


def test_mixture_resolves_from_config(folder):
    config = Config().from_str(
        f"""
        [corpora]
        [corpora.train]
        @readers = "spacy_gner.Mixture.v1"
        cap = 4
        [corpora.train.weights]
        a = 0.5
        [corpora.train.corpora]
        [corpora.train.corpora.a]
        @readers = "spacy_gner.BIOCorpus.v1"
        path = "{folder}/a.bio"
        [corpora.train.corpora.b]
        @readers = "spacy_gner.BIOCorpus.v1"
        path = "{folder}/b.bio"
        """
    )
    reader = spacy.registry.resolve(config)["corpora"]["train"]
    assert Counter(word[0] for word in words(reader(NLP))) == {"a": 2, "b": 4}


def test_mixture_gives_examples_without_inventory_that_of_their_data_set():
    def reader(*labeled):
        def read(nlp):
            for word, label in labeled:
                reference = Doc(nlp.vocab, words=[word, "here"])
                reference.ents = [Span(reference, 0, 1, label=label)] if label else []
                yield Example(Doc(nlp.vocab, words=[word, "here"]), reference)

        return read

    people = reader(("Ada", "person"), ("nobody", None))
    places = reader(("Rome", "city"), ("Seine", "river"))
    # The cap leaves out a sentence, not the label that only occurs in it.
    mixture = Mixture({"people": people, "places": places}, cap=1, shuffle=False)
    for example, inventory in zip(mixture(NLP), (["person"], ["city", "river"]), strict=True):
        assert example.reference._.gner_labels == example.predicted._.gner_labels == inventory
