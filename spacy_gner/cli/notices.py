"""What `annotate` says about its inputs, on standard error."""

import sys
from collections import Counter

from ..corpora.source import STDIN
from .inputs import Inputs
from .splitting import SPLITS

# Endings of files that are passed over, in a message.
_N_ENDINGS = 5


def is_terminal() -> bool:
    """RETURNS (bool): Whether standard input is typed."""
    return sys.stdin.isatty()


def say_what_is_read(inputs: Inputs, others: Counter[str]) -> None:
    """Say what is waited for, and what is passed over.

    inputs (Inputs): The files.
    others (Counter[str]): The endings of other files in their folders.
    """
    if any(source.name == STDIN for source in inputs.sources) and is_terminal():
        print("Reading what is typed, one text a line; Ctrl-D ends it.", file=sys.stderr)
    if others:
        found = ", ".join(f"{n} {ending}" for ending, n in others.most_common(_N_ENDINGS))
        print(
            f"{others.total()} other file(s) in folders are passed over ({found}). Name a file to "
            "have it read.",
            file=sys.stderr,
        )


def say_what_was_guessed(inputs: Inputs) -> None:
    """Say what content has told, and how text is cut.

    inputs (Inputs): Files that were read, or are being read.
    """
    told = ", ".join(f"{n} as {kind}" for kind, n in inputs.kinds.items() if kind != "text")
    if told:
        print(f"Told by content: {told}. For others: --input-format KIND.", file=sys.stderr)
    if inputs.split is None and inputs.splits:
        found = ", ".join(f"{n} as {split}" for split, n in inputs.splits.items())
        others = " or ".join(split for split in SPLITS if split not in inputs.splits)
        print(f"Text files read: {found}. For others: --split {others}.", file=sys.stderr)


def say_what_was_replaced(inputs: Inputs) -> None:
    """Say how many characters were replaced.

    inputs (Inputs): Files that were read.
    """
    if inputs.n_nul:
        print(f"{inputs.n_nul} NUL character(s) are read as blanks.", file=sys.stderr)
