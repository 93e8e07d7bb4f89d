"""Dev sentences: of annotated sets that are not trained on and are no relatives of the zero-shot
benchmark, and of passages with graded types.

    python dev.py --data DATA --output DEV [--wide]

Writes a `.spacy` file for each set, for `python -m spacy_gner evaluate` and `calibrate`. Licenses
do not matter here, since nothing is learned from these sentences but which checkpoint ships.
"""

import argparse
import json
import random
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import spacy
from graded import GradedTypes, graded_prompt
from passages import read_gold, read_passages, text_of
from prompts import Sentence
from selection import NOT_USEFUL, PARTIAL, TOO_CLOSE, ZERO_SHOT, decide
from spacy.tokens import DocBin
from stream import Stream, dev_numbers, training_passages

from spacy_gner.corpora.passage import Passage, make_example
from spacy_gner.formats.tagged_words import decode_tags

# Sentences of each set. Types of persons and places of all grades (figer_gold), tweets (wnut16),
# spoken queries (atis), farming and geology, and plain news.
SETS = {
    "figer_gold": 110,
    "wnut16": 80,
    "atis": 70,
    "agriner": 60,
    "conll04": 60,
    "ozrock": 60,
}
# Sets whose test part alone is too small.
WITH_TRAIN = {"figer_gold"}
VAGUE = {"other entity", "miscellaneous"}
MAX_LABELS = 14
# Sentences of each set with `--wide`.
N_WIDE = 24


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="see docs/data.md")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument(
        "--wide",
        action="store_true",
        help="instead, 24 sentences of every other set that is not trained on",
    )
    args = parser.parse_args()
    args.output.mkdir(parents=True, exist_ok=True)
    index = json.loads((args.data / "gold" / "index.json").read_text(encoding="utf8"))
    if args.wide:
        write_wide(args.data, index, args.output)
        return
    for entry in index:
        if entry["name"] in SETS:
            rows = gold_rows(
                args.data / "gold" / entry["name"],
                entry["name"],
                entry["labels"],
                SETS[entry["name"]],
            )
            write(args.output / f"{entry['name']}.spacy", rows)
    write(args.output / "graded.spacy", graded_rows(args.data / "silver2"))


def write_wide(data: Path, index: list[dict[str, Any]], output: Path) -> None:
    """Write dev sentences of all sets with three labels or more that are not trained on (mostly for
    their licenses), are not in `SETS`, and no relatives of the zero-shot benchmark: what a few sets
    are too few to decide.

    data (Path): See docs/data.md.
    index (list[dict[str, Any]]): The sets.
    output (Path): Gets a docbin for each.
    """
    # The seed of the run that made version 2.0.
    trained = Stream(data, (), 21).gold_texts()
    refused = {*ZERO_SHOT, *TOO_CLOSE, *PARTIAL, *NOT_USEFUL, *SETS}
    for entry in index:
        name, splits = entry["name"], entry["sentences"]
        is_taken = decide(name, entry["licence"], "train" in splits).taken
        n_labels = len(set(entry["labels"]) - VAGUE)
        if is_taken or name in refused or "test" not in splits or n_labels < 3:
            continue
        rows = gold_rows(data / "gold" / name, name, entry["labels"], 2 * N_WIDE)
        rows = [row for row in rows if text_of(row[0]) not in trained]
        full = [row for row in rows if row[0].present][: N_WIDE - N_WIDE // 8]
        empty = [row for row in rows if not row[0].present][: N_WIDE // 8]
        write(output / f"{name}.spacy", full + empty)


def gold_rows(
    folder: Path, name: str, counts: dict[str, int], n: int
) -> list[tuple[Sentence, list[str]]]:
    """Choose sentences of an annotated set, seven of eight with entities.

    folder (Path): Of the set.
    name (str): Its name.
    counts (dict[str, int]): Its labels.
    n (int): How many sentences at most.
    RETURNS (list[tuple[Sentence, list[str]]]): Sentences, and the most frequent labels.
    """
    rng = random.Random(f"dev of {name}")
    labels = sorted((t for t in counts if t not in VAGUE), key=lambda t: (-counts[t], t))
    labels = labels[:MAX_LABELS]
    splits = ("test", "train") if name in WITH_TRAIN else ("test",)
    rows = [row for split in splits for row in read_gold(folder / f"{split}.jsonl.gz", name)]
    rows = [row.renamed({t: t for t in labels}) for row in rows if 4 <= len(row.words) <= 50]
    rng.shuffle(rows)
    n_empty = n // 8
    empty = [row for row in rows if not row.present][:n_empty]
    full = [row for row in rows if row.present][: n - n_empty]
    return [(row, labels) for row in full + empty]


def graded_rows(folder: Path) -> list[tuple[Sentence, list[str]]]:
    """folder (Path): With the passages.
    RETURNS (list[tuple[Sentence, list[str]]]): Those kept for dev, one prompt each."""
    passages = read_passages(folder / "part-*.txt", "graded")
    types = GradedTypes([joined for joined, _ in training_passages(passages)])
    return [
        graded_prompt(passages[i][0], types, random.Random(f"dev {i}"))
        for i in sorted(dev_numbers(passages))
    ]


def write(path: Path, rows: Iterable[tuple[Sentence, list[str]]]) -> None:
    """path (Path): Of the docbin.
    rows (Iterable[tuple[Sentence, list[str]]]): Sentences and the labels they are asked for."""
    nlp = spacy.blank("en")
    docs = DocBin(store_user_data=True)
    for sentence, labels in rows:
        entities = decode_tags(sentence.tags)
        passage = Passage(sentence.words, entities, labels)
        docs.add(make_example(nlp, passage).reference)
    docs.to_disk(path)
    print(f"{path.name}: {len(docs)} sentences")


def dev_texts(folder: Path) -> set[str]:
    """folder (Path): What `main` wrote.
    RETURNS (set[str]): Its sentences, as `text_of` gives them."""
    nlp = spacy.blank("en")
    paths = sorted(folder.glob("*.spacy"))
    if not paths:
        raise SystemExit(f"No dev sentences in {folder}: run dev.py first.")
    docs = (doc for path in paths for doc in DocBin().from_disk(path).get_docs(nlp.vocab))
    return {text_of(Sentence([t.text for t in doc], [], "dev")) for doc in docs}


if __name__ == "__main__":
    main()
