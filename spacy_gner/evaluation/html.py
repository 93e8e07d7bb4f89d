"""The report as one HTML page that needs nothing else: no network, no other file."""

from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from .cells import Table
from .errors_list import render_errors
from .markdown import value_text
from .plots import draw_plots
from .tables import build_tables

_KINDS = ("unlabeled", "noisy", "boundary", "spurious")
_HERE = Path(__file__).parent


def render_html(
    metrics: Mapping[str, Any], reference: str | None = "zero_shot", max_errors: int = 200
) -> str:
    """Write the report as a page.

    metrics (Mapping): Of `build_metrics`.
    reference (str | None): Which of the paper's figures to show: "zero_shot",
        "supervised" or None.
    max_errors (int): At most so many sentences with an error per data set.
    RETURNS (str): HTML. Every text that comes from data is escaped.
    RAISES (ValueError): E311 without matplotlib.
    """
    plots = draw_plots(metrics, reference)
    tables = build_tables(metrics, reference)
    errors, left_out = render_errors(metrics, max_errors)
    labels = {label for dataset in metrics["datasets"] for label in dataset["strict"]["per_type"]}
    note = f"{left_out:,} more sentences with an error are not in this page." if left_out else ""
    return Template(_read("page.html")).substitute(
        title=escape(f"Evaluation of {metrics['system']['name']}"),
        style=_read("page.css"),
        script=_read("page.js"),
        facts=_facts(metrics),
        scores="".join(_table(table) for table in tables[:2]),
        plots=_plots(plots),
        tables="".join(_table(table) for table in tables[2:]),
        sets=_options(dataset["name"] for dataset in metrics["datasets"]),
        kinds=_options(_KINDS),
        labels=_options(sorted(labels)),
        left_out=note,
        errors=errors,
    )


def _read(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf8")


def _facts(metrics: Mapping[str, Any]) -> str:
    facts = {
        **metrics["system"],
        **metrics["configuration"],
        "spacy-gner": f"{metrics['spacy_gner']}, {metrics['created']}",
    }
    return "".join(
        f"<dt>{escape(key)}</dt><dd>{escape(value_text(value))}</dd>"
        for key, value in facts.items()
    )


def _options(names: Iterable[str]) -> str:
    return "".join(f'<option value="{escape(name)}">{escape(name)}</option>' for name in names)


def _plots(plots: Iterable[tuple[str, str]]) -> str:
    figures, folded = "", ""
    for caption, svg in plots:
        # One large matrix per data set: folded, else the page is nothing but these.
        if caption.startswith("Confusion"):
            folded += (
                f"<details><summary>{escape(caption)}</summary><figure>{svg}</figure></details>"
            )
        else:
            figures += f"<figure><figcaption>{escape(caption)}</figcaption>{svg}</figure>"
    return f'<div class="plots">{figures}</div><div class="folded">{folded}</div>'


def _table(table: Table) -> str:
    texts = [
        index > 0 and any(not _is_figure(row[index]) for row in table.rows)
        for index in range(len(table.columns))
    ]
    # A hyphen that does not break: "GNER-T5-xxl" stays in one line.
    head = _cells("th", [column.replace("-", "\u2011") for column in table.columns], texts)
    rows = "".join(
        ('<tr class="average">' if row[0] == "average" else "<tr>")
        + f"{_cells('td', row, texts)}</tr>"
        for row in table.rows
    )
    body = (
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'
        f'</div><p class="note">{escape(table.note)}</p>'
    )
    if table.detail:
        return f"<details><summary>{escape(table.title)}</summary>{body}</details>"
    return f"<h2>{escape(table.title)}</h2>{body}"


def _cells(tag: str, cells: Iterable[str], texts: Iterable[bool]) -> str:
    return "".join(
        f'<{tag} class="text">{escape(cell)}</{tag}>' if text else f"<{tag}>{escape(cell)}</{tag}>"
        for cell, text in zip(cells, texts, strict=True)
    )


def _is_figure(cell: str) -> bool:
    return cell == "–" or cell[:1].isdigit()
