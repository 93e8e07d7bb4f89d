"""Count the passages that share a run of words with a sentence of an annotated set.

    python overlap.py --data DATA [--words 8] [--show 10]

The passages are said to be original. A shared run that is more than a list of names, or more than a
phrase that everybody writes, would be a copy.
"""

import argparse
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from passages import read_gold, read_passages
from stream import ASSETS

Run = tuple[str, ...]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="see docs/data.md")
    parser.add_argument("--words", type=int, default=8, help="length of a run")
    parser.add_argument("--show", type=int, default=0, help="how many runs to print")
    args = parser.parse_args()
    patterns = (
        args.data / "silver" / "*.txt",
        args.data / "silver2" / "part-*.txt",
        ASSETS / "graded.txt",
    )
    passages = [
        " ".join(split.words)
        for pattern in patterns
        for _, split in read_passages(pattern, "passages")
    ]
    sentences = (
        (path.parent.name, " ".join(sentence.words))
        for path in sorted((args.data / "gold").glob("*/*.jsonl.gz"))
        for sentence in read_gold(path, path.parent.name)
    )
    shared = shared_runs(passages, sentences, args.words)
    sets = Counter(name for runs in shared.values() for name in {name for name, _ in runs})
    print(f"{len(shared)} of {len(passages)} passages share {args.words} words in a row.")
    print(", ".join(f"{name}: {count}" for name, count in sets.most_common()))
    for number, runs in sorted(shared.items())[: args.show]:
        print(f"{passages[number][:70]}: {' | '.join(sorted({run for _, run in runs})[:3])}")


def shared_runs(
    passages: Iterable[str], sentences: Iterable[tuple[str, str]], length: int
) -> dict[int, list[tuple[str, str]]]:
    """Find what passages share with annotated sentences. Case and punctuation do not count.

    passages (Iterable[str]): Texts.
    sentences (Iterable[tuple[str, str]]): Name of a set and a text, for each sentence.
    length (int): Words of a run.
    RETURNS (dict[int, list[tuple[str, str]]]): For the number of each passage that has any: set
        and run.
    """
    places: dict[Run, set[int]] = defaultdict(set)
    for number, passage in enumerate(passages):
        for run in runs_of(passage, length):
            places[run].add(number)
    found: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for name, sentence in sentences:
        for run in runs_of(sentence, length):
            for number in places.get(run, ()):
                found[number].append((name, " ".join(run)))
    return dict(found)


def runs_of(text: str, length: int) -> Iterator[Run]:
    """YIELDS (tuple[str, ...]): Each run of words."""
    words = re.findall(r"\w+", text.lower())
    for start in range(len(words) - length + 1):
        yield tuple(words[start : start + length])


if __name__ == "__main__":
    main()
