"""Reports as text: Markdown for files, plain text for terminals."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from wasabi.tables import table as draw_table

from .tables import Table, build_tables, report_facts

# The backslash first: it is what keeps the others from being markup.
_ESCAPES = str.maketrans(
    {char: "\\" + char for char in "\\|*_`["} | {"<": "&lt;", ">": "&gt;", "\n": " "}
)


@dataclass(frozen=True)
class Section:
    """A part of a report.

    title (str): Its heading; may be empty.
    level (int): Of the heading, from 1.
    lines (Sequence[str]): Items of a list.
    table (Table | None): A table, below the list.
    """

    title: str
    level: int = 2
    lines: Sequence[str] = ()
    table: Table | None = None


def report_sections(metrics: Mapping[str, Any]) -> list[Section]:
    """The text of a report.

    metrics (Mapping): Of `build_metrics`.
    RETURNS (list[Section]): The facts, then all tables.
    """
    facts = [f"{name}: {value}" for name, value in report_facts(metrics).items()]
    title = f"Evaluation of {metrics['system']['name']}"
    tables = [Section(table.title, table=table) for table in build_tables(metrics)]
    return [Section(title, 1, facts), *tables]


def render_markdown(sections: Iterable[Section]) -> str:
    """Write sections as Markdown. All texts are escaped: labels and names are data.

    sections (Iterable[Section]): The sections.
    RETURNS (str): The text.
    """
    parts: list[str] = []
    for section in sections:
        if section.title:
            parts.append("#" * section.level + " " + escape(section.title))
        if section.lines:
            parts.append("\n".join(f"- {escape(line)}" for line in section.lines))
        if section.table is not None:
            parts.append(markdown_table(section.table))
    return "\n\n".join(parts) + "\n"


def markdown_table(table: Table) -> str:
    """Write one table, with its note.

    table (Table): The table.
    RETURNS (str): Without heading. All columns but the first are aligned right.
    """
    lines = [_row(table.columns), "|" + " --- |" + " ---: |" * (len(table.columns) - 1)]
    lines += [_row(row) for row in table.rows]
    if table.is_zero:
        lines = ["All figures are zero."]
    text = "\n".join(lines)
    return f"{text}\n\n{escape(table.note)}" if table.note else text


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(escape(cell) for cell in cells) + " |"


def escape(text: str) -> str:
    """Make a text safe inside a Markdown table.

    text (str): The text.
    RETURNS (str): Without anything that Markdown or HTML would read as markup.
    """
    return text.replace("&", "&amp;").translate(_ESCAPES)


def render_plain(sections: Iterable[Section]) -> str:
    """Write sections for a terminal: no markup, and no control characters from the data.

    sections (Iterable[Section]): The sections.
    RETURNS (str): The text.
    """
    parts: list[str] = []
    for section in sections:
        title = printable(section.title)
        if title:
            parts.append(f"{title}\n{'=' * len(title)}" if section.level == 1 else f"{title}:")
        if section.lines:
            parts.append("\n".join(f"  {printable(line)}" for line in section.lines))
        if section.table is not None:
            parts.append(plain_table(section.table))
    return "\n\n".join(parts) + "\n"


def plain_table(table: Table) -> str:
    """Write one table for a terminal, with its note.

    table (Table): The table.
    RETURNS (str): Without heading. All columns but the first are aligned right.
    """
    rows = [[printable(cell) for cell in row] for row in table.rows]
    aligns: list[Literal["l", "c", "r"]] = ["l"]
    aligns += ["r" for _ in table.columns[1:]]
    header = [printable(column) for column in table.columns]
    width = max(len(cell) for row in [header, *rows] for cell in row)
    text = draw_table(rows, header=header, divider=True, aligns=aligns, max_col=width)
    text = text.strip("\n").rstrip()
    return f"{text}\n\n{printable(table.note)}" if table.note else text


def printable(text: str) -> str:
    """RETURNS (str): The text, with a replacement character for each control character."""
    return "".join(char if char.isprintable() else "\ufffd" for char in text)
