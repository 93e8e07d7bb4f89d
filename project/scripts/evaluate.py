"""Scores of a trained pipeline beside those of the model that it was trained from."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from spacy_gner.evaluation.metrics import load_metrics

Scores = Mapping[str, Any]


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table of two evaluations of the same passages. Exits with status 1 if F1 did
    not rise."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("before", type=Path, help="output of `python -m spacy_gner evaluate`")
    parser.add_argument("after", type=Path, help="likewise, for the trained pipeline")
    parser.add_argument(
        "--min-gain", type=float, default=0.0, help="points of F1 that it must rise"
    )
    parser.add_argument("--rows", type=int, default=15, help="labels that are printed")
    args = parser.parse_args(arguments)
    before, after = (read_scores(path) for path in (args.before, args.after))
    print_table(before, after, args.rows)
    gain = 100 * (after["f"] - before["f"])
    print(f"\nF1 {'rose' if gain > 0 else 'did not rise'}: {gain:+.1f} points")
    if gain <= args.min_gain:
        sys.exit(1)


def read_scores(path: Path) -> Scores:
    """Read the strict scores of the only data set of an evaluation.

    path (Path): The output directory.
    RETURNS (dict): "p", "r", "f" in [0, 1] and "gold" (a count), and "per_type": label to
        the same.
    """
    (dataset,) = load_metrics(path)["datasets"]
    return {**dataset["strict"], "gold": dataset["n_gold"]}


def print_table(before: Scores, after: Scores, n_rows: int) -> None:
    """Print the most frequent labels and the overall scores.

    before (Mapping), after (Mapping): From `read_scores`, of the same passages.
    n_rows (int): Labels to print.
    """
    print(f"{'':<26}{'':>6}{'before':>21}{'after':>21}")
    print(f"{'label':<26}{'gold':>6}" + f"{'P':>9}{'R':>6}{'F1':>6}" * 2)
    types = before["per_type"]
    labels = [label for label, scores in types.items() if scores["gold"]]
    labels.sort(key=lambda label: (-types[label]["gold"], label))
    for label in labels[:n_rows]:
        _print_row(label, types[label], after["per_type"][label])
    if len(labels) > n_rows:
        print(f"… and {len(labels) - n_rows} more labels")
    _print_row("all", before, after)


def _print_row(name: str, before: Scores, after: Scores) -> None:
    cells = "".join(
        f"{100 * s['p']:>9.1f}{100 * s['r']:>6.1f}{100 * s['f']:>6.1f}" for s in (before, after)
    )
    print(f"{name[:25]:<26}{before['gold']:>6}{cells}")


if __name__ == "__main__":
    main()
