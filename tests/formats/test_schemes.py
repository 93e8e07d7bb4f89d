import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_gner.formats import BIO, BIOES, make_entity_centric

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


@pytest.mark.parametrize("scheme", [BIO(), BIOES()])
@settings(max_examples=100, deadline=None)
@given(sentence_spans())
def test_schemes_encode_and_decode_are_inverse(scheme, drawn):
    n_words, spans = drawn
    tags = scheme.encode(n_words, spans)
    assert scheme.decode(tags) == spans
    assert scheme.may_end(tags[-1])
    assert all(scheme.may_follow(a, b) for a, b in zip(["", *tags], tags, strict=False))
    words = [f"w{i}(x)" for i in range(n_words)]
    parsed = scheme.parse(scheme.target(words, tags), LABELS)
    assert [p.word for p in parsed] == words
    assert [p.tag for p in parsed] == tags


def test_schemes_target_of_the_paper():
    assert BIO().target(WORDS, BIO().encode(len(WORDS), SPANS)) == (
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
def test_schemes_decode_forgives(tags, spans):
    assert BIO().decode(tags) == spans


def test_schemes_bio_order():
    assert not BIO().may_follow("O", "I-city")
    assert not BIO().may_follow("", "I-city")
    assert not BIO().may_follow("B-award winner", "I-city")
    assert BIO().may_follow("I-city", "I-city")
    assert not BIOES().may_follow("B-city", "O")
    assert not BIOES().may_end("B-city")


@pytest.mark.parametrize(
    "context, target",
    [
        (0, "[John](person) [Tokyo](location) [New York](location)"),
        (
            1,
            "[John](person) explored [Tokyo](location) , to [New York](location) .",
        ),
        (
            None,
            "[John](person) explored [Tokyo](location) , sampling sushi , and flew back to "
            "[New York](location) .",
        ),
    ],
)
def test_schemes_entity_centric_targets_of_figure_3(context, target):
    scheme = make_entity_centric(context)
    tags = scheme.encode(len(WORDS), SPANS)
    assert scheme.target(WORDS, tags) == target
    parsed = scheme.parse(target, ["person", "location"])
    entity_words = [(p.word, p.tag) for p in parsed if p.tag != "O"]
    assert entity_words == [
        ("John", "B-person"),
        ("Tokyo", "B-location"),
        ("New", "B-location"),
        ("York", "I-location"),
    ]
    # A label that was not asked for is no entity.
    assert all(p.tag == "O" for p in scheme.parse(target, ["city"]))


def test_schemes_entity_centric_refuses_negative_context():
    with pytest.raises(ValueError, match="E017"):
        make_entity_centric(-1)
