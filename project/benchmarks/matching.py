"""How fast outputs are matched with their words: the paper's Table 5, and longer ones.

    python project/benchmarks/matching.py [--json FILE] [--data FILE.jsonl.gz ...]

Compares in one run, all in this process, folding of case included:

- the table of size N², in pure Python, the baseline of Table 5;
- Hunt and Szymanski (1977), O(N log N) for few repeated words, in pure Python;
- ours: `spacy_gner.LCSMatcher.v1` as the pipeline calls it.

The outputs are sentences damaged by omission, addition and substitution, mixed as in the
paper's Table 9 for GNER-T5. No output is without damage: equal lists take no search.
"""

import argparse
import gzip
import json
import platform
import random
import sys
import time
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

from spacy_gner.matching import LCSMatcher

BUCKETS = [(1, 60), (60, 100), (100, 200), (400, 800)]
# Shares of omission, addition and substitution (Table 9, GNER-T5).
MIX = [0.23, 0.02, 0.75]
Alignment = list[int | None]
Matching = Callable[[Sequence[str], Sequence[str]], Alignment]
our_matcher = LCSMatcher()


def fold(words: Sequence[str]) -> list[str]:
    return [word.casefold() for word in words]


def table(words: Sequence[str], predicted: Sequence[str]) -> Alignment:
    """The textbook's dynamic program."""
    a, b = fold(words), fold(predicted)
    lengths = [[0] * (len(b) + 1)]
    for x in a:
        last, row = lengths[-1], [0]
        for j, y in enumerate(b):
            row.append(last[j] + 1 if x == y else max(last[j + 1], row[j]))
        lengths.append(row)
    alignment: Alignment = [None] * len(a)
    i, j = len(a), len(b)
    while i and j:
        if a[i - 1] == b[j - 1]:
            i, j = i - 1, j - 1
            alignment[i] = j
        elif lengths[i - 1][j] >= lengths[i][j - 1]:
            i -= 1
        else:
            j -= 1
    return alignment


def hunt_szymanski(words: Sequence[str], predicted: Sequence[str]) -> Alignment:
    """Longest increasing subsequence over the places where words are equal."""
    a, b = fold(words), fold(predicted)
    places: dict[str, list[int]] = {}
    for j in range(len(b) - 1, -1, -1):
        places.setdefault(b[j], []).append(j)
    ends: list[int] = []  # the smallest end in b of a common subsequence of each length
    chains: list[tuple] = []
    for i, key in enumerate(a):
        for j in places.get(key, ()):
            k = bisect_left(ends, j)
            chain = (i, j, chains[k - 1] if k else None)
            if k == len(ends):
                ends.append(j)
                chains.append(chain)
            else:
                ends[k], chains[k] = j, chain
    alignment: Alignment = [None] * len(a)
    link = chains[-1] if chains else None
    while link:
        i, j, link = link
        alignment[i] = j
    return alignment


def greedy_subsequence(words: Sequence[str], predicted: Sequence[str]) -> Alignment:
    """The paper's second step: right if nothing but omission happened (else ValueError)."""
    a, alignment = fold(words), [None] * len(words)  # type: tuple[list[str], Alignment]
    i = -1
    for j, key in enumerate(fold(predicted)):
        i = a.index(key, i + 1)
        alignment[i] = j
    return alignment


METHODS: dict[str, Matching] = {
    "table": table,
    "hunt_szymanski": hunt_szymanski,
    "ours": our_matcher,
}


