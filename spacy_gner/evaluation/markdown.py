"""The report as Markdown."""

from collections.abc import Mapping, Sequence
from typing import Any

from .cells import Table
from .tables import build_tables

# The backslash first: it is what keeps the others from being markup.
_ESCAPES = str.maketrans(
    {char: "\\" + char for char in "\\|*_`["} | {"<": "&lt;", ">": "&gt;", "\n": " "}
)


def render_markdown(metrics: Mapping[str, Any], reference: str | None = "zero_shot") -> str:
    """Write the report as Markdown.

    metrics (Mapping): Of `build_metrics`.
    reference (str | None): Which of the paper's figures to show: "zero_shot",
        "supervised" or None.
    RETURNS (str): The text.
    """
    parts = [f"# Evaluation of {escape(str(metrics['system']['name']))}", describe(metrics)]
    for table in build_tables(metrics, reference):
        parts += [f"## {escape(table.title)}", render_table(table)]
    return "\n\n".join(parts) + "\n"


def describe(metrics: Mapping[str, Any]) -> str:
    """List what was evaluated, and how, as Markdown."""
    lines = [f"- spacy-gner: {metrics['spacy_gner']}, {metrics['created']}"]
    for part in (metrics["system"], metrics["configuration"]):
        lines += [f"- {key}: {escape(value_text(value))}" for key, value in part.items()]
    return "\n".join(lines)


def value_text(value: Any) -> str:
    """A value of the configuration as text."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={value_text(item)}" for key, item in value.items()) or "none"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(map(value_text, value)) or "none"
    return "none" if value is None else str(value)


def render_table(table: Table) -> str:
    """Write one table, with its note.

    table (Table): The table.
    RETURNS (str): Without heading. All columns but the first are aligned right.
    """
    lines = [_row(table.columns), "|" + " --- |" + " ---: |" * (len(table.columns) - 1)]
    lines += [_row(row) for row in table.rows]
    text = "\n".join(lines)
    return f"{text}\n\n{escape(table.note)}" if table.note else text


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(escape(cell) for cell in cells) + " |"


def escape(text: str) -> str:
    """Make a text safe inside a Markdown table: labels and names are data.

    text (str): The text.
    RETURNS (str): Without anything that Markdown or HTML would read as markup.
    """
    return text.replace("&", "&amp;").translate(_ESCAPES)
