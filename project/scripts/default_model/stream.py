"""The endless stream of prompts. Prompt number i depends on the seed and on i alone, so that a run
which was interrupted goes on with the data that it would have seen."""

import json
import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from contrasts import Prompt, contrast_prompt, narrowed_prompt, read_contrasts
from definitions import define, read_definitions
from graded import GradedTypes, chains, graded_prompt
from passages import benchmark_texts, read_gold, read_passages, text_of, vary
from prompts import OpenLabels, Sentence, closed_prompt, open_prompt
from selection import DEFAULT_SHARE, SHARES, decide

ASSETS = Path(__file__).parents[2] / "assets"
# Of every twenty prompts.
KINDS = ("graded",) * 7 + ("silver",) * 2 + ("gold",) * 8 + ("contrast",) * 3
N_DEV_PASSAGES = 150
MAX_WORDS = 80
MAX_GOLD_WORDS = 50
MAX_OF_A_SET = 6000
# Passages of the project are few and to the point: each is met as often as three others.
REPEATED = 3

Passage = tuple[Sentence, Sentence]


@dataclass(frozen=True)
class Asked:
    """A sentence and what is asked for.

    sentence (Sentence): With its final labels.
    labels (list[str]): In the order of the prompt.
    definitions (dict[str, str]): Of some labels.
    kind (str): One of `KINDS`.
    """

    sentence: Sentence
    labels: list[str]
    definitions: dict[str, str]
    kind: str


class Stream:
    """All that is trained on.

    data (Path): See docs/data.md.
    dev_texts (Collection[str]): Sentences to leave out, as `text_of` gives them.
    seed (int): Decides about everything.
    """

    def __init__(self, data: Path, dev_texts: Collection[str], seed: int) -> None:
        self.seed = seed
        # The sample of the project shows what training brings: the model must not know it.
        known = benchmark_texts(data / "gold") | set(dev_texts)
        known |= {text_of(joined) for joined, _ in read_passages(ASSETS / "sample_*.txt", "sample")}
        self._read_gold(data / "gold", known)
        graded = training_passages(read_passages(data / "silver2" / "part-*.txt", "graded"))
        graded += REPEATED * read_passages(ASSETS / "graded.txt", "graded")
        silver = read_passages(data / "silver" / "*.txt", "silver")
        self._types = GradedTypes([joined for joined, _ in graded])
        self._passages = {"graded": _usable(graded, known), "silver": _usable(silver, known)}
        self._open_labels = OpenLabels([joined for joined, _ in self._passages["silver"]])
        self._definitions = read_definitions(data / "silver2" / "definitions.tsv")
        self._contrasts = read_contrasts(ASSETS / "contrasts.jsonl")
        self._orders: dict[str, tuple[int, list[int]]] = {}

    def _read_gold(self, folder: Path, known: Collection[str]) -> None:
        index = json.loads((folder / "index.json").read_text(encoding="utf8"))
        rng = random.Random(self.seed)
        self._inventories: dict[str, list[str]] = {}
        self._gold: dict[str, tuple[list[Sentence], list[Sentence]]] = {}
        for entry in index:
            name = entry["name"]
            if not decide(name, entry["licence"], "train" in entry["sentences"]).taken:
                continue
            self._inventories[name] = sorted(entry["labels"])
            rows = read_gold(folder / name / "train.jsonl.gz", name)
            rng.shuffle(rows)
            rows = [s for s in rows[:MAX_OF_A_SET] if 3 <= len(s.words) <= MAX_GOLD_WORDS]
            rows = [s for s in rows if text_of(s) not in known]
            full = [s for s in rows if s.present]
            if full:
                self._gold[name] = (full, [s for s in rows if not s.present])
        self._sets = sorted(self._gold)
        self._shares = [SHARES.get(name, DEFAULT_SHARE) for name in self._sets]

    def gold_texts(self) -> set[str]:
        """RETURNS (set[str]): The sentences of the annotated sets, as `text_of` gives them."""
        return {text_of(s) for rows in self._gold.values() for part in rows for s in part}

    def __call__(self, i: int) -> Asked:
        """RETURNS (Asked): Prompt number i."""
        rng = random.Random(f"{self.seed} {i}")
        kind, n = self._kind(i)
        if kind == "gold":
            name = rng.choices(self._sets, self._shares)[0]
            full, empty = self._gold[name]
            pool = empty if empty and rng.random() < 0.07 else full
            sentence = vary(rng.choice(pool), rng)
            return Asked(*closed_prompt(sentence, self._inventories[name], rng), {}, kind)
        if kind == "contrast":
            return Asked(*self._contrast(rng), kind)
        joined, split = self._passage(kind, n)
        sentence = vary(split if rng.random() < 0.35 else joined, rng)
        if kind == "graded":
            sentence, labels = graded_prompt(sentence, self._types, rng)
        else:
            sentence, labels = open_prompt(sentence, self._open_labels, rng)
        texts: dict[str, str] = {}
        if rng.random() < 0.45:
            sentence, labels, texts = define(sentence, labels, self._definitions, self._types, rng)
        return Asked(sentence, labels, texts, kind)

    def _contrast(self, rng: random.Random) -> Prompt:
        """RETURNS (tuple[Sentence, list[str], dict[str, str]]): A prompt that a definition decides,
        one of five for a passage: most passages have no wide type that a definition narrows."""
        number = 1 if rng.random() < 0.35 else 0
        passages = self._passages["graded"]
        while passages and rng.random() < 0.5:
            sentence = vary(rng.choice(passages)[number], rng)
            prompt = narrowed_prompt(sentence, self._types, self._definitions, rng)
            if prompt is not None:
                return prompt
        return contrast_prompt(rng.choice(self._contrasts)[number], rng)

    def _kind(self, i: int) -> tuple[str, int]:
        """RETURNS (tuple[str, int]): The kind of prompt i, and how many of it came before."""
        block, place = divmod(i, len(KINDS))
        kinds = list(KINDS)
        random.Random(f"{self.seed} block {block}").shuffle(kinds)
        kind = kinds[place]
        return kind, block * kinds.count(kind) + kinds[:place].count(kind)

    def _passage(self, kind: str, n: int) -> Passage:
        """RETURNS (tuple[Sentence, Sentence]): Number n of the passages, in an order that is new
        every time when all were seen."""
        passages = self._passages[kind]
        turn, place = divmod(n, len(passages))
        if kind not in self._orders or self._orders[kind][0] != turn:
            order = list(range(len(passages)))
            random.Random(f"{self.seed} {kind} {turn}").shuffle(order)
            self._orders[kind] = (turn, order)
        return passages[self._orders[kind][1][place]]


def training_passages(passages: Sequence[Passage]) -> list[Passage]:
    """RETURNS (list[tuple[Sentence, Sentence]]): The passages that are not kept for dev."""
    kept = dev_numbers(passages)
    return [passage for i, passage in enumerate(passages) if i not in kept]


def dev_numbers(passages: Sequence[Passage]) -> set[int]:
    """RETURNS (set[int]): Which passages with graded types are kept for dev."""
    usable = [
        i
        for i, (joined, _) in enumerate(passages)
        if len(chains(joined)) >= 2 and len(joined.words) <= 60
    ]
    rng = random.Random("dev of graded passages")
    return set(rng.sample(usable, min(N_DEV_PASSAGES, len(usable) // 10)))


def _usable(passages: Sequence[Passage], known: Collection[str]) -> list[Passage]:
    return [
        passage
        for passage in passages
        if len(passage[0].words) <= MAX_WORDS and text_of(passage[0]) not in known
    ]
