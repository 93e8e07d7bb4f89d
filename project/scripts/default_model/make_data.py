"""Choose the training data of the default model and write its prompts.

Reads DATA/gold/index.json, DATA/gold/NAME/{train,dev}.jsonl.gz and DATA/silver/*.txt; writes
OUTPUT/prompts.jsonl.gz (a balanced share with prompts, for `train.py`), OUTPUT/train.spacy and
OUTPUT/dev.spacy (all that is taken, for `spacy train`), and the table of data sets.
"""

import argparse
import gzip
import json
import random
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import spacy
from docbins import write_docbin
from prompts import OpenLabels, Sentence, closed_prompt, open_prompt
from report import write_report
from selection import DEFAULT_SHARE, SHARES, ZERO_SHOT, decide

from spacy_gner.corpora.corpus import InlineCorpus

MAX_OF_A_SET = 4000
SAMPLE = Path(__file__).parents[2] / "assets" / "sample_*.txt"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--report", type=Path, help="where to write the table of data sets")
    parser.add_argument("--limit", type=int, default=0, help="documents of train.spacy; 0: all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--size", type=float, default=1.0, help="multiplies the number of prompts, roughly"
    )
    args = parser.parse_args()
    rng = random.Random(args.seed)
    index = json.loads((args.data / "gold" / "index.json").read_text(encoding="utf8"))
    decisions = {
        e["name"]: decide(e["name"], e["licence"], "train" in e["sentences"]) for e in index
    }
    taken = [entry for entry in index if decisions[entry["name"]].taken]
    inventories = {entry["name"]: sorted(entry["labels"]) for entry in taken}
    train: dict[str, list[Sentence]] = {}
    dev: dict[str, list[Sentence]] = {}
    for name in inventories:
        folder = args.data / "gold" / name
        sentences = read_gold(folder / "train.jsonl.gz", name)
        rng.shuffle(sentences)
        train[name] = thin_empty(sentences[: 2 * MAX_OF_A_SET], 0.15)[:MAX_OF_A_SET]
        if (folder / "dev.jsonl.gz").exists():
            dev[name] = read_gold(folder / "dev.jsonl.gz", name)
    train["silver"] = read_silver(args.data / "silver")
    # The sample of the project shows what training brings: the model must not know it.
    known = benchmark_texts(args.data / "gold") | {text_of(s) for s in read_silver(SAMPLE)}
    train = {name: [s for s in rows if text_of(s) not in known] for name, rows in train.items()}
    lines = [to_line(*pair) for pair in short_run(train, inventories, args.size, rng)]
    rng.shuffle(lines)
    write_lines(args.output / "prompts.jsonl.gz", lines)
    n_silver = sum(line["source"] == "silver" for line in lines)
    print(f"{len(lines)} prompts, {n_silver} of them silver")
    few = {name: [s for s in rows if 4 <= len(s.words) <= 40][:8] for name, rows in dev.items()}
    n_dev = write_docbin(args.output / "dev.spacy", few, inventories, rng)
    n_train = write_docbin(args.output / "train.spacy", train, inventories, rng, args.limit)
    print(f"train.spacy: {n_train} documents, dev.spacy: {n_dev}")
    if args.report:
        write_report(args.report, index, decisions, args.size)


def short_run(
    train: dict[str, list[Sentence]],
    inventories: dict[str, list[str]],
    size: float,
    rng: random.Random,
) -> Iterator[tuple[Sentence, list[str]]]:
    """Choose the sentences for a run without a GPU.

    train (dict[str, list[Sentence]]): The sentences of every data set, and "silver".
    inventories (dict[str, list[str]]): The labels of every data set.
    size (float): Multiplies the share of every data set and of the longer passages.
    rng (random.Random): Decides.
    YIELDS (tuple[Sentence, list[str]]): A sentence and its prompt: a share of every data
        set, all open-type passages up to 40 words, and some of the longer ones.
    """
    for name, inventory in inventories.items():
        for sentence in pick(train[name], round(size * SHARES.get(name, DEFAULT_SHARE)), rng):
            yield closed_prompt(vary(sentence, rng), inventory, rng)
    labels = OpenLabels(train["silver"])
    for passage in train["silver"]:
        if len(passage.words) <= 40 or (len(passage.words) <= 70 and rng.random() < 0.2 * size):
            yield open_prompt(vary(passage, rng), labels, rng)


