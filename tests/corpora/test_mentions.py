import spacy
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_gner.corpora.mentions import align_mentions
from spacy_gner.corpora.tokenize import tokenize

NLP = spacy.blank("en")
WORD = st.sampled_from(["a", "b", "ab", "c-d", "e."])
ANSWERS = st.dictionaries(
    st.sampled_from(["x", "y", "z"]),
    st.lists(st.lists(WORD, min_size=1, max_size=3).map(" ".join), max_size=3),
)


def align(text, answers):
    return align_mentions(text, tokenize(NLP, text, "file:1"), answers)


def test_mentions_earlier_label_wins_between_equals():
    assert align("Rome", {"place": ["Rome"], "city": ["Rome"]}).entities == [(0, 1, "place")]


def test_mentions_occurrences_of_a_mention_do_not_overlap():
    assert align("a b a b a", {"x": ["a b a"]}).entities == [(0, 3, "x")]


@given(st.lists(WORD, max_size=10).map(" ".join), ANSWERS)
@settings(max_examples=200)
def test_mentions_are_answers_and_none_is_lost_without_account(text, answers):
    tokens = tokenize(NLP, text, "file:1")
    aligned = align_mentions(text, tokens, answers)
    starts = {word: offset for offset, word in tokens.word_at_start.items()}
    found, last_end = set(), 0
    for start, end, label in aligned.entities:
        assert start >= last_end
        last_end = end
        mention = text[starts[start] : starts[end - 1] + len(tokens.words[end - 1])]
        assert mention in answers[label]
        found.add((label, mention))
    asked = {(label, mention) for label, mentions in answers.items() for mention in mentions}
    assert sorted([*found, *aligned.unaligned, *aligned.overlapping]) == sorted(asked)
    covered = {i for start, end, _ in aligned.entities for i in range(start, end)}
    assert covered.isdisjoint(aligned.missing)
