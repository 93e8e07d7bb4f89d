"""Scores of a trained pipeline beside those of the model that it was trained from."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import spacy
from spacy.language import Language

from spacy_gner.corpora.inline import make_inline_corpus

Scores = dict[str, Any]


def main(arguments: Sequence[str] | None = None) -> None:
    """Evaluate both pipelines on the same passages, print a table, write it as JSON. Exits with
    status 1 if F1 did not rise."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("trained", type=Path, help="directory of the trained pipeline")
    parser.add_argument("dev", type=Path, help="passages with inline markup")
    parser.add_argument("--output", type=Path, help="JSON file for the scores")
    parser.add_argument("--limit", type=int, default=0, help="passages; 0: all")
    parser.add_argument(
        "--min-gain", type=float, default=0.0, help="points of F1 that it must rise"
    )
    parser.add_argument("--rows", type=int, default=15, help="labels that are printed")
    args = parser.parse_args(arguments)
    trained = spacy.load(args.trained)
    scores = {
        "before": evaluate(untrained(trained), args.dev, args.limit),
        "after": evaluate(trained, args.dev, args.limit),
    }
    print_table(scores["before"], scores["after"], args.rows)
    if args.output is not None:
        args.output.parent.mkdir(parents=True, exist_ok=True)
        args.output.write_text(json.dumps(scores, indent=1), encoding="utf8")
    gain = 100 * (scores["after"]["f"] - scores["before"]["f"])
    print(f"\nF1 {'rose' if gain > 0 else 'did not rise'}: {gain:+.1f} points")
    if gain <= args.min_gain:
        sys.exit(1)


def untrained(trained: Language) -> Language:
    """RETURNS (Language): A pipeline with the same settings, and the weights of the source."""
    nlp = spacy.blank(str(trained.lang))
    config = trained.config.interpolate()["components"]["gner"]
    nlp.add_pipe("gner", config={k: v for k, v in config.items() if k not in ("factory", "labels")})
    return nlp


def evaluate(nlp: Language, path: Path, limit: int) -> Scores:
    """Score a pipeline on passages; each is asked for the types that occur in it.

    nlp (Language): The pipeline.
    path (Path): The passages.
    limit (int): How many; 0 for all.
    RETURNS (dict): Precision, recall and F1 ("p", "r", "f") in [0, 1], overall and "per_label",
        with the number of gold entities of each label ("n").
    """
    examples = list(make_inline_corpus(path, limit=limit)(nlp))
    gold: dict[str, int] = {}
    for example in examples:
        for ent in example.reference.ents:
            gold[ent.label_] = gold.get(ent.label_, 0) + 1
    scores = nlp.evaluate(examples)
    per_label = {
        label: {
            **(scores["ents_per_type"] or {}).get(label, {"p": 0.0, "r": 0.0, "f": 0.0}),
            "n": n,
        }
        for label, n in sorted(gold.items(), key=lambda item: (-item[1], item[0]))
    }
    overall = {key: scores[f"ents_{key}"] or 0.0 for key in "prf"}
    return {**overall, "n": sum(gold.values()), "per_label": per_label}


def print_table(before: Scores, after: Scores, n_rows: int) -> None:
    """Print the most frequent labels, all others together, and the overall scores.

    before (dict), after (dict): From `evaluate`.
    n_rows (int): Labels to print.
    """
    print(f"{'':<26}{'':>6}{'before':>21}{'after':>21}")
    print(f"{'label':<26}{'gold':>6}" + f"{'P':>9}{'R':>6}{'F1':>6}" * 2)
    labels = list(before["per_label"])
    for label in labels[:n_rows]:
        _print_row(label, before["per_label"][label], after["per_label"][label])
    if len(labels) > n_rows:
        print(f"… and {len(labels) - n_rows} more labels")
    _print_row("all", before, after)


def _print_row(name: str, before: Scores, after: Scores) -> None:
    cells = "".join(
        f"{100 * s['p']:>9.1f}{100 * s['r']:>6.1f}{100 * s['f']:>6.1f}" for s in (before, after)
    )
    print(f"{name[:25]:<26}{before['n']:>6}{cells}")


if __name__ == "__main__":
    main()
