"""Kinds of mistakes: unlabeled, noisy and boundary errors (the paper, section 3.1)."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from .records import Mention, ScoredSentence

CORRECT = "correct"
UNLABELED = "unlabeled"
NOISY = "noisy"
BOUNDARY = "boundary"
SPURIOUS = "spurious"
KINDS = (CORRECT, UNLABELED, NOISY, BOUNDARY, SPURIOUS)


class Pair(NamedTuple):
    """A gold entity and the prediction that answers it.

    gold (Mention | None): None for a spurious prediction.
    predicted (Mention | None): None for an unlabeled entity.
    kind (str): correct, unlabeled, noisy, boundary or spurious.
    """

    gold: Mention | None
    predicted: Mention | None
    kind: str


def pair_mentions(gold: Sequence[Mention], predicted: Sequence[Mention]) -> list[Pair]:
    """Pair gold entities with predictions, each of them used once.

    Pairs are formed in this order: same span and label (correct); same span, other
    label (noisy); overlap with the same label (boundary); overlap with another label
    (noisy). Within a step the largest overlap goes first, then the earliest. Gold
    entities that are left are unlabeled, predictions that are left are spurious. So

        correct + noisy + boundary + unlabeled = number of gold entities
        correct + noisy + boundary + spurious  = number of predictions

    gold (Sequence[Mention]): The annotated entities.
    predicted (Sequence[Mention]): The predicted entities.
    RETURNS (list[Pair]): In the order of the sentence.
    """
    free_gold, free_predicted = sorted(set(gold)), sorted(set(predicted))
    pairs: list[Pair] = []

    def take(kind: str, fits: Callable[[Mention, Mention], bool]) -> None:
        candidates = [
            (-_overlap(g, p), g, p)
            for g in free_gold
            for p in free_predicted
            if _overlap(g, p) and fits(g, p)
        ]
        for _, g, p in sorted(candidates):
            if g in free_gold and p in free_predicted:
                free_gold.remove(g)
                free_predicted.remove(p)
                pairs.append(Pair(g, p, kind))

    take(CORRECT, lambda g, p: g == p)
    take(NOISY, lambda g, p: g[:2] == p[:2])
    take(BOUNDARY, lambda g, p: g.label == p.label)
    take(NOISY, lambda g, p: True)
    pairs.extend(Pair(g, None, UNLABELED) for g in free_gold)
    pairs.extend(Pair(None, p, SPURIOUS) for p in free_predicted)
    return sorted(pairs, key=lambda pair: pair.gold or pair.predicted or ())


def _overlap(a: Mention, b: Mention) -> int:
    return max(0, min(a.end, b.end) - max(a.start, b.start))


def score_mistakes(sentences: Iterable[ScoredSentence]) -> dict[str, Any]:
    """Shares of the kinds of mistakes, and which label was taken for which.

    sentences (Iterable[ScoredSentence]): The sentences of a data set.
    RETURNS (dict): `correct`, `unlabeled`, `noisy`, `boundary` as shares of the gold
        entities and `spurious` as share of the predictions, in [0, 1] (None without
        any); `counts` of the same; `confusion`: gold label to predicted label to count,
        where "O" stands for no entity. Boundary errors count on the diagonal there.
    """
    counts: Counter[str] = Counter()
    confusion: dict[str, Counter[str]] = {}
    for sentence in sentences:
        for pair in pair_mentions(sentence.gold, sentence.predicted):
            counts[pair.kind] += 1
            row = pair.gold.label if pair.gold else "O"
            column = pair.predicted.label if pair.predicted else "O"
            confusion.setdefault(row, Counter())[column] += 1
    n_answered = counts[CORRECT] + counts[NOISY] + counts[BOUNDARY]
    n_gold = n_answered + counts[UNLABELED]
    n_predicted = n_answered + counts[SPURIOUS]
    shares: dict[str, float | None] = {
        kind: counts[kind] / n_gold if n_gold else None
        for kind in (CORRECT, UNLABELED, NOISY, BOUNDARY)
    }
    shares[SPURIOUS] = counts[SPURIOUS] / n_predicted if n_predicted else None
    return {
        **shares,
        "counts": {kind: counts[kind] for kind in shares},
        "confusion": {row: dict(sorted(confusion[row].items())) for row in sorted(confusion)},
    }
