"""Write the files of a report."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .markdown import render_markdown
from .metrics import FILE_NAME, save_metrics


def write_report(
    metrics: Mapping[str, Any],
    output: Path,
    reference: str | None = "zero_shot",
    with_page: bool = True,
    max_errors: int = 200,
) -> list[Path]:
    """Write metrics.json, report.md and report.html.

    metrics (Mapping): Of `build_metrics`.
    output (Path): The directory.
    reference (str | None): Which of the paper's figures to show: "zero_shot",
        "supervised" or None.
    with_page (bool): Whether to write the page too, which needs matplotlib.
    max_errors (int): At most so many sentences with an error per data set in the page.
    RETURNS (list[Path]): The files.
    RAISES (ValueError): E311 without matplotlib; the other files are written by then.
    """
    output.mkdir(parents=True, exist_ok=True)
    files = [output / FILE_NAME, output / "report.md"]
    save_metrics(metrics, files[0])
    files[1].write_text(render_markdown(metrics, reference), encoding="utf8")
    if with_page:
        # Imported here: the other files can be had without the extra `report`.
        from .html import render_html

        files.append(output / "report.html")
        files[2].write_text(render_html(metrics, reference, max_errors), encoding="utf8")
    return files
