"""The table of data sets in the documentation."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from selection import DEFAULT_SHARE, SHARES, Decision

HEAD = """# Training data of the default model

Written by `project/scripts/default_model/make_data.py`; the rules are in `selection.py` beside it.
A set is left out when its license forbids that weights trained on it are shipped, when none is
stated, when it belongs to the zero-shot benchmark or comes too close to it, when it is annotated
in part, when it has no training part, or when its texts would teach something else than names in
sentences. Licenses are as the source of each copy states them.

The data themselves are not part of the project. `--vars.data` names a directory with
`gold/index.json` (a list of sets: `name`, `domain`, `licence`, `labels` with counts, `sentences`
per split), `gold/NAME/train.jsonl.gz` and `dev.jsonl.gz` (one
`{"words": [...], "labels": ["B-person", "O", ...]}` a line), and `silver/*.txt` (a passage a line,
entities as `[mention](type)`).

"""


def write_report(
    path: Path,
    index: Sequence[Mapping[str, Any]],
    decisions: Mapping[str, Decision],
    size: float = 1.0,
) -> None:
    """Write the table.

    path (Path): The Markdown file.
    index (Sequence[Mapping]): The entries of the data sets.
    decisions (Mapping[str, Decision]): What became of them, by name.
    size (float): What the shares were multiplied by.
    """
    taken = [entry for entry in index if decisions[entry["name"]].taken]
    left = [entry for entry in index if not decisions[entry["name"]].taken]
    lines = [f"## Taken: {len(taken)} sets and the open-type passages", ""]
    lines += ["| set | domain | license | labels | share (CPU run) |", "|---|---|---|--:|--:|"]
    lines += ["| silver | open types, written for this project | CC0 | open | all up to 40 words |"]
    for entry in taken:
        name = entry["name"]
        share = min(round(size * SHARES.get(name, DEFAULT_SHARE)), entry["sentences"]["train"])
        reason = decisions[name].reason.replace("|", "/")
        lines.append(
            f"| {name} | {entry['domain']} | {reason} | {len(entry['labels'])} | {share} |"
        )
    lines += ["", f"## Left out: {len(left)} sets", "", "| set | why |", "|---|---|"]
    lines += [
        f"| {entry['name']} | {decisions[entry['name']].reason.replace('|', '/')} |"
        for entry in left
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(HEAD + "\n".join(lines) + "\n", encoding="utf8")
