import json

import pytest

from spacy_gner.evaluation.metrics import average_datasets, score_dataset, score_speed
from spacy_gner.evaluation.records import Mention, ScoredSentence, raw_output

LABELS = ("person", "city")


def _sentence(right=True, **kwargs):
    gold = (Mention(0, 1, "city"),)
    return ScoredSentence(("Paris", "."), LABELS, gold, gold if right else (), **kwargs)


def test_score_dataset_is_json_and_complete():
    text = "Paris(B-city) .(O)"
    outputs = [
        raw_output(("Paris", "."), LABELS, text, forward_passes=n, forks=n, cut_short=n > 2)
        for n in (4, 2)
    ]
    sentences = [_sentence(scores=(0.9,), outputs=(o,), seconds=0.5) for o in outputs]
    result = score_dataset("x", sentences, seen_labels=["city"])
    assert json.loads(json.dumps(result)) == result
    assert result["strict"]["f"] == result["uniner"]["f"] == 1.0
    assert result["outputs"]["any"] == result["outputs"]["unmatched"] == 0.0
    assert result["by_seen"]["seen"]["f"] == 1.0
    assert result["speed"]["sentences_per_second"] == 2.0
    assert result["speed"]["forward_passes_per_sentence"] == 3.0
    assert result["speed"]["cut_short"] == 0.5


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
    assert average["outputs"] is None
