"""Write the table of data sets in the documentation.

python report.py --data DATA --output docs/data.md
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dev import SETS
from selection import DEFAULT_SHARE, SHARES, Decision, decide

HEAD = """# Training data of the default model

Written by `project/scripts/default_model/report.py`; the rules are in `selection.py` beside it.
A set is left out when its license forbids that weights trained on it are shipped, when none is
stated, when it belongs to the zero-shot benchmark or comes too close to it, when it is annotated
in part, when it has no training part, or when its texts would teach something else than names in
sentences. Licenses are as the source of each copy states them.

The data themselves are not part of the project. `--vars.data` names a directory with
`gold/index.json` (a list of sets: `name`, `domain`, `licence`, `labels` with counts, `sentences`
per split), `gold/NAME/train.jsonl.gz` and `dev.jsonl.gz` (one
`{"words": [...], "labels": ["B-person", "O", ...]}` a line), `silver/*.txt` (a passage a line,
entities as `[mention](type)`), `silver2/part-*.txt` (likewise, with all types that are true of a
mention and in use in the passage, narrowest first: `[mention](politician|person)`), and
`silver2/definitions.tsv` (a type, a tab, a definition).

Of every twenty prompts, eight are about a sentence of an annotated set, drawn by the shares below,
seven about a passage with graded types (half of these from `project/assets/graded.txt`), two about
one of the other passages, and three are decided by a definition: the label of a sentence of
`project/assets/contrasts.jsonl`, or a wide type of a passage. (Until version 2.1: eight, eight,
four, and none, without the passages of the project; until 2.2: eight, six, three, and three.)
Since 2.0 each version goes on from the one before, and 2.0 from 1.2, which was trained before
there were graded types and definitions: 40% passages, 60% annotated sets, by the same rules and
shares (a share is the number of sentences that it saw).

The passages are original: of 10,130, 32 share eight words in a row with a sentence of any of the
annotated sets, and these are lists of names and set phrases (`overlap.py` beside it prints them).

"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    args = parser.parse_args()
    index = json.loads((args.data / "gold" / "index.json").read_text(encoding="utf8"))
    decisions = {
        e["name"]: decide(e["name"], e["licence"], "train" in e["sentences"]) for e in index
    }
    args.output.write_text(report(index, decisions), encoding="utf8")


def report(index: Sequence[Mapping[str, Any]], decisions: Mapping[str, Decision]) -> str:
    """Write the page.

    index (Sequence[Mapping]): The entries of the data sets.
    decisions (Mapping[str, Decision]): What became of them, by name.
    RETURNS (str): Markdown.
    """
    taken = [entry for entry in index if decisions[entry["name"]].taken]
    left = [entry for entry in index if not decisions[entry["name"]].taken]
    lines = [f"## Taken: {len(taken)} sets and the passages", ""]
    lines += ["| set | domain | license | labels | share |", "|---|---|---|--:|--:|"]
    for name in ("silver", "silver2", "project/assets"):
        lines.append(f"| {name} | open types, written for this project | CC0 | open | all |")
    for entry in taken:
        name = entry["name"]
        share = min(SHARES.get(name, DEFAULT_SHARE), entry["sentences"]["train"])
        reason = decisions[name].reason.replace("|", "/")
        lines.append(
            f"| {name} | {entry['domain']} | {reason} | {len(entry['labels'])} | {share} |"
        )
    lines += ["", f"## Left out: {len(left)} sets", ""]
    lines += [f"Dev sentences, from which nothing is learned: {', '.join(sorted(SETS))}.", ""]
    lines += ["| set | why |", "|---|---|"]
    lines += [
        f"| {entry['name']} | {decisions[entry['name']].reason.replace('|', '/')} |"
        for entry in left
    ]
    return HEAD + "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
