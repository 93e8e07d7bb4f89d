from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_gner.evaluation.records import Mention, ScoredSentence
from spacy_gner.evaluation.scores import score_by_length, score_by_seen, score_strict

from .strategies import sentences


def _sentence(n_words, right):
    gold = (Mention(0, 1, "a"),)
    return ScoredSentence(("x",) * n_words, ("a",), gold, gold if right else ())


def test_score_by_length_puts_limits_into_the_lower_range():
    batch = [_sentence(10, True), _sentence(11, False), _sentence(61, True)]
    assert [(r["words"], r["n"], r["f"]) for r in score_by_length(batch)] == [
        ("1-10", 1, 1.0),
        ("11-20", 1, 0.0),
        (">60", 1, 1.0),
    ]


def test_score_by_seen_ignores_case_and_white_space():
    gold = (Mention(0, 1, "Film  Award"), Mention(1, 2, "city"))
    batch = [ScoredSentence(("x", "y"), ("Film  Award", "city"), gold, gold[:1])]
    scores = score_by_seen(batch, ["film award"])
    assert scores["seen"] == {"labels": ["Film  Award"], "p": 1.0, "r": 1.0, "f": 1.0}
    assert scores["unseen"]["labels"] == ["city"]
    assert scores["unseen"]["r"] == 0.0


@settings(max_examples=100)
@given(st.lists(sentences(), min_size=1, max_size=5))
def test_one_part_that_holds_everything_is_the_whole(batch):
    whole = score_strict(batch)
    parts = score_by_length(batch, limits=[10])
    assert [(part["n"], part["f"]) for part in parts] == [(len(batch), whole["f"])]
    seen = score_by_seen(batch, ["person", "city", "film award"])
    assert seen["seen"]["f"] == whole["f"]
    assert seen["unseen"]["f"] is None
