"""`python -m spacy_gner calibrate`: make scores mean something."""

from pathlib import Path
from typing import Annotated

import typer
from wasabi import Printer

from ..errors import Errors
from ._app import app
from .options import DecoderName, DecoderOptions, Device, Dtype, Limit, Seed, stop_on


@app.command("calibrate")
def calibrate(
    data: Annotated[
        list[str],
        typer.Option(help="NAME=PATH of annotated sentences, as for `evaluate`. May be repeated."),
    ],
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-m",
            help="A saved pipeline with gner, or the directory of a language model. The default "
            "model if left out.",
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
    dtype: Dtype = None,
    decoder: DecoderName = None,
    decoder_option: DecoderOptions = None,
    device: Device = None,
    limit: Limit = None,
    seed: Seed = 0,
    split: Annotated[str, typer.Option(help="The split to take from directories.")] = "dev",
) -> None:
    """Fit the temperature of a model (and a shift) on annotated sentences, so that of the
    entities with a score of 0.8 about 80% are right; and the threshold with the highest F1.

    The sentences should be of the kind that the model is for, and none that it was trained with.
    Every precision has values of its own; those of others that are known are kept. Training makes
    the calibration void: calibrate again afterwards.
    """
    # Imported here, since torch and transformers take seconds.
    from ..evaluation import run as evaluation
    from ..evaluation.calibrate import calibrate_system, calibration_directory
    from ..evaluation.data import Selection

    with stop_on(ValueError, ImportError):
        pairs = evaluation.read_pairs(data, "data", "news=dev.jsonl")
        options = evaluation.read_options(decoder_option or [])
        folder = output or calibration_directory(model)
        if folder is None:
            raise ValueError(Errors.E323.format(model=model, file="calibration.json"))
        system = evaluation.System(model, decoder, options, device, dtype=dtype)
        selection = Selection(split, limit, seed)
        result = calibrate_system(system, pairs, selection, folder)
    print(
        f"{result.n} predictions, {result.n_right} of them right, {result.dtype}: temperature "
        f"{result.scale.temperature:.2f}, shift {result.scale.shift:.2f}; expected calibration "
        f"error {result.before:.3f} before, {result.after:.3f} after; threshold "
        f"{result.scale.threshold:.2f}, F1 {100 * result.f1_before:.1f} before, "
        f"{100 * result.f1_after:.1f} after (both fitted on the other half)"
    )
    Printer().good(f"Written: {result.path}")
