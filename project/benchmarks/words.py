"""What joining words at hyphens does to F1 on raw text.

    python project/benchmarks/words.py --data dev.jsonl.gz --limit 50

Sentences of corpora come as words. They are written as text here, as a user would have them,
and the tokenizer of the pipeline cuts them again; entities are compared by their characters.
"""

import gzip
import json
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

import spacy_gner

_NO_SPACE_BEFORE = re.compile(r"^(?:[,.;:!?%)\]}]|'s|n't|'(?:re|ve|ll|d|m)|''|…)$")
_NO_SPACE_AFTER = re.compile(r"^(?:[(\[{$£€#]|``)$")
_COMPOUND = re.compile(r"\w-\w")


def as_text(words: list[str]) -> tuple[str, list[tuple[int, int]]]:
    """Write words as running text.

    words (list[str]): The words.
    RETURNS (tuple[str, list[tuple[int, int]]]): The text, and where each word stands in it.
    """
    text, places = "", []
    for i, word in enumerate(words):
        glued = not i or _NO_SPACE_BEFORE.match(word) or _NO_SPACE_AFTER.match(words[i - 1])
        text += "" if glued else " "
        places.append((len(text), len(text) + len(word)))
        text += word
    return text, places


def gold_entities(tags: list[str], places: list[tuple[int, int]]) -> set[tuple[int, int, str]]:
    """RETURNS (set): Entities of BIO tags, by the characters of their words."""
    found: list[tuple[int, int, str]] = []
    for tag, (start, end) in zip(tags, places, strict=True):
        if tag.startswith("I-") and found and found[-1][2] == tag[2:]:
            found[-1] = (found[-1][0], end, tag[2:])
        elif tag != "O":
            found.append((start, end, tag[2:]))
    return set(found)


def read(path: Path, limit: int, seed: int, compounds: bool) -> list[dict[str, Any]]:
    """RETURNS (list[dict]): Sentences in random order, only those with a compound if wanted."""

    def lines() -> Iterator[dict[str, Any]]:
        with gzip.open(path, "rt", encoding="utf8") as file:
            yield from map(json.loads, file)

    records = list(lines())
    random.Random(seed).shuffle(records)
    wanted = [
        r
        for r in records
        if len(r["words"]) <= 40
        and (not compounds or any(_COMPOUND.search(word) for word in r["words"]))
    ]
    return wanted[:limit]


def main(
    data: Annotated[list[Path], typer.Option(help="JSONL.gz files of words and BIO labels.")],
    limit: Annotated[int, typer.Option(help="Sentences of each file.")] = 50,
    seed: Annotated[int, typer.Option(help="Of their choice.")] = 0,
    compounds: Annotated[bool, typer.Option(help="Only sentences with a compound.")] = True,
    model: Annotated[str | None, typer.Option(help="None is the default model.")] = None,
    show: Annotated[bool, typer.Option(help="Print where the two differ.")] = False,
) -> None:
    """Print F1 of each file with words apart and joined."""
    print(f"{'':24}{'sentences':>10}{'apart':>8}{'joined':>8}")
    totals = {"apart": [0, 0, 0], "joined": [0, 0, 0]}
    pipelines = {}
    for name, join in (("apart", False), ("joined", True)):
        window = {"@misc": "spacy_gner.Window.v1", "join_hyphens": join}
        pipelines[name] = spacy_gner.load(model, ["any"], settings={"window": window})
    for path in data:
        records = read(path, limit, seed, compounds)
        types = {tag[2:] for r in records for tag in r["labels"] if tag != "O"}
        labels = sorted(types - {"miscellaneous"})
        scores = []
        answers: dict[str, list[set[tuple[int, int, str]]]] = {}
        for name, nlp in pipelines.items():
            nlp.get_pipe("gner").set_labels({label: label for label in labels})
            counts = [0, 0, 0]
            for record in records:
                text, places = as_text(record["words"])
                gold = gold_entities(record["labels"], places)
                gold = {entity for entity in gold if entity[2] in labels}
                found = {(e.start_char, e.end_char, e.label_) for e in nlp(text).ents}
                answers.setdefault(name, []).append(found)
                for i, n in enumerate((len(gold & found), len(found), len(gold))):
                    counts[i] += n
                    totals[name][i] += n
            scores.append(f1(counts))
        for record, apart, joined in zip(records, *answers.values(), strict=True):
            if show and apart != joined:
                text, places = as_text(record["words"])
                gold = gold_entities(record["labels"], places)
                for sign, entities in (("-", apart - joined), ("+", joined - apart)):
                    for start, end, label in sorted(entities):
                        right = "right" if (start, end, label) in gold else "wrong"
                        print(f"  {sign} {text[start:end]} ({label}): {right}", flush=True)
        stem = f"{path.parent.name}/{path.name.split('.')[0]}"
        print(f"{stem:24}{len(records):10}{scores[0]:8.1f}{scores[1]:8.1f}", flush=True)
    print(f"{'all':34}{f1(totals['apart']):8.1f}{f1(totals['joined']):8.1f}")


def f1(counts: list[int]) -> float:
    """RETURNS (float): F1 in percent of [right, found, gold]."""
    right, found, gold = counts
    return 200.0 * right / max(1, found + gold)


if __name__ == "__main__":
    typer.run(main)
