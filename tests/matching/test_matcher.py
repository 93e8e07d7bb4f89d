import pickle
import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.util import registry

from spacy_gner.matching import make_lcs_matcher

from .oracle import check_alignment

VOCABULARY = ["the", "The", "THE", "film", "ë", "e", "Straße", "STRASSE", "", "x"]
sentences = st.lists(st.sampled_from(VOCABULARY), max_size=14)


def folded(x, y):
    return x.casefold() == y.casefold()


def without_e(words):
    """A back tokenizer whose vocabulary lacks "ë" and writes "e" for "x"."""
    return [word.replace("ë", "").replace("x", "e") for word in words]


def either(x, y):
    return folded(x, y) or folded(without_e([x])[0], y)


@settings(deadline=None, max_examples=200)
@given(words=sentences, predicted=sentences)
def test_matcher_finds_a_longest_matching(words, predicted):
    check_alignment(words, predicted, make_lcs_matcher()(words, predicted), folded)
    exact = make_lcs_matcher(case_sensitive=True)(words, predicted)
    check_alignment(words, predicted, exact, lambda x, y: x == y)


@settings(deadline=None, max_examples=200)
@given(words=sentences, predicted=sentences)
def test_matcher_finds_a_longest_matching_of_either_form(words, predicted):
    alignment = make_lcs_matcher()(words, predicted, without_e)
    check_alignment(words, predicted, alignment, either)
    off = make_lcs_matcher(back_tokenize=False)(words, predicted, without_e)
    check_alignment(words, predicted, off, folded)


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

    check_alignment(a, b, make_lcs_matcher()(a, b, back_tokenizer), equal)


@pytest.mark.parametrize("seed", range(10))
def test_matcher_finds_a_longest_matching_of_damaged_sentences(seed):
    rng = random.Random(seed)
    words = [f"Word{rng.randrange(40)}" for _ in range(rng.randrange(1, 150))]
    predicted = []
    for word in words:
        predicted += rng.choice([[word]] * 6 + [[], [word.lower(), word], ["other"]])
    check_alignment(words, predicted, make_lcs_matcher()(words, predicted), folded)


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
    assert make_lcs_matcher()(words.split(), predicted.split()) == expected


def test_matcher_takes_any_sequence():
    assert make_lcs_matcher()(("A", "b"), ["a"]) == [0, None]


def test_matcher_without_lcs_matches_by_position():
    matcher = make_lcs_matcher(lcs=False, back_tokenize=False)
    assert matcher(["a", "b", "c"], ["A", "x", "c", "d"]) == [0, None, 2]
    # One omission puts the rest out of step.
    assert matcher(["a", "b", "c", "d"], ["a", "c", "d"]) == [0, None, None, None]
    assert matcher(["ë", "a"], ["", "a"], without_e) == [None, 1]
    assert make_lcs_matcher(lcs=False)(["ë", "a"], ["", "a"], without_e) == [0, 1]
    assert matcher([], ["a"]) == []


def test_matcher_back_tokenizes_only_when_words_lack_a_partner():
    asked = []

    def back_tokenizer(words):
        asked.append(list(words))
        return without_e(words)

    matcher = make_lcs_matcher()
    assert matcher(["a", "b", "c"], ["A", "b", "c"], back_tokenizer) == [0, 1, 2]
    assert matcher(["a", "b", "c"], ["a", "c"], back_tokenizer) == [0, None, 1]
    assert matcher(["a", "c"], ["a", "b", "c"], back_tokenizer) == [0, 2]
    assert asked == []
    assert matcher(["a", "bë", "c"], ["a", "b", "c"], back_tokenizer) == [0, 1, 2]
    assert asked == [["a", "bë", "c"]]


def test_matcher_takes_a_word_over_its_back_tokenized_form_or_either():
    # "x" is back-tokenized to "e"; the output has both, once each.
    assert make_lcs_matcher()(["q", "x", "x"], ["e", "x"], without_e) == [None, 0, 1]
    assert make_lcs_matcher()(["x", "q", "x"], ["x", "e"], without_e) == [0, None, 1]


def test_matcher_is_registered_and_can_be_pickled():
    matcher = registry.misc.get("spacy_gner.LCSMatcher.v1")(case_sensitive=True)
    again = pickle.loads(pickle.dumps(matcher))
    assert again == matcher
    assert again(["A", "b"], ["a", "b"]) == [None, 1]


def test_matcher_of_300_equal_words_takes_less_than_a_millisecond():
    matcher, words, predicted = make_lcs_matcher(), ["a"] * 300, ["a"] * 280
    times = []
    for _ in range(20):
        start = time.perf_counter()
        alignment = matcher(words, predicted)
        times.append(time.perf_counter() - start)
    assert sum(j is not None for j in alignment) == 280
    assert min(times) < 1e-3
