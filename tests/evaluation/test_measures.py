import json
import random
from time import perf_counter

import pytest

from spacy_gner.evaluation.measures import average_datasets, score_dataset, score_speed
from spacy_gner.evaluation.records import Mention, RawOutput, ScoredSentence

LABELS = ("person", "city")


def _sentence(right=True, **kwargs):
    gold = (Mention(0, 1, "city"),)
    return ScoredSentence(("Paris", "."), LABELS, gold, gold if right else (), **kwargs)


def test_score_dataset_is_json_and_complete():
    text = "Paris(B-city) .(O)"
    outputs = [
        RawOutput(("Paris", "."), text, forward_passes=passes, hit_max_forks=passes > 2)
        for passes in (4.0, 2.0)
    ]
    sentences = [_sentence(scores=(0.9,), outputs=(o,), seconds=0.5) for o in outputs]
    result = score_dataset("x", sentences, seen_labels=["city"])
    assert json.loads(json.dumps(result)) == result
    assert result["strict"]["f"] == result["uniner"]["f"] == 1.0
    assert result["repair"]["strict"]["full"] == 1.0
    assert result["by_seen"]["seen"]["f"] == 1.0
    assert result["speed"]["sentences_per_second"] == 2.0
    assert result["speed"]["forward_passes_per_sentence"] == 3.0
    assert result["speed"]["hit_max_forks"] == 0.5


def test_score_dataset_refuses_nothing():
    with pytest.raises(ValueError, match=r"\[GNER-E303\].*crossner"):
        score_dataset("crossner", [])


def test_score_dataset_refuses_gold_that_was_not_asked_for():
    sentence = ScoredSentence(("x",), LABELS, (Mention(0, 1, "award"),), ())
    with pytest.raises(ValueError, match=r"\[GNER-E304\] Sentence 2 of x .*award"):
        score_dataset("x", [_sentence(), sentence])


def test_score_speed_without_times_is_none():
    assert set(score_speed([_sentence()]).values()) == {None}


def test_average_datasets_is_unweighted_and_skips_what_is_missing():
    right = score_dataset("x", [_sentence()])
    wrong = score_dataset("y", [_sentence(right=False)] * 9)
    empty = score_dataset("z", [ScoredSentence(("x",), LABELS, (), ())])
    average = average_datasets([right, wrong, empty])
    assert average["n_sets"] == 3
    assert average["strict"]["f"] == 0.5
    assert average["mistakes"]["unlabeled"] == 0.5
    assert average["repair"] is None


def test_ten_thousand_sentences_take_seconds():
    chance = random.Random(0)
    sentences = []
    for _ in range(10_000):
        words = tuple(f"w{chance.randrange(5000)}" for _ in range(25))
        gold = tuple(Mention(i, i + 2, chance.choice(LABELS)) for i in (0, 5, 11, 20))
        predicted = tuple(Mention(i, i + 2, chance.choice(LABELS)) for i in (0, 5, 12, 16))
        text = " ".join(f"{word}(O)" for word in words[chance.randrange(2) :])
        output = RawOutput(words, text)
        sentences.append(ScoredSentence(words, LABELS, gold, predicted, (0.5,) * 4, (output,)))
    start = perf_counter()
    score_dataset("x", sentences)
    assert perf_counter() - start < 30
