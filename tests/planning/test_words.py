import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import Doc, Span

from spacy_gner.planning.words import DocWords
from spacy_gner.training.pairs import gold_pair

NLP = spacy.blank("en")


def words(text, **options):
    return list(DocWords.from_doc(NLP.make_doc(text), **options).texts)


@pytest.mark.parametrize(
    "text, expected",
    [
        ("Mary Smith-Jones, of Baden-Baden.", "Mary|Smith-Jones|,|of|Baden-Baden|."),
        ("(Al-Hassan)", "(|Al-Hassan|)"),
        ("Stratford-upon-Avon's", "Stratford-upon-Avon|'s"),
        ("a state-of-the-art F-16 in 1990-95", "a|state-of-the-art|F-16|in|1990-95"),
        ("al-Qaeda", "al-Qaeda"),
        ("co\u2011operation", "co\u2011operation"),
        # The name must be able to stand alone.
        ("Paris-based", "Paris|-|based"),
        ("Rhine-Westphalia-based firms", "Rhine-Westphalia|-|based|firms"),
        ("well-based self-driven", "well-based|self-driven"),
        # What corpora split stays split.
        ("don't Bob's", "do|n't|Bob|'s"),
        ("men/women left:right", "men|/|women|left|:|right"),
        ("it costs $5 - cheap", "it|costs|$|5|-|cheap"),
        ("a- -b - c -d", None),
        ("A--B", None),
        ("www.a-b.com/x-y x@a-b.com", None),
    ],
)
def test_hyphens_join_tokens_to_words(text, expected):
    tokens = [token.text for token in NLP.make_doc(text)]
    assert words(text, join_hyphens=False) == tokens
    assert words(text) == (tokens if expected is None else expected.split("|"))


def test_words_keep_their_tokens():
    doc = NLP.make_doc("Mary Smith-Jones of Baden-Baden")
    found = DocWords.from_doc(doc)
    spans = [doc[a:b].text for a, b in zip(found.tokens, found.ends, strict=True)]
    assert spans == ["Mary", "Smith-Jones", "of", "Baden-Baden"]


def test_given_words_with_spaces_stay_as_they_are():
    doc = Doc(NLP.vocab, words=["Smith", "-", "Jones"])
    assert DocWords.from_doc(doc).texts == ("Smith", "-", "Jones")


def test_training_keeps_words_apart_where_an_entity_ends():
    doc = NLP.make_doc("Anglo-Dutch trade of Smith-Jones")
    doc.ents = [Span(doc, 2, 3, label="people"), Span(doc, 5, 8, label="person")]
    doc._.gner_labels = ["people", "person"]
    pair = gold_pair(doc, None or _no_labels())
    assert pair.words == ("Anglo", "-", "Dutch", "trade", "of", "Smith-Jones")
    assert pair.tags == ("O", "O", "B-people", "O", "O", "B-person")
    apart = gold_pair(doc, _no_labels(), join_hyphens=False)
    assert apart.tags[-3:] == ("B-person", "I-person", "I-person")


def _no_labels():
    from spacy_gner.formats import LabelSet

    return LabelSet((), ())


def breaks(text):
    found = DocWords.from_doc(NLP.make_doc(text))
    return [found.texts[i] for i in sorted(found.breaks)]


WRAPPED = (
    "She studied physics and chemistry at New\n"
    "York University before she moved to Santa\n"
    "Clara in 1999."
)


@pytest.mark.parametrize(
    "text, expected",
    [
        ("Chapter One\n\nParis\n\nTexas is a town.", ["Paris", "Texas"]),
        ("Best,\nPriya\n\nRaman Industries Ltd", ["Priya", "Raman"]),
        ("10.5 UK\n2", ["2"]),
        ("one two", []),
        ("one\ntwo", ["two"]),
        ("one \r\n two", ["two"]),
        ("one\r\n\r\ntwo", ["two"]),
        ("one\n \t\ntwo", ["two"]),
        ("one\n\n\n", []),
        # A line end inside of running text that was broken at a width is white space.
        (WRAPPED, []),
        (WRAPPED.replace("\n", "\r\n"), []),
        (f"{WRAPPED}\n\n{WRAPPED}", ["She"]),
        # A list is not: its lines had room for more.
        (f"- a short line\n- {'x' * 60}\n- Paris\nTexas", ["-", "-", "Texas"]),
        ("The quick brown fox jumps over the lazy dog again\nand\nagain", ["and", "again"]),
    ],
)
def test_line_ends_that_entities_do_not_cross(text, expected):
    assert breaks(text) == expected


def test_blank_lines_begin_sentences():
    found = DocWords.from_doc(NLP.make_doc("one two\n\nthree\nfour"))
    assert found.sentences == (0, 2)


@given(st.text(alphabet="aB1-' \n.,/\u2011\u00e9\t", max_size=40), st.sets(st.integers(0, 30)))
@settings(max_examples=200)
def test_every_token_stands_in_one_word(text, edges):
    doc = NLP.make_doc(text)
    found = DocWords.from_doc(doc, edges=edges)
    covered = [i for a, b in zip(found.tokens, found.ends, strict=True) for i in range(a, b)]
    assert covered == [token.i for token in doc if token.text.strip()]
    for word, a, b in zip(found.texts, found.tokens, found.ends, strict=True):
        assert word == doc[a:b].text
        assert not any(a < edge < b for edge in edges)
    assert all(0 < i < len(found.texts) for i in found.breaks)
