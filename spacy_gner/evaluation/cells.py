"""Tables as data, and figures as text."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """A table.

    title (str): Its heading.
    columns (Sequence[str]): Column headings; the first column holds names.
    rows (Sequence[Sequence[str]]): Cells as text.
    note (str): A sentence below it.
    detail (bool): Whether a page may fold it away.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""
    detail: bool = False


def percent(value: float | None, digits: int = 2) -> str:
    """A share as percent, "–" for None.

    value (float | None): In [0, 1].
    digits (int): After the point.
    RETURNS (str): Without a sign for percent.
    """
    return "–" if value is None else f"{100 * value:.{digits}f}"


def number(value: float | None, digits: int = 1) -> str:
    """A number with thousands separators, "–" for None."""
    return "–" if value is None else f"{value:,.{digits}f}"


def size_text(count: int | None) -> str:
    """A number of parameters as the paper writes it: "248M", "3.0B"."""
    if not count:
        return "–"
    return f"{count / 1e9:.1f}B" if count >= 1e9 else f"{count / 1e6:.0f}M"
