import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_gner.decoding.common import draft_width, draft_widths
from spacy_gner.decoding.follow import DraftTracker
from spacy_gner.decoding.guess import CONTINUE, OUTSIDE, START, TagGuesser
from spacy_gner.decoding.tags import TagTable
from spacy_gner.formats import BIO, BIOES

from ..models import LABELS, WORDS, build_tiny_causal
from .conftest import make_request

BACKBONE = build_tiny_causal()
CLOSING = frozenset(BACKBONE.codec.tokens_with(")").values())
SENTENCE = "Marie Curie won the Nobel Prize while working in Paris .".split()


def follower_of(words):
    request = make_request(list(words))
    table = TagTable(BACKBONE.codec, request.format, request.wordings)
    return DraftTracker(request, table, CLOSING, BACKBONE.codec.eos_id)


def write(follower, pieces):
    for ids in BACKBONE.codec.target_ids(pieces):
        for token in ids:
            follower.push(token)


def drafted_text(follower):
    tokens, reach = follower.draft(500)
    assert len(tokens) == len(reach)
    assert all(0 < p <= 1 for p in reach)
    assert reach == sorted(reach, reverse=True)
    return BACKBONE.codec.decode(tokens)


def test_draft_is_the_words_with_guessed_tags():
    assert drafted_text(follower_of(["the", "met", "in", "."])) == "the(O) met(O) in(O) .(O)"


def test_draft_completes_what_was_begun():
    follower = follower_of(SENTENCE)
    write(follower, ["Marie(B-person)"])
    assert drafted_text(follower).startswith("Curie(I-person) won(O) the(O)")
    for token in BACKBONE.codec.target_ids(["Curie(I-person)"])[0][:-3]:
        follower.push(token)
    assert "person) won(O)" in drafted_text(follower)


@pytest.mark.parametrize(
    "written, expected",
    [
        (["Marie(O)", "won(O)"], "the(O)"),  # one word left out
        (["Marie(O)", "Curie(O)", "Marie(O)", "Curie(O)"], "won(O)"),  # words repeated
        (["Marie(O)", "xyzzy(O)", "won(O)"], "the(O)"),  # a word replaced
        (["Marie(O)", "xyzzy(O)", "Curie(O)", "won(O)"], "the(O)"),  # a word added
        (["Marie Curie(B-person)", "won(O)"], "the(O)"),  # two words with one tag
        (["xyzzy(B-nonsense)"], "Curie"),  # a tag that is none
    ],
)
def test_follower_finds_back_into_the_words(written, expected):
    follower = follower_of(SENTENCE)
    write(follower, written)
    assert drafted_text(follower).startswith(expected)


def test_follower_drafts_circles():
    follower = follower_of(["London"])
    write(follower, ["London(O)", *["xx(I-city)"] * 3])
    assert "xx(I-city) xx(I-city)" in drafted_text(follower)


@given(st.lists(st.integers(0, 399), max_size=60), st.lists(st.sampled_from(WORDS), min_size=1))
def test_follower_takes_whatever_is_written(tokens, words):
    follower = follower_of(words)
    for token in tokens:
        follower.push(token)
        drafted, reach = follower.draft(20)
        assert len(drafted) == len(reach) <= 20


def test_hints_of_a_wrong_draft_change_the_guess():
    follower = follower_of(["Paris", "the", "London", "company"])
    write(follower, ["Paris(B-city)"])
    assert drafted_text(follower).startswith("the(O) London(O) company(O)")
    tokens, _ = follower.draft(500)
    # At each word the model would have begun an entity.
    letter = BACKBONE.codec.tokenizer.get_vocab()["B"]
    follower.learn_from([letter] * len(tokens), 0)
    assert "London(I-city) company(I-city)" in drafted_text(follower)


def test_draft_width_weighs_tokens_against_passes():
    sure, unsure = [0.99] * 50, [0.1] * 50
    assert draft_width([sure], 30.0) == 50
    assert draft_width([unsure], 0.5) == 0
    assert draft_width([], 30.0) == 0
    assert draft_width([[]], 30.0) == 0
    halving = [0.5 ** (i // 4) for i in range(50)]
    widths = [draft_width([halving], overhead) for overhead in (0.1, 3.0, 30.0, 1e5)]
    assert widths == sorted(widths) and widths[0] < widths[-1]


@pytest.mark.parametrize("format", [BIO(), BIOES()])
@pytest.mark.parametrize("previous", ["", "O", "B-city", "I-city"])
@pytest.mark.parametrize("hint", [None, OUTSIDE, START, CONTINUE])
def test_guesses_are_probabilities(format, previous, hint):
    guesser = TagGuesser(format)
    for index, word in enumerate(["London", "lives", "1995", "."]):
        ranked = guesser.ranked(word, index, previous, "city", hint)
        assert {tag for tag, _, _ in ranked} <= set(format.tags(LABELS))
        assert all(0 <= kind <= 1 and 0 < tag <= 1 for _, kind, tag in ranked)
        products = [kind * tag for _, kind, tag in ranked]
        assert products == sorted(products, reverse=True)


def test_guesser_remembers_names_and_habits():
    guesser = TagGuesser(BIO())
    assert guesser.ranked("Paris", 3, "O", None)[0][0] == "O"
    guesser.learn("Paris", 5, "O", "B-city")
    assert guesser.ranked("Paris", 3, "O", None)[0][0] == "B-city"
    for _ in range(3000):
        guesser.learn("protein", 5, "O", "B-gene")
    assert guesser.ranked("kinase", 3, "O", "gene")[0][0] == "B-gene"


def test_draft_widths_share_what_a_pass_costs():
    sure, unsure = [0.99] * 50, [0.02] * 50
    assert draft_widths([], 10, 30.0, 48) == []
    assert draft_widths([sure, unsure], 2, 30.0, 0) == [50, 0]
    # What a pass costs in any case is used.
    assert draft_widths([unsure], 8, 30.0, 48) == [40]
    assert draft_widths([unsure, sure], 8, 30.0, 48) == [0, 50]
    halving = [0.5**n for n in range(1, 20)]
    widths = [draft_widths([halving, halving], 2, overhead, 0) for overhead in (0.1, 30.0, 1e5)]
    assert widths[0] == [0, 0] and widths[0] < widths[1] < widths[2]
