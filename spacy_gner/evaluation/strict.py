"""Strict entity scores: span and label must both be right (the paper, section 5.1)."""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from spacy.scorer import PRFScore

from .records import Mention, ScoredSentence


def score_strict(sentences: Iterable[ScoredSentence]) -> dict[str, Any]:
    """Micro-averaged precision, recall and F1, overall and per label.

    The arithmetic is `spacy.scorer.PRFScore`, so the figures are those of
    `spacy.scorer.get_ner_prf` to the last digit.

    sentences (Iterable[ScoredSentence]): The sentences of one or several data sets.
    RETURNS (dict): `p`, `r`, `f` in [0, 1], or None where there is neither a gold
        entity nor a prediction; `per_type`: label to `p`, `r`, `f`, `gold`, `predicted`
        (the last two are counts).
    """
    per_type: dict[str, PRFScore] = {}
    n_gold: Counter[str] = Counter()
    n_predicted: Counter[str] = Counter()
    for sentence in sentences:
        for label, prf in count_by_label(sentence).items():
            per_type.setdefault(label, PRFScore())
            per_type[label] += prf
        n_gold.update(mention.label for mention in sentence.gold)
        n_predicted.update(mention.label for mention in sentence.predicted)
    totals = PRFScore()
    for prf in per_type.values():
        totals += prf
    return {
        **prf_dict(totals),
        "per_type": {
            label: {**prf_dict(prf), "gold": n_gold[label], "predicted": n_predicted[label]}
            for label, prf in sorted(per_type.items())
        },
    }


def count_by_label(
    sentence: ScoredSentence, keep: Callable[[Mention], bool] | None = None
) -> dict[str, PRFScore]:
    """Hits, false alarms and misses of one sentence per label.

    sentence (ScoredSentence): The sentence.
    keep (Callable | None): Says which mentions count; None counts all.
    RETURNS (dict[str, PRFScore]): Label to counts.
    """
    counts: dict[str, PRFScore] = {}
    gold = {mention for mention in sentence.gold if keep is None or keep(mention)}
    missed = set(gold)
    for mention in sentence.predicted:
        if keep is not None and not keep(mention):
            continue
        prf = counts.setdefault(mention.label, PRFScore())
        if mention in missed:
            prf.tp += 1
            missed.discard(mention)
        else:
            prf.fp += 1
    for mention in missed:
        counts.setdefault(mention.label, PRFScore()).fn += 1
    return counts


def prf_dict(prf: PRFScore) -> dict[str, float | None]:
    """Precision, recall and F1 of counts; None where nothing was counted."""
    if len(prf) == 0:
        return {"p": None, "r": None, "f": None}
    return {"p": prf.precision, "r": prf.recall, "f": prf.fscore}
