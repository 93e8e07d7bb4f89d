"""`python -m spacy_gner compare`: is one system better than another?"""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from ._app import app


@app.command("compare")
def compare(
    runs: Annotated[
        list[Path],
        typer.Argument(
            help="Two or more metrics.json, or the output directories of evaluate. "
            "Each is compared with the first."
        ),
    ],
    measure: Annotated[str, typer.Option(help="strict or uniner.")] = "strict",
    samples: Annotated[int, typer.Option(min=100, help="Draws of the bootstrap.")] = 1000,
    seed: Annotated[int, typer.Option(help="Of the draws.")] = 0,
    show: Annotated[int, typer.Option(min=0, help="Changed sentences to show per data set.")] = 5,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Directory for compare.json and .md.")
    ] = None,
) -> None:
    """Compare evaluations of the same sentences: paired bootstrap, changed sentences.

    Prints Markdown.
    """
    from ..errors import Errors
    from ..evaluation.comparison import beams_table, compare_metrics, render_comparison, runs_table
    from ..evaluation.markdown import escape, render_table
    from ..evaluation.metrics import load_metrics

    try:
        if len(runs) < 2:
            raise ValueError(Errors.E318)
        loaded = {_name(path): load_metrics(path) for path in runs}
        names = list(loaded)
        if len(names) != len(runs):
            raise ValueError(Errors.E318)
        comparisons = {
            name: compare_metrics(
                loaded[names[0]], loaded[name], measure, samples, seed, (names[0], name)
            )
            for name in names[1:]
        }
    except ValueError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(2) from error
    tables = [runs_table(loaded), beams_table(loaded)]
    parts = [render_table(table) for table in tables if table is not None]
    for name, comparison in comparisons.items():
        parts.append(f"# {escape(name)} against {escape(names[0])}")
        parts.append(render_comparison(comparison, (names[0], name), show))
    text = "\n\n".join(parts)
    print(text)
    if output is not None:
        output.mkdir(parents=True, exist_ok=True)
        (output / "compare.md").write_text(text, encoding="utf8")
        content = json.dumps({"first": names[0], "against": comparisons}, ensure_ascii=False)
        (output / "compare.json").write_text(content + "\n", encoding="utf8")


def _name(path: Path) -> str:
    # The directory tells runs apart, the name of the file does not.
    return str(path.parent if path.name == "metrics.json" else path)
