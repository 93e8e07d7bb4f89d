"""`python -m spacy_gner calibrate`: make scores mean something."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from wasabi import Printer

from ..errors import Errors
from ._app import app


@app.command("calibrate")
def calibrate(
    data: Annotated[
        list[str],
        typer.Option(help="NAME=PATH of annotated sentences, as for `evaluate`. May be repeated."),
    ],
    model: Annotated[
        str | None,
        typer.Option(
            help="A saved pipeline with gner, or the directory of a language model. The default "
            "model if left out."
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Directory for calibration.json. Where the model is if left out, so that it is "
            "used from now on.",
        ),
    ] = None,
    dtype: Annotated[
        str | None, typer.Option(help="Precision to measure: float32, bfloat16, float16.")
    ] = None,
    decoder: Annotated[
        str | None, typer.Option(help="A registered decoder, e.g. spacy_gner.BeamSearch.v1.")
    ] = None,
    decoder_option: Annotated[
        list[str] | None,
        typer.Option(help="KEY=VALUE for the decoder, VALUE in JSON. May be repeated."),
    ] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda:0, mps.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Sentences per data set.")] = None,
    seed: Annotated[int, typer.Option(help="Of their draw.")] = 0,
    split: Annotated[str, typer.Option(help="The split to take from directories.")] = "dev",
) -> None:
    """Fit the temperature of a model (and a shift) on annotated sentences, so that of the
    entities with a score of 0.8 about 80% are right.

    The sentences should be of the kind that the model is for, and none that it was trained with.
    Every precision has values of its own; those of others that are known are kept. Training makes
    the calibration void: calibrate again afterwards.
    """
    # Imported here, since torch and transformers take seconds.
    from ..evaluation import run as evaluation
    from ..evaluation.calibrate import calibrate_system, calibration_directory

    try:
        pairs = evaluation.read_pairs(data, "data", "news=dev.jsonl")
        options = evaluation.read_options(decoder_option or [])
        folder = output or calibration_directory(model)
        if folder is None:
            raise ValueError(Errors.E323.format(model=model, file="calibration.json"))
        system = evaluation.System(model, decoder, options, device, dtype=dtype)
        selection = evaluation.Selection(split, limit, seed)
        result = calibrate_system(system, pairs, selection, folder)
    except (ValueError, ImportError) as error:
        print(error, file=sys.stderr)
        raise typer.Exit(2) from error
    print(
        f"{result.n} predictions, {result.n_right} of them right, {result.dtype}: temperature "
        f"{result.scale.temperature:.2f}, shift {result.scale.shift:.2f}; expected calibration "
        f"error {result.before:.3f} before, {result.after:.3f} after (fitted on the other half)"
    )
    Printer().good(f"Written: {result.path}")
