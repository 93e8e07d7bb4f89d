"""Tables among files whose names say nothing: a header gives them away."""

import csv
import io

from ..corpora.source import Source
from ..errors import Errors

_DELIMITERS = "\t,;|"
_N_ROWS = 50
_LONGEST_NAME = 40
# The share of the rows of a table that have as many cells as the header, at least.
_REGULAR = 0.9
# Names of columns that no list of texts begins with by chance.
_USUAL = frozenset(
    "id text body content message sentence document word token title description comment "
    "review abstract tweet name date author url label".split()
)


def guess_table(source: Source, text_column: str) -> str | None:
    """Tell CSV and TSV by a header.

    source (Source): A file of text.
    text_column (str): The column that holds the texts.
    RETURNS (str | None): "csv", "tsv", or None for what is no table.
    RAISES (ValueError): E251 for a table without that column, and what reading the source raises.
    """
    head = source.head()
    text = head.decode(source.text_encoding(head) or "utf-8-sig", "ignore").lstrip("\r\n")
    first = (text.splitlines() or [""])[0]
    delimiter = max(_DELIMITERS, key=first.count)
    kind = "tsv" if delimiter == "\t" else "csv"
    rows = _rows(text, delimiter)
    if not rows:
        return None
    header = rows.pop(0)
    if text_column != "text" and text_column in header:
        return kind  # the user has said that it is one
    if not _is_header(header, rows):
        return None
    if text_column not in header:
        found = ", ".join(f'"{name}"' for name in header)
        raise ValueError(Errors.E251.format(path=source.name, found=found, field=text_column))
    return kind


def _rows(text: str, delimiter: str) -> list[list[str]]:
    rows: list[list[str]] = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            rows += [row] if row else []
            if len(rows) > _N_ROWS:
                break
    except csv.Error:
        pass  # what came before it tells enough
    if len(rows) > 2 and not text.endswith(("\n", "\r")):
        rows.pop()  # it may be cut off
    return rows


def _is_header(header: list[str], rows: list[list[str]]) -> bool:
    names = [name.strip() for name in header]
    if len(names) < 2 or any(not name or len(name) > _LONGEST_NAME for name in names):
        return False
    n_fitting = sum(len(row) == len(header) for row in rows)
    lower = {name.lower() for name in names}
    if "text" in lower:
        return 2 * n_fitting >= len(rows)
    # Prose has blanks behind its commas, and not as many in each line.
    n_prose = sum(any(cell.startswith(" ") for cell in row[1:]) for row in rows)
    is_regular = n_fitting >= _REGULAR * len(rows) and 2 * n_prose < len(rows)
    return is_regular and names == header and bool(_USUAL & lower)
