"""Reading the data: annotated sets, and passages with their entities in brackets."""

import gzip
import json
import random
from collections.abc import Sequence
from pathlib import Path

import spacy
from prompts import Sentence
from selection import ZERO_SHOT

from spacy_gner.corpora.corpus import InlineCorpus


def read_gold(path: Path, name: str) -> list[Sentence]:
    """RETURNS (list[Sentence]): The sentences of a file."""
    with gzip.open(path, "rt", encoding="utf8") as file:
        records = [json.loads(line) for line in file]
    return [Sentence(r["words"], r["labels"], name) for r in records if r["words"]]


def read_passages(path: Path, source: str) -> list[tuple[Sentence, Sentence]]:
    """Read passages of a directory or a pattern. A pipeline meets both kinds of words: those of
    corpora, and those of spaCy's tokenizer.

    path (Path): Text files with a passage a line, entities as `[mention](type)`.
    source (str): For the sentences.
    RETURNS (list[tuple[Sentence, Sentence]]): Each passage with compounds with a hyphen
        as one word, and with the words that spaCy makes of them.
    """
    nlp = spacy.blank("en")
    passages = []
    for example in InlineCorpus(path)(nlp):
        tokens = [token for token in example.reference if not token.is_space]
        words = [token.text for token in tokens]
        tags = [f"{t.ent_iob_}-{t.ent_type_}" if t.ent_type_ else "O" for t in tokens]
        joined = join_hyphens(words, tags, [bool(token.whitespace_) for token in tokens])
        passages.append((Sentence(*joined, source), Sentence(words, tags, source)))
    return passages


def join_hyphens(
    words: Sequence[str], tags: Sequence[str], spaces: Sequence[bool]
) -> tuple[list[str], list[str]]:
    """Put compounds with a hyphen together again: spaCy splits them, the tokenization of
    most annotated corpora does not. A compound that is an entity in part stays split.

    words (Sequence[str]): N words.
    tags (Sequence[str]): Their BIO tags.
    spaces (Sequence[bool]): Whether a blank follows each.
    RETURNS (tuple[list[str], list[str]]): At most N words, and their tags.
    """
    new_words: list[str] = []
    new_tags: list[str] = []
    open_end = False
    for word, tag, space in zip(words, tags, spaces, strict=True):
        is_whole = tag == "O" if not new_tags or new_tags[-1] == "O" else tag[:2] == "I-"
        if open_end and is_whole and (word == "-" or new_words[-1].endswith("-")):
            new_words[-1] += word
        else:
            new_words.append(word)
            new_tags.append(tag)
        open_end = not space and new_words[-1][-1:] not in ".,;:!?)(\"'"
    return new_words, new_tags


def text_of(sentence: Sentence) -> str:
    """RETURNS (str): The words, for comparison: lower-cased."""
    return " ".join(sentence.words).lower()


def benchmark_texts(folder: Path) -> set[str]:
    """folder (Path): Of the annotated sets.
    RETURNS (set[str]): The sentences of the zero-shot benchmark, of all splits that are
        there. No data set may smuggle one of them in."""
    paths = [path for name in sorted(ZERO_SHOT) for path in (folder / name).glob("*.jsonl.gz")]
    return {text_of(sentence) for path in paths for sentence in read_gold(path, path.parent.name)}


def vary(sentence: Sentence, rng: random.Random) -> Sentence:
    """RETURNS (Sentence): One short sentence of five as a lower-cased query."""
    short = len(sentence.words) <= 25
    return sentence.lowered() if short and rng.random() < 0.2 else sentence
