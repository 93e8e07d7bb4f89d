from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_gner.evaluation.mistakes import pair_mentions, score_mistakes
from spacy_gner.evaluation.records import Mention, ScoredSentence

from .strategies import sentences


def _kinds(gold, predicted):
    pairs = pair_mentions([Mention(*m) for m in gold], [Mention(*m) for m in predicted])
    return [pair.kind for pair in pairs]


def test_pair_mentions_names_every_kind():
    gold = [(0, 2, "a"), (3, 5, "a"), (6, 8, "a"), (9, 10, "a"), (11, 13, "a")]
    predicted = [(0, 2, "a"), (3, 4, "a"), (6, 8, "b"), (12, 14, "b"), (20, 21, "a")]
    assert _kinds(gold, predicted) == [
        "correct",
        "boundary",
        "noisy",
        "unlabeled",
        "noisy",
        "spurious",
    ]


def test_pair_mentions_uses_a_prediction_once():
    # One long prediction covers two entities: it answers for the longer one only.
    pairs = pair_mentions(
        [Mention(0, 1, "a"), Mention(2, 5, "a")],
        [Mention(0, 5, "a")],
    )
    assert [(pair.gold, pair.kind) for pair in pairs] == [
        (Mention(0, 1, "a"), "unlabeled"),
        (Mention(2, 5, "a"), "boundary"),
    ]


def test_pair_mentions_prefers_the_same_span_to_the_same_label():
    pairs = pair_mentions([Mention(0, 3, "a")], [Mention(0, 3, "b")])
    assert pairs[0].kind == "noisy"
    assert _kinds([(0, 3, "a")], [(0, 1, "b"), (1, 3, "a")]) == ["spurious", "boundary"]


@settings(max_examples=200)
@given(sentences())
def test_pair_mentions_counts_each_mention_once(sentence):
    pairs = pair_mentions(sentence.gold, sentence.predicted)
    assert sorted(p.gold for p in pairs if p.gold) == sorted(sentence.gold)
    assert sorted(p.predicted for p in pairs if p.predicted) == sorted(sentence.predicted)
    exact = len(set(sentence.gold) & set(sentence.predicted))
    assert sum(pair.kind == "correct" for pair in pairs) == exact


@settings(max_examples=100)
@given(st.lists(sentences(), max_size=4))
def test_score_mistakes_shares_add_up(batch):
    scores = score_mistakes(batch)
    n_gold = sum(len(sentence.gold) for sentence in batch)
    if n_gold:
        shares = [scores[kind] for kind in ("correct", "unlabeled", "noisy", "boundary")]
        assert abs(sum(shares) - 1) < 1e-12
    cells = [n for row in scores["confusion"].values() for n in row.values()]
    assert sum(cells) == sum(scores["counts"].values())


def test_score_mistakes_confusion_has_rows_of_gold():
    sentence = ScoredSentence(
        ("x", "y", "z"), ("a", "b"), (Mention(0, 1, "a"), Mention(1, 2, "b")), (Mention(0, 1, "b"),)
    )
    scores = score_mistakes([sentence])
    assert scores["confusion"] == {"a": {"b": 1}, "b": {"O": 1}}
    assert scores["noisy"] == scores["unlabeled"] == 0.5
    assert scores["spurious"] == 0.0
