"""`python -m spacy_gner compare`: is one system better than another?"""

from pathlib import Path
from typing import Annotated

import typer

from ._app import app
from .options import stop_on


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
    """Compare evaluations of the same sentences: paired bootstrap, changed sentences."""
    from ..errors import Errors
    from ..evaluation.comparison import compare_runs, write_comparison
    from ..evaluation.metrics import load_metrics
    from ..evaluation.text import render_plain

    with stop_on(ValueError, OSError):
        names = {_name(path): path for path in runs}
        if len(runs) < 2 or len(names) != len(runs):
            raise ValueError(Errors.E318)
        loaded = {name: load_metrics(path) for name, path in names.items()}
        comparison = compare_runs(loaded, measure, samples, seed, show)
        if output is not None:
            write_comparison(comparison, output)
    print(render_plain(comparison.sections))


def _name(path: Path) -> str:
    # The directory tells runs apart, the name of the file does not.
    return str(path.parent if path.name == "metrics.json" else path)
