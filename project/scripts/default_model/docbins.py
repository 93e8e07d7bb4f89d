"""The chosen sentences in spaCy's binary format, for `spacy train configs/smollm2_135m.cfg`."""

import random
from collections.abc import Mapping, Sequence
from pathlib import Path

import spacy
from prompts import Sentence, relabel
from spacy.tokens import DocBin

from spacy_gner.corpora.passage import Passage, make_example
from spacy_gner.formats.tagged_words import decode_tags

SILVER = "silver"
# Sentences of one annotated data set at most, and the share of the open-type passages.
MAX_OF_A_SET = 2000
SILVER_SHARE = 0.4


def write_docbin(
    path: Path,
    sets: Mapping[str, Sequence[Sentence]],
    inventories: Mapping[str, Sequence[str]],
    rng: random.Random,
    limit: int = 0,
) -> int:
    """Mix and shuffle data sets. Open-type passages are repeated up to their share; every
    copy has its labels in other words, and meets other labels in training.

    path (Path): The file, ending in ".spacy".
    sets (Mapping[str, Sequence[Sentence]]): Sentences by data set.
    inventories (Mapping[str, Sequence[str]]): The labels of the annotated data sets.
    rng (random.Random): Decides.
    limit (int): Documents at most; 0: all.
    RETURNS (int): The number of documents.
    """
    gold = [s for name, rows in sets.items() if name != SILVER for s in rows[:MAX_OF_A_SET]]
    silver = list(sets.get(SILVER, ()))
    times = round(len(gold) * SILVER_SHARE / (1 - SILVER_SHARE) / len(silver)) if silver else 0
    rows = gold + silver * max(1, times)
    rng.shuffle(rows)
    nlp = spacy.blank("en")
    docs = DocBin(store_user_data=True)
    for row in rows[: limit or None]:
        docs.add(make_example(nlp, to_passage(row, inventories, rng)).reference)
    path.parent.mkdir(parents=True, exist_ok=True)
    docs.to_disk(path)
    return len(docs)


def to_passage(
    sentence: Sentence, inventories: Mapping[str, Sequence[str]], rng: random.Random
) -> Passage:
    """RETURNS (Passage): The sentence in the form of the package's readers."""
    is_open = sentence.source == SILVER
    if is_open:
        # Labels are left out by the training itself.
        sentence, labels, _ = relabel(sentence, rng, dropout=0.0)
    else:
        labels = list(inventories[sentence.source])
    return Passage(
        words=sentence.words,
        entities=decode_tags(sentence.tags),
        labels=labels,
        is_open=is_open,
    )
