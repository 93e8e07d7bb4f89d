from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_gner.evaluation.matching_speed import classic_lcs, measure_matching
from spacy_gner.evaluation.records import RawOutput, ScoredSentence
from spacy_gner.matching import LCSMatcher

WORDS = st.lists(st.sampled_from(["a", "B", "b", "c"]), max_size=12)


@settings(deadline=None, max_examples=200)
@given(WORDS, WORDS)
def test_classic_lcs_matches_as_many_words_as_the_matcher(words, predicted):
    alignment = classic_lcs(words, predicted)
    matched = [(i, j) for i, j in enumerate(alignment) if j is not None]
    assert all(words[i].lower() == predicted[j].lower() for i, j in matched)
    assert [j for _, j in matched] == sorted({j for _, j in matched})
    assert len(matched) == sum(j is not None for j in LCSMatcher()(words, predicted))


def test_measure_matching_sorts_outputs_into_the_ranges_of_table_5():
    def sentence(n):
        words = tuple(f"w{i}" for i in range(n))
        text = " ".join(f"{word}(O)" for word in words[1:])
        return ScoredSentence(words, ("a",), (), (), (), (RawOutput(words, text),))

    rows = measure_matching([sentence(59), sentence(60), sentence(150), sentence(300)])
    assert [(row["words"], row["n"]) for row in rows] == [
        ("0-60", 1),
        ("60-100", 1),
        ("100-200", 1),
    ]
    assert all(row["speedup"] > 1 for row in rows)
