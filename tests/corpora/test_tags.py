import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_gner.corpora.read_report import CorpusError
from spacy_gner.corpora.tags import read_tags
from spacy_gner.formats.tagged_words import encode_bio


def read(tags):
    return read_tags(tags, [f"file:{i}" for i in range(1, len(tags) + 1)])


@pytest.mark.parametrize(
    "tags, entities",
    [
        (["O", "B-a", "I-a", "O"], [(1, 3, "a")]),
        (["B-a", "B-a"], [(0, 1, "a"), (1, 2, "a")]),
        (["I-a", "I-a", "O", "I-a"], [(0, 2, "a"), (3, 4, "a")]),  # IO
        (["I-a", "B-a", "I-a"], [(0, 1, "a"), (1, 3, "a")]),  # IOB1
        (["B-a", "I-b"], [(0, 1, "a"), (1, 2, "b")]),
        (["B-average ratings", "I-average ratings"], [(0, 2, "average ratings")]),
        (["B-creative-work", "O"], [(0, 1, "creative-work")]),
    ],
)
def test_tags_read(tags, entities):
    assert read(tags) == (entities, [])


def test_tags_missing_ends_an_entity():
    assert read(["B-a", None, "I-a", "-"]) == ([(0, 1, "a"), (2, 3, "a")], [1, 3])


@pytest.mark.parametrize("tag", ["B-", "I- ", "X-person", "person", "", "o", "B_person", 3, "b-a"])
def test_tags_bad_tag_is_named_with_its_place(tag):
    with pytest.raises(CorpusError, match=r"\[GNER-E207\] file:2: "):
        read(["O", tag])


@st.composite
def annotations(draw):
    """Sentences of up to 12 words: entities of 1-3 words, other words O or missing."""
    entities, missing, n_words = [], [], 0
    for _ in range(draw(st.integers(0, 8))):
        kind = draw(st.sampled_from(["entity", "outside", "missing"]))
        if kind == "entity":
            length = draw(st.integers(1, 3))
            entities.append((n_words, n_words + length, draw(st.sampled_from("abc"))))
            n_words += length
        else:
            if kind == "missing":
                missing.append(n_words)
            n_words += 1
    return n_words, entities, missing


@given(annotations())
@settings(max_examples=200)
def test_tags_written_are_read_back(annotation):
    n_words, entities, missing = annotation
    tags = [None if i in missing else tag for i, tag in enumerate(encode_bio(n_words, entities))]
    assert read(tags) == (entities, missing)
