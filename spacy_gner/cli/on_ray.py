"""`annotate --engine ray`: the options of the command, for a cluster."""

import os
import re
import sys
from pathlib import Path
from typing import Any

import typer

from ..errors import Errors


def annotate_on_ray(
    files: list[str],
    output: Path | None,
    output_format: str | None,
    annotator: dict[str, Any],
    *,
    id_column: str | None,
    address: str | None,
    workers: int,
    gpus_per_worker: float,
    batch_size: int,
) -> None:
    """Annotate files with Ray Data and print what was done.

    files (list[str]): Files and folders, local or as URIs.
    output (Path | None): The directory of the run.
    output_format (str | None): "parquet" or "jsonl"; None is Parquet.
    annotator (dict): Arguments of `Annotator`.
    id_column, address, workers, gpus_per_worker, batch_size: See `annotate_files`.
    RAISES (typer.Exit): 1 when documents have errors, 2 when the run could not be done.
    """
    if address is None:
        # Ray's servers listen to every network of a machine, unless this is said before its
        # import.
        os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
    try:
        import ray  # noqa: F401
    except ImportError as error:
        print(Errors.E707.format(reason=error), file=sys.stderr)
        raise typer.Exit(2) from error
    from ..distributed.ray_data import FORMATS, annotate_files
    from ..pipeline.annotator import Annotator

    # A path takes one of the two slashes away.
    place = re.sub(r"^(\w{2,}):/(?=[^/])", r"\1://", str(output))
    try:
        if output is None or not files or "-" in files:
            raise ValueError(Errors.E711)
        if output_format not in (None, *FORMATS):
            expected = " or ".join(FORMATS)
            raise ValueError(
                Errors.E017.format(field="--format", expected=expected, found=output_format)
            )
        summary = annotate_files(
            files,
            place,
            Annotator(**annotator),
            output_format=output_format or FORMATS[0],
            id_column=id_column,
            address=address,
            workers=workers,
            gpus_per_worker=gpus_per_worker,
            batch_size=batch_size,
        )
    except (ValueError, RuntimeError) as error:
        print(error, file=sys.stderr)
        raise typer.Exit(2) from error
    except KeyboardInterrupt:
        print(Errors.E708.format(reason="interrupted"), file=sys.stderr)
        raise typer.Exit(130) from None
    print(
        f"{summary.documents} documents, {summary.words} words, {summary.entities} entities in "
        f"{place}.",
        file=sys.stderr,
    )
    for code, number in summary.errors.items():
        print(f"{number} document(s) with the error {code}.", file=sys.stderr)
    if summary.errors:
        raise typer.Exit(1)
