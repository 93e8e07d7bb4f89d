import pickle
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.util import registry

from spacy_gner.matching import LCSMatcher

from .oracle import check_alignment, check_valid, lcs_length, n_matched

VOCABULARY = ["the", "The", "THE", "film", "ë", "e", "Straße", "STRASSE", "", "x"]
sentences = st.lists(st.sampled_from(VOCABULARY), max_size=14)


def folded(x, y):
    return x.casefold() == y.casefold()


def without_e(words):
    """A back tokenizer whose vocabulary lacks "ë" and writes "e" for "x"."""
    return [word.replace("ë", "").replace("x", "e") for word in words]


def either(x, y):
    return folded(x, y) or folded(without_e([x])[0], y)


@settings(max_examples=200)
@given(words=sentences, predicted=sentences)
def test_matcher_finds_a_longest_matching(words, predicted):
    check_alignment(words, predicted, LCSMatcher()(words, predicted), folded)


@settings(max_examples=200)
@given(words=sentences, predicted=sentences)
def test_matcher_finds_a_matching_of_either_form(words, predicted):
    off = LCSMatcher(back_tokenize=False)(words, predicted, without_e)
    check_alignment(words, predicted, off, folded)
    alignment = LCSMatcher()(words, predicted, without_e)
    check_valid(words, predicted, alignment, either)
    assert n_matched(alignment) >= n_matched(off)
    written = {word.casefold() for word in predicted}
    forms = zip(words, without_e(words), strict=True)
    if not any(w != f and {w.casefold(), f.casefold()} <= written for w, f in forms):
        # The output has no word in both its forms.
        assert n_matched(alignment) == lcs_length(words, predicted, either)


ADVERSARIAL = {
    "all equal": (["a"] * 60, ["a"] * 45),
    "alternating": (["a", "b"] * 30, ["b", "a"] * 30),
    "reversed": ([str(i) for i in range(60)], [str(i) for i in reversed(range(60))]),
    "disjoint": (["a"] * 30, ["b"] * 40),
    "one inside": (["a"] * 30 + ["b"] + ["a"] * 30, ["b"] * 40),
    "no words": ([], ["a"]),
    "no output": (["a"], []),
    "nothing": ([], []),
    "more than 64": ([str(i % 7) for i in range(130)], [str(i % 5) for i in range(130)]),
}


@pytest.mark.parametrize("case", ADVERSARIAL)
@pytest.mark.parametrize("swap", [False, True])
@pytest.mark.parametrize("back_tokenizer", [None, without_e, lambda ws: ["b" for _ in ws]])
def test_matcher_finds_a_longest_matching_of_adversarial_pairs(case, swap, back_tokenizer):
    a, b = ADVERSARIAL[case][::-1] if swap else ADVERSARIAL[case]

    def equal(x, y):
        return x == y or (back_tokenizer is not None and back_tokenizer([x])[0] == y)

    alignment = LCSMatcher()(a, b, back_tokenizer)
    check_valid(a, b, alignment, equal)
    assert n_matched(alignment) >= lcs_length(a, b, folded)


@pytest.mark.parametrize("seed", range(10))
def test_matcher_finds_a_longest_matching_of_damaged_sentences(seed):
    rng = random.Random(seed)
    words = [f"Word{rng.randrange(40)}" for _ in range(rng.randrange(1, 150))]
    predicted = []
    for word in words:
        predicted += rng.choice([[word]] * 6 + [[], [word.lower(), word], ["other"]])
    check_alignment(words, predicted, LCSMatcher()(words, predicted), folded)


@pytest.mark.parametrize(
    "words,predicted,expected",
    [
        ("In Paris .", "In Paris .", [0, 1, 2]),
        ("In Paris .", "in PARIS .", [0, 1, 2]),
        # The paper's Table 9: omission, addition, substitution.
        (
            "who directed the film the lorax",
            "who directed the lorax",
            [0, 1, None, None, 2, 3],
        ),
        (
            "the conservative regionalist navarra suma",
            "the conservative regionalist regionalist navarra suma",
            [0, 1, 2, 4, 5],
        ),
        (
            "italian restaurants in manattan have reviews",
            "italian restaurants in manhattan have reviews",
            [0, 1, 2, None, 4, 5],
        ),
        ("terephthalate ( pet ) bottles", "terephthalate ( p e t ) bottles", [0, 1, None, 5, 6]),
        ("of the the last six", "of the last six", [0, None, 1, 2, 3]),
    ],
)
def test_matcher_repairs(words, predicted, expected):
    assert LCSMatcher()(words.split(), predicted.split()) == expected


def test_matcher_takes_any_sequence():
    assert LCSMatcher()(("A", "b"), ["a"]) == [0, None]


def test_matcher_back_tokenizes_only_when_words_lack_a_partner():
    asked = []

    def back_tokenizer(words):
        asked.append(list(words))
        return without_e(words)

    matcher = LCSMatcher()
    assert matcher(["a", "b", "c"], ["A", "b", "c"], back_tokenizer) == [0, 1, 2]
    assert matcher(["a", "b", "c"], ["a", "c"], back_tokenizer) == [0, None, 1]
    assert matcher(["a", "c"], ["a", "b", "c"], back_tokenizer) == [0, 2]
    assert asked == []
    assert matcher(["a", "bë", "c"], ["a", "b", "c"], back_tokenizer) == [0, 1, 2]
    assert asked == [["bë"]]


def test_matcher_is_registered_and_can_be_pickled():
    matcher = registry.misc.get("spacy_gner.LCSMatcher.v1")(back_tokenize=False)
    again = pickle.loads(pickle.dumps(matcher))
    assert again == matcher
    assert again(["ë", "b"], ["", "b"], without_e) == [None, 1]


def test_matcher_of_equal_words_matches_as_many_as_there_are():
    assert n_matched(LCSMatcher()(["a"] * 300, ["a"] * 280)) == 280
