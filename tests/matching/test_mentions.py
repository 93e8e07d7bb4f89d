import pytest

from spacy_gner.matching import LCSMatcher, Matching, occurrences

WORDS = "The Bank of China , the bank of Mary Smith - Jones in China".split()


@pytest.mark.parametrize(
    "mention, expected",
    [
        ("China", [(3, 4), (13, 14)]),
        ("bank  of", [(1, 3), (6, 8)]),
        ("Smith-Jones", [(9, 12)]),
        ("ank of China", []),  # no whole words
        ("India", []),
        (" ", []),
    ],
)
def test_occurrences_are_whole_words(mention, expected):
    assert occurrences(WORDS, mention) == expected


def test_occurrences_may_overlap():
    assert occurrences(["a", "a", "a"], "a a") == [(0, 2), (1, 3)]


def test_occurrences_of_what_the_tokenizer_makes_of_words():
    def without_e(words):
        return [word.replace("ë", "") for word in words]

    words = ["Emily", "Brontë", "ë", "wrote"]
    assert occurrences(words, "Emily Bront", without_e) == [(0, 2)]
    assert occurrences(words, "Emily Brontë", without_e) == [(0, 2)]
    assert occurrences(words, "Emily Bront") == []
    off = Matching(LCSMatcher(back_tokenize=False), without_e)
    assert off.mentions(words, "Emily Bront") == []
    assert Matching(LCSMatcher(), without_e).mentions(words, "Emily Bront") == [(0, 2)]
