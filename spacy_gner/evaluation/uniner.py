"""The F1 of UniversalNER, which the authors of GNER report (Tables 2, 3 and 11)."""

import re
import string
from collections.abc import Iterable
from typing import Any

from spacy.scorer import PRFScore

from .records import Mention, ScoredSentence
from .strict import prf_dict

_ARTICLE = re.compile(r"\b(a|an|the)\b")
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalize_text(text: str) -> str:
    """Lower case, ASCII punctuation and English articles removed, white space collapsed.

    The order matters: punctuation goes first, so "the-end" becomes "theend".

    text (str): The text of an entity, or a label.
    RETURNS (str): May be empty (the entity "The").
    """
    without_punctuation = text.lower().translate(_NO_PUNCTUATION)
    return " ".join(_ARTICLE.sub(" ", without_punctuation).split())


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


def count_uniner(sentence: ScoredSentence) -> PRFScore:
    """Hits, false alarms and misses of one sentence by distinct normalized entities."""
    gold = normalized_entities(sentence.words, sentence.gold)
    predicted = normalized_entities(sentence.words, sentence.predicted)
    hits = len(gold & predicted)
    return PRFScore(tp=hits, fp=len(predicted) - hits, fn=len(gold) - hits)


def score_uniner(sentences: Iterable[ScoredSentence]) -> dict[str, Any]:
    """Micro-averaged precision, recall and F1 over distinct normalized entities.

    sentences (Iterable[ScoredSentence]): The sentences of a data set.
    RETURNS (dict): `p`, `r`, `f` in [0, 1] or None where there is nothing to count.
    """
    totals = PRFScore()
    for sentence in sentences:
        totals += count_uniner(sentence)
    return prf_dict(totals)