def read_gold(path: Path, name: str) -> list[Sentence]:
    """RETURNS (list[Sentence]): The sentences of a file."""
    with gzip.open(path, "rt", encoding="utf8") as file:
        records = [json.loads(line) for line in file]
    return [Sentence(r["words"], r["labels"], name) for r in records if r["words"]]


def text_of(sentence: Sentence) -> str:
    """RETURNS (str): The words, for comparison: lower-cased."""
    return " ".join(sentence.words).lower()


def benchmark_texts(folder: Path) -> set[str]:
    """RETURNS (set[str]): The sentences of the zero-shot benchmark, of all splits that
    are there. No data set may smuggle one of them in."""
    paths = [path for name in sorted(ZERO_SHOT) for path in (folder / name).glob("*.jsonl.gz")]
    return {text_of(sentence) for path in paths for sentence in read_gold(path, path.parent.name)}


def read_silver(folder: Path) -> list[Sentence]:
    """RETURNS (list[Sentence]): The passages with open types, of a directory or a pattern."""
    nlp = spacy.blank("en")
    passages = []
    for example in InlineCorpus(folder)(nlp):
        tokens = [token for token in example.reference if not token.is_space]
        tags = [
            f"{token.ent_iob_}-{token.ent_type_}" if token.ent_type_ else "O" for token in tokens
        ]
        spaces = [bool(token.whitespace_) for token in tokens]
        words, tags = join_hyphens([token.text for token in tokens], tags, spaces)
        passages.append(Sentence(words, tags, "silver"))
    return passages


def join_hyphens(
    words: list[str], tags: list[str], spaces: list[bool]
) -> tuple[list[str], list[str]]:
    """Put compounds with a hyphen together again: spaCy splits them, the tokenization of
    most annotated corpora does not. A compound that is an entity in part stays split.

    words (list[str]): N words.
    tags (list[str]): Their BIO tags.
    spaces (list[bool]): Whether a blank follows each.
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


def thin_empty(sentences: list[Sentence], share: float) -> list[Sentence]:
    """RETURNS (list[Sentence]): With at most this share of sentences without entities."""
    n_full = sum(bool(sentence.present) for sentence in sentences)
    quota = int(n_full * share / (1 - share))
    kept = []
    for sentence in sentences:
        if not sentence.present:
            if not quota:
                continue
            quota -= 1
        kept.append(sentence)
    return kept


def pick(sentences: list[Sentence], n: int, rng: random.Random) -> list[Sentence]:
    """Choose sentences for a short run: short ones, rare labels first.

    sentences (list[Sentence]): Of one data set, shuffled.
    n (int): How many.
    rng (random.Random): Decides.
    RETURNS (list[Sentence]): At most n.
    """
    short = [s for s in sentences if 4 <= len(s.words) <= 40]
    full = [s for s in short if s.present]
    empty = [s for s in short if not s.present][: n // 12]
    seen: dict[str, int] = {}
    chosen: list[Sentence] = []
    waiting: list[Sentence] = []
    limit = max(3, n // 8)
    for sentence in full:
        if len(chosen) + len(empty) >= n:
            break
        if min(seen.get(label, 0) for label in sentence.present) >= limit:
            waiting.append(sentence)
            continue
        for label in sentence.present:
            seen[label] = seen.get(label, 0) + 1
        chosen.append(sentence)
    chosen += waiting[: max(0, n - len(chosen) - len(empty))]
    return chosen + empty


def vary(sentence: Sentence, rng: random.Random) -> Sentence:
    """RETURNS (Sentence): One short sentence of five as a lower-cased query."""
    short = len(sentence.words) <= 25
    return sentence.lowered() if short and rng.random() < 0.2 else sentence


def to_line(sentence: Sentence, prompt: list[str]) -> dict[str, Any]:
    """RETURNS (dict): The sentence and its prompt for JSON."""
    return {
        "words": sentence.words,
        "labels": sentence.tags,
        "prompt": prompt,
        "source": sentence.source,
    }


def write_lines(path: Path, lines: Iterable[dict[str, Any]]) -> None:
    """Write JSON lines, with the same bytes for the same lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as raw, gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as file:
        for line in _dumped(lines):
            file.write(line)


def _dumped(lines: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    for line in lines:
        yield (json.dumps(line, ensure_ascii=False) + "\n").encode("utf8")


if __name__ == "__main__":
    main()
