import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_gner.evaluation.records import Mention, mentions_from_tags

from .strategies import mentions


def test_mentions_from_tags_opens_an_entity_at_a_lone_inside_tag():
    tags = ["I-city", "I-city", "I-person", "B-person", "O", "B-film award"]
    assert mentions_from_tags(tags) == [
        Mention(0, 2, "city"),
        Mention(2, 3, "person"),
        Mention(3, 4, "person"),
        Mention(5, 6, "film award"),
    ]


@settings(deadline=None, max_examples=100)
@given(st.integers(0, 12).flatmap(lambda n: st.tuples(st.just(n), mentions(n))))
def test_mentions_from_tags_inverts_writing_tags(case):
    n_words, expected = case
    tags = ["O"] * n_words
    for start, end, label in expected:
        tags[start:end] = [f"B-{label}"] + [f"I-{label}"] * (end - start - 1)
    assert tuple(mentions_from_tags(tags)) == expected


@pytest.mark.parametrize("tag", ["S-city", "E-city", "L-city", "U-city", "M-city"])
def test_mentions_from_tags_names_mixed_schemes(tag):
    with pytest.raises(ValueError, match=r"\[GNER-E301\].*dev.jsonl:7"):
        mentions_from_tags(["B-city", tag], "dev.jsonl:7")


@pytest.mark.parametrize("tag", ["city", "B-", "", "b-city", None, 3])
def test_mentions_from_tags_refuses_what_is_no_tag(tag):
    with pytest.raises(ValueError, match=r"\[GNER-E302\]"):
        mentions_from_tags([tag])
