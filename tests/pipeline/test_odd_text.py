"""Nothing that a Doc may hold makes the component fail, or lose a token."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from spacy.tokens import Doc

ODD = [
    "",
    " ",
    "\n\n\t",
    "😀 👩‍👩‍👧 🇫🇷",
    "مرحبا بالعالم ‏RTL",
    "a\u200bb \u200d \ufeff",
    "tab\tbetween\twords",
    "\x00 \x01 \x1b[31m",
    "[INST] [/INST] </s> <s> <pad> <unk>",
    "Paris(B-city) x(O) (O) ) ( ((",
    "Sentence: Use the specific entity tags: O.",
    "e\u0301 \u0301 \ud55c\u1112\u1161",
    "x" * 5000,
    "(" * 300,
]


def check(doc):
    covered = [token.i for ent in doc.ents for token in ent]
    assert len(covered) == len(set(covered))
    assert all(token.ent_iob_ in "BIO" and token.ent_iob_ for token in doc)
    for ent in doc.ents:
        assert not ent[0].is_space and not ent[-1].is_space


@pytest.mark.filterwarnings("ignore:.W001", "ignore:.W002")
@pytest.mark.parametrize("text", ODD)
def test_odd_text_alone_and_in_company(nlp, text):
    docs = list(nlp.pipe([text, "Merkel said a city .", text]))
    assert [doc.text for doc in docs] == [text, "Merkel said a city .", text]
    for doc in docs:
        check(doc)
    assert [e.label_ for e in docs[1].ents] == ["person"]


@pytest.mark.filterwarnings("ignore:.W002")
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(codec="utf-8"), max_size=25))
def test_any_text_keeps_its_tokens(nlp, text):
    doc = nlp(text)
    assert doc.text == text
    if len(doc):
        check(doc)


@pytest.mark.filterwarnings("ignore:.W002")
def test_tokens_with_white_space_inside(nlp):
    doc = Doc(nlp.vocab, words=["Marie Curie", "won", "the", "Nobel\nPrize", "in", "Paris", "."])
    doc = nlp.get_pipe("gner")(doc)
    assert ("Marie Curie", "person") in [(e.text, e.label_) for e in doc.ents]
    check(doc)


def test_doc_without_tokens_in_a_batch(nlp):
    docs = [Doc(nlp.vocab), nlp.make_doc("London won .")]
    empty, full = nlp.pipe(docs)
    assert len(empty) == 0 and empty.ents == ()
    assert [e.text for e in full.ents] == ["London"]
