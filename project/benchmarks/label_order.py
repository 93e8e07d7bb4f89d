"""How much the order of the labels in the prompt changes the answer.

    python project/benchmarks/label_order.py --data NAME=PATH [--data ...] [--orders 3]

Every sentence is asked for its labels in several orders (drawn anew for each sentence). Prints the
flip rate, which is the share of all entities found in any order that are not found in every one,
strict F1 of each order, and of the entities that most orders agree on (self-consistency: Wang
et al. 2023), which costs as many times as much.
"""

import argparse
import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import spacy
from spacy.tokens import Doc

import spacy_gner
from spacy_gner.evaluation.data import Selection, read_dataset
from spacy_gner.evaluation.records import Mention


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", help="pipeline, or name or directory of a model")
    parser.add_argument("--data", action="append", required=True, help="NAME=PATH, as of evaluate")
    parser.add_argument("--orders", type=int, default=3)
    parser.add_argument("--limit", type=int, help="sentences of each data set")
    parser.add_argument("--dtype")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    nlp = spacy_gner.load(args.model, dtype=args.dtype)
    blank = spacy.blank("en")
    total: list[tuple[set[Mention], list[set[Mention]]]] = []
    for pair in args.data:
        name, _, path = pair.partition("=")
        selection = Selection(limit=args.limit, seed=args.seed)
        dataset = read_dataset(name, Path(path), selection, blank)
        rng = random.Random(args.seed)
        found = []
        for sentence in dataset.sentences:
            docs = []
            for labels in draw_orders(sentence.labels, args.orders, rng):
                doc = Doc(nlp.vocab, words=list(sentence.words))
                doc._.gner_labels = labels
                docs.append(doc)
            answers = [
                {Mention(ent.start, ent.end, ent.label_) for ent in doc.ents}
                for doc in nlp.pipe(docs)
            ]
            found.append((set(sentence.gold), answers))
        print(summary(name, found))
        total += found
    if len(args.data) > 1:
        print(summary("together", total))


def draw_orders(labels: Sequence[str], n: int, rng: random.Random) -> list[list[str]]:
    """RETURNS (list[list[str]]): The labels as they are, and in n - 1 random orders."""
    return [list(labels), *(rng.sample(list(labels), len(labels)) for _ in range(n - 1))]


def flip_rate(answers: Sequence[set[Mention]]) -> tuple[int, int]:
    """answers (Sequence[set[Mention]]): What each order found in one sentence.
    RETURNS (tuple[int, int]): Entities that some order misses, and entities of any order."""
    anywhere = set.union(*answers)
    return len(anywhere - set.intersection(*answers)), len(anywhere)


def vote(answers: Sequence[set[Mention]]) -> set[Mention]:
    """RETURNS (set[Mention]): What more than half of the answers have. No two of them overlap,
    since some answer has both."""
    counts = Counter(mention for answer in answers for mention in answer)
    return {mention for mention, n in counts.items() if 2 * n > len(answers)}


def f1(pairs: Sequence[tuple[set[Mention], set[Mention]]]) -> float:
    """pairs (Sequence[tuple[set[Mention], set[Mention]]]): Gold and predicted entities.
    RETURNS (float): Strict F1 in percent."""
    n_right = sum(len(gold & predicted) for gold, predicted in pairs)
    n_all = sum(len(gold) + len(predicted) for gold, predicted in pairs)
    return 200 * n_right / n_all if n_all else 100.0


def summary(name: str, found: Sequence[tuple[set[Mention], list[set[Mention]]]]) -> str:
    """RETURNS (str): One line on a data set."""
    counts = [flip_rate(answers) for _, answers in found]
    n_flipped, n_all = (sum(column) for column in zip(*counts, strict=True))
    n_orders = len(found[0][1])
    single = [f1([(gold, answers[i]) for gold, answers in found]) for i in range(n_orders)]
    voted = f1([(gold, vote(answers)) for gold, answers in found])
    orders = " ".join(f"{value:.1f}" for value in single)
    return (
        f"{name}: {len(found)} sentences, {n_flipped} of {n_all} entities change "
        f"({n_flipped / max(1, n_all):.1%}); F1 by order {orders}, by vote {voted:.1f}"
    )


if __name__ == "__main__":
    main()
