"""Precision, recall and F1, strict and UniNER-style; parts of a data set; calibration."""

import re
import string
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

from spacy.scorer import PRFScore

from .records import Mention, ScoredSentence

# Upper ends in words. Table 5 of the paper looks at lengths too, but NER test sets
# hold few sentences above 60 words, so the steps are finer below.
LENGTH_LIMITS = (10, 20, 30, 40, 60)
N_BINS = 10

_ARTICLE = re.compile(r"\b(a|an|the)\b")
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)


# --- strict: span and label must both be right (the paper, section 5.1) ---------------


def score_strict(sentences: Iterable[ScoredSentence]) -> dict[str, Any]:
    """Micro-averaged precision, recall and F1, overall and per label.

    The arithmetic is `spacy.scorer.PRFScore`, so the figures are those of
    `spacy.scorer.get_ner_prf` to the last digit.

    sentences (Iterable[ScoredSentence]): The sentences of one or several data sets.
    RETURNS (dict): `p`, `r`, `f` in [0, 1], or None where there is neither a gold
        entity nor a prediction; `per_type`: label to `p`, `r`, `f`, `gold`, `predicted`
        (the last two are counts).
    """
    per_type: dict[str, PRFScore] = defaultdict(PRFScore)
    n_gold: Counter[str] = Counter()
    n_predicted: Counter[str] = Counter()
    for sentence in sentences:
        for label, prf in count_by_label(sentence).items():
            per_type[label] += prf
        n_gold.update(mention.label for mention in sentence.gold)
        n_predicted.update(mention.label for mention in sentence.predicted)
    return {
        **prf_dict(sum(per_type.values(), PRFScore())),
        "per_type": {
            label: {**prf_dict(prf), "gold": n_gold[label], "predicted": n_predicted[label]}
            for label, prf in sorted(per_type.items())
        },
    }


def count_by_label(sentence: ScoredSentence) -> dict[str, PRFScore]:
    """Hits, false alarms and misses of one sentence per label.

    sentence (ScoredSentence): The sentence.
    RETURNS (dict[str, PRFScore]): Label to counts.
    """
    counts: dict[str, PRFScore] = defaultdict(PRFScore)
    missed = set(sentence.gold)
    for mention in sentence.predicted:
        if mention in missed:
            counts[mention.label].tp += 1
            missed.discard(mention)
        else:
            counts[mention.label].fp += 1
    for mention in missed:
        counts[mention.label].fn += 1
    return counts


def count_strict(sentence: ScoredSentence) -> PRFScore:
    """Hits, false alarms and misses of one sentence over all labels."""
    return sum(count_by_label(sentence).values(), PRFScore())


def prf_dict(prf: PRFScore) -> dict[str, float | None]:
    """Precision, recall and F1 of counts; None where nothing was counted."""
    if len(prf) == 0:
        return {"p": None, "r": None, "f": None}
    return {"p": prf.precision, "r": prf.recall, "f": prf.fscore}


# --- UniNER-style, which the authors of GNER report (Tables 2, 3 and 11) ----------------


def score_uniner(sentences: Iterable[ScoredSentence]) -> dict[str, Any]:
    """Micro-averaged precision, recall and F1 over distinct normalized entities.

    sentences (Iterable[ScoredSentence]): The sentences of a data set.
    RETURNS (dict): `p`, `r`, `f` in [0, 1] or None where there is nothing to count.
    """
    return prf_dict(sum(map(count_uniner, sentences), PRFScore()))


def count_uniner(sentence: ScoredSentence) -> PRFScore:
    """Hits, false alarms and misses of one sentence by distinct normalized entities."""
    gold = normalized_entities(sentence.words, sentence.gold)
    predicted = normalized_entities(sentence.words, sentence.predicted)
    hits = len(gold & predicted)
    return PRFScore(tp=hits, fp=len(predicted) - hits, fn=len(gold) - hits)


def normalized_entities(
    words: tuple[str, ...], mentions: Iterable[Mention]
) -> set[tuple[str, str]]:
    """The distinct (text, label) pairs of a sentence, both normalized.

    words (tuple[str, ...]): The words of the sentence.
    mentions (Iterable[Mention]): Its entities.
    RETURNS (set[tuple[str, str]]): Repeated entities count once.
    """
    return {
        (normalize_text(" ".join(words[start:end])), normalize_text(label))
        for start, end, label in mentions
    }


def normalize_text(text: str) -> str:
    """Lower case, ASCII punctuation and English articles removed, white space collapsed.

    The order matters: punctuation goes first, so "the-end" becomes "theend".

    text (str): The text of an entity, or a label.
    RETURNS (str): May be empty (the entity "The").
    """
    without_punctuation = text.lower().translate(_NO_PUNCTUATION)
    return " ".join(_ARTICLE.sub(" ", without_punctuation).split())


COUNTS: dict[str, Callable[[ScoredSentence], PRFScore]] = {
    "strict": count_strict,
    "uniner": count_uniner,
}


# --- parts of a data set --------------------------------------------------------------------


def score_by_length(
    sentences: Iterable[ScoredSentence], limits: Sequence[int] = LENGTH_LIMITS
) -> list[dict[str, Any]]:
    """Strict scores by the length of the sentence in words.

    sentences (Iterable[ScoredSentence]): The sentences.
    limits (Sequence[int]): Upper ends of the ranges, rising; a last range is open.
    RETURNS (list[dict]): One per range that has sentences: `words` (such as "11-20"),
        `n` sentences, `p`, `r`, `f`.
    """
    counts = [0] * (len(limits) + 1)
    totals = [PRFScore() for _ in counts]
    for sentence in sentences:
        index = sum(len(sentence.words) > limit for limit in limits)
        counts[index] += 1
        totals[index] += count_strict(sentence)
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


# --- does the score of an entity say how likely it is to be right? -----------------------


def score_calibration(
    sentences: Iterable[ScoredSentence], n_bins: int = N_BINS
) -> dict[str, Any] | None:
    """Reliability curve and expected calibration error of the scores of the predictions.

    A prediction is right where span and label are. The expected calibration error is
    the mean over the predictions of |precision - mean score| of their bin (Guo et al.
    2017, "On Calibration of Modern Neural Networks", with bins of equal width).

    sentences (Iterable[ScoredSentence]): The sentences; predictions without a score
        are left out.
    n_bins (int): Bins over [0, 1]; the last one includes 1.
    RETURNS (dict | None): `ece` in [0, 1], `n` predictions, `bins` with `lower`,
        `upper`, `n`, `confidence` (mean score) and `precision` (both None when
        empty). None when no prediction has a score.
    """
    totals = [0] * n_bins
    hits = [0] * n_bins
    sums = [0.0] * n_bins
    for sentence in sentences:
        gold = set(sentence.gold)
        for mention, score in zip(sentence.predicted, sentence.scores, strict=False):
            if score is None:
                continue
            index = min(int(score * n_bins), n_bins - 1)
            totals[index] += 1
            hits[index] += mention in gold
            sums[index] += score
    n = sum(totals)
    if n == 0:
        return None
    return {
        "ece": sum(abs(hit - total) for hit, total in zip(hits, sums, strict=True)) / n,
        "n": n,
        "bins": [
            {
                "lower": index / n_bins,
                "upper": (index + 1) / n_bins,
                "n": totals[index],
                "confidence": sums[index] / totals[index] if totals[index] else None,
                "precision": hits[index] / totals[index] if totals[index] else None,
            }
            for index in range(n_bins)
        ],
    }
