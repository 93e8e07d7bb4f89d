"""Strict scores of parts of a data set: by length, by labels seen in training."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from spacy.scorer import PRFScore

from .records import ScoredSentence
from .strict import count_by_label, prf_dict

# Upper ends in words. Table 5 of the paper looks at lengths too, but NER test sets
# hold few sentences above 60 words, so the steps are finer below.
LENGTH_LIMITS = (10, 20, 30, 40, 60)


def score_by_length(
    sentences: Sequence[ScoredSentence], limits: Sequence[int] = LENGTH_LIMITS
) -> list[dict[str, Any]]:
    """Strict scores by the length of the sentence in words.

    sentences (Sequence[ScoredSentence]): The sentences.
    limits (Sequence[int]): Upper ends of the ranges, rising; a last range is open.
    RETURNS (list[dict]): One per range that has sentences: `words` (such as "11-20"),
        `n` sentences, `p`, `r`, `f`.
    """
    counts = [0] * (len(limits) + 1)
    totals = [PRFScore() for _ in counts]
    for sentence in sentences:
        index = sum(len(sentence.words) > limit for limit in limits)
        counts[index] += 1
        for prf in count_by_label(sentence).values():
            totals[index] += prf
    lower_ends = [1, *(limit + 1 for limit in limits)]
    names = [f"{low}-{high}" for low, high in zip(lower_ends, limits, strict=False)]
    names.append(f">{limits[-1]}")
    return [
        {"words": name, "n": n, **prf_dict(total)}
        for name, n, total in zip(names, counts, totals, strict=True)
        if n
    ]


def score_by_seen(
    sentences: Iterable[ScoredSentence], seen_labels: Collection[str]
) -> dict[str, Any]:
    """Strict scores over labels that were, and were not, seen in training.

    sentences (Iterable[ScoredSentence]): The sentences.
    seen_labels (Collection[str]): Compared without regard to case and white space.
    RETURNS (dict): `seen` and `unseen`, each with `labels`, `p`, `r`, `f`.
    """
    known = {_fold(label) for label in seen_labels}
    totals = {True: PRFScore(), False: PRFScore()}
    names: dict[bool, set[str]] = {True: set(), False: set()}
    for sentence in sentences:
        for label in sentence.labels:
            names[_fold(label) in known].add(label)
        for label, prf in count_by_label(sentence).items():
            totals[_fold(label) in known] += prf
    return {
        name: {"labels": sorted(names[flag]), **prf_dict(totals[flag])}
        for name, flag in (("seen", True), ("unseen", False))
    }


def _fold(label: str) -> str:
    return " ".join(label.casefold().split())
