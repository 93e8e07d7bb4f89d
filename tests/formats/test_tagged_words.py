import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_gner.formats import BIO, BIOES
from spacy_gner.formats.tagged_words import decode_tags
from spacy_gner.matching import LCSMatcher, Matching

LABELS = ["city", "award winner"]
WORDS = "John explored Tokyo , sampling sushi , and flew back to New York .".split()
SPANS = [(0, 1, "person"), (2, 3, "location"), (11, 13, "location")]


@st.composite
def sentence_spans(draw):
    n_words = draw(st.integers(1, 12))
    spans, at = [], 0
    while at < n_words:
        length = draw(st.integers(1, 3))
        if draw(st.booleans()) and at + length <= n_words:
            spans.append((at, at + length, draw(st.sampled_from(LABELS))))
        at += length
    return n_words, spans


@pytest.mark.parametrize("format", [BIO(), BIOES()])
@settings(max_examples=100)
@given(sentence_spans())
def test_tagged_words_encode_and_decode_are_inverse(format, drawn):
    n_words, spans = drawn
    tags = format.encode(n_words, spans)
    assert decode_tags(tags) == spans
    assert format.may_end(tags[-1])
    assert all(format.may_follow(a, b) for a, b in zip(["", *tags], tags, strict=False))
    words = [f"w{i}(x)" for i in range(n_words)]
    text = format.write(words, spans, LABELS)
    parsed = format.parse(text, LABELS)
    assert [p.word for p in parsed] == words
    assert [p.tag for p in parsed] == tags
    assert format.tagged(words, tags) == (text, parsed)
    assert [span[:3] for span in format.read(text, words, LABELS, Matching(LCSMatcher()))] == spans


def test_tagged_words_target_of_the_paper():
    assert BIO().write(WORDS, SPANS, ["person", "location"]) == (
        "John(B-person) explored(O) Tokyo(B-location) ,(O) sampling(O) sushi(O) ,(O) and(O) "
        "flew(O) back(O) to(O) New(B-location) York(I-location) .(O)"
    )
    assert BIOES().encode(len(WORDS), SPANS)[11:13] == ["B-location", "E-location"]
    assert BIOES().encode(len(WORDS), SPANS)[2] == "S-location"


@pytest.mark.parametrize(
    "tags, spans",
    [
        (["I-city", "I-city"], [(0, 2, "city")]),
        (["O", "I-city", "B-city"], [(1, 2, "city"), (2, 3, "city")]),
        (["B-city", "I-award winner"], [(0, 1, "city"), (1, 2, "award winner")]),
        ([], []),
    ],
)
def test_tagged_words_decode_forgives(tags, spans):
    assert decode_tags(tags) == spans


def test_tagged_words_bio_order():
    assert not BIO().may_follow("O", "I-city")
    assert not BIO().may_follow("", "I-city")
    assert not BIO().may_follow("B-award winner", "I-city")
    assert BIO().may_follow("I-city", "I-city")
    assert not BIOES().may_follow("B-city", "O")
    assert not BIOES().may_end("B-city")