def zipf_words(rng: random.Random, n_forms: int = 20_000) -> Iterator[str]:
    """An endless text: the form of rank r has frequency 1 / r; some begin with a capital."""
    forms = list(
        dict.fromkeys(
            "".join(
                rng.choices("etaoinshrdlucmfwypvbgkjqxz", k=min(12, 2 + rank.bit_length() // 2))
            )
            for rank in range(n_forms)
        )
    )
    cumulated = list(accumulate(1 / (rank + 1) for rank in range(len(forms))))
    while True:
        for word in rng.choices(forms, cum_weights=cumulated, k=1000):
            yield word.capitalize() if rng.random() < 0.15 else word


def words_of_files(paths: Sequence[Path], rng: random.Random) -> Iterator[str]:
    """An endless text: the sentences of JSONL files, shuffled."""
    sentences: list[list[str]] = []
    for path in paths:
        opener: Any = gzip.open if path.suffix == ".gz" else open
        with opener(path, "rt", encoding="utf8") as lines:
            sentences += [json.loads(line)["words"] for line in lines if line.strip()]
    if not any(sentences):
        raise SystemExit(f"There are no words in {', '.join(map(str, paths))}.")
    while True:
        rng.shuffle(sentences)
        for sentence in sentences:
            yield from sentence


def damage(words: Sequence[str], rng: random.Random, rate: float, mix: list[float]) -> list[str]:
    """Leave out, repeat or misspell words: `rate` of them, at least one."""
    damaged = set(rng.sample(range(len(words)), max(1, round(rate * len(words)))))
    predicted: list[str] = []
    for i, word in enumerate(words):
        kind = rng.choices("oas", mix)[0] if i in damaged else ""
        if kind == "s":
            predicted.append(word[:-1] + "~")
        elif kind == "a":
            predicted += [word, word]
        elif kind != "o":
            predicted.append(word)
    return predicted


def fresh(words: Sequence[str]) -> list[str]:
    """The words as new strings: none is another's object, none knows its hash yet."""
    return "\n".join(words).split("\n") if words else []


def seconds(method: Matching, pairs: Sequence[tuple], repeat: int) -> float:
    """The best of `repeat` runs per pair, mean over the pairs."""
    total = 0.0
    for pair in pairs:
        best = float("inf")
        for _ in range(repeat):
            words, predicted = fresh(pair[0]), fresh(pair[1])
            start = time.perf_counter()
            method(words, predicted)
            best = min(best, time.perf_counter() - start)
        total += best
    return total / len(pairs)


def n_matched(alignment: Alignment) -> int:
    return len(alignment) - alignment.count(None)


def measure_bucket(
    text: Iterator[str], rng: random.Random, bucket: tuple[int, int], args: argparse.Namespace
) -> dict[str, Any]:
    sentences = [[next(text) for _ in range(rng.randint(*bucket))] for _ in range(args.samples)]
    pairs = [(words, damage(words, rng, args.rate, MIX)) for words in sentences]
    for words, predicted in pairs:
        lengths = {name: n_matched(match(words, predicted)) for name, match in METHODS.items()}
        if len(set(lengths.values())) != 1:
            raise SystemExit(f"The lengths of the LCS differ: {lengths} for {words}, {predicted}")
    times = {name: seconds(match, pairs, args.repeat) for name, match in METHODS.items()}
    omitted = [(words, damage(words, rng, args.rate, [1.0, 0.0, 0.0])) for words in sentences]
    return {
        "words": list(bucket),
        "samples": len(pairs),
        "seconds": times,
        "table_over_ours": times["table"] / times["ours"],
        "hunt_szymanski_over_ours": times["hunt_szymanski"] / times["ours"],
        "table_over_hunt_szymanski": times["table"] / times["hunt_szymanski"],
        "only_omission_greedy_over_ours": seconds(greedy_subsequence, omitted, args.repeat)
        / seconds(our_matcher, omitted, args.repeat),
    }


def main(argv: Sequence[str] | None = None) -> dict[str, Any]:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--data", type=Path, nargs="+", help='JSONL files with "words"')
    parser.add_argument("--samples", type=int, default=40, help="outputs per bucket")
    parser.add_argument("--repeat", type=int, default=5, help="runs per output, the best counts")
    parser.add_argument("--rate", type=float, default=0.02, help="share of damaged words")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(argv)
    rng = random.Random(args.seed)
    text = words_of_files(args.data, rng) if args.data else zipf_words(rng)

    print(f"{'words':>8} {'table':>11} {'Hunt-Szym.':>11} {'ours':>11} | ours is faster than")
    print(f"{'':>8} {'µs':>11} {'µs':>11} {'µs':>11} | table, H.-S., greedy if only omission")
    rows = []
    for bucket in BUCKETS:
        row = measure_bucket(text, rng, bucket, args)
        rows.append(row)
        micro = [f"{row['seconds'][name] * 1e6:11.1f}" for name in METHODS]
        print(
            f"{bucket[0]:>4}-{bucket[1]:<3} {' '.join(micro)} | {row['table_over_ours']:.1f}x, "
            f"{row['hunt_szymanski_over_ours']:.1f}x, {row['only_omission_greedy_over_ours']:.1f}x"
        )
    print("All three found an LCS of the same length in every case.")
    equal_words = seconds(our_matcher, [(["norz"] * 300, ["norz"] * 280)], max(args.repeat, 5))
    row = rows[BUCKETS.index((100, 200))]
    targets = [
        ("100-200 words: at least 150 times the table", row["table_over_ours"], "x", 150, True),
        ("100-200 words: at least 4 times H.-S.", row["hunt_szymanski_over_ours"], "x", 4, True),
        ("300 against 280 equal words: under 1 ms", equal_words * 1e3, " ms", 1, False),
    ]
    reached = {}
    for what, value, unit, bound, at_least in targets:
        reached[what] = value >= bound if at_least else value < bound
        print(f"{what}: {value:.3g}{unit}, {'reached' if reached[what] else 'NOT REACHED'}")
    figures = {
        "machine": {"python": platform.python_version(), "processor": platform.machine()},
        "settings": {"samples": args.samples, "repeat": args.repeat, "rate": args.rate}
        | {"seed": args.seed, "data": [path.name for path in args.data or []]},
        "buckets": rows,
        "seconds_300_against_280_equal_words": equal_words,
        "reached": reached,
    }
    if args.json:
        args.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf8")
    return figures


if __name__ == "__main__":
    sys.exit(0 if all(main()["reached"].values()) else 1)
