"""Options that several commands share, and how commands end that cannot be carried out."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from ..errors import Errors

Model = Annotated[
    str | None,
    typer.Option(
        "--model", "-m", help="A spaCy pipeline, or a language model (name or directory)."
    ),
]
Labels = Annotated[
    list[str] | None,
    typer.Option(
        "--labels",
        "-l",
        help='What to look for: "person,city" or "PER=person,LOC=city". May be repeated.',
    ),
]
Lang = Annotated[
    str, typer.Option(help="Language of the tokenizer, where --model is no saved pipeline.")
]
Device = Annotated[str | None, typer.Option(help="auto, cpu, cuda:0, mps.")]
Dtype = Annotated[str | None, typer.Option(help="Precision: auto, float32, bfloat16, float16.")]
DecoderName = Annotated[
    str | None, typer.Option(help="A registered decoder, e.g. spacy_gner.BeamSearch.v1.")
]
DecoderOptions = Annotated[
    list[str] | None,
    typer.Option(help="KEY=VALUE for the decoder, VALUE in JSON. May be repeated."),
]
Threshold = Annotated[
    float | None,
    typer.Option(
        help="Drop entities scored lower; 0 keeps all. That of the model's calibration, or of the "
        "saved pipeline, if left out."
    ),
]
Limit = Annotated[int | None, typer.Option(min=1, help="Sentences per data set, drawn by --seed.")]
Seed = Annotated[int, typer.Option(help="Of the draw.")]
Encoding = Annotated[str | None, typer.Option(help="Of text that is not UTF-8, such as cp1252.")]


def joined(labels: list[str] | None) -> str | None:
    """RETURNS (str | None): The labels of all `--labels`, in one string."""
    return None if labels is None else ",".join(labels)


@contextmanager
def stop_on(*kinds: type[Exception]) -> Iterator[None]:
    """End the command with the exit code 2 and a message, instead of a traceback.

    kinds (type[Exception]): What the user can do something about.
    RAISES (typer.Exit): Instead of these.
    """
    try:
        yield
    except kinds as error:
        print(message_of(error), file=sys.stderr)
        raise typer.Exit(2) from error


def message_of(error: Exception, output: Path | None = None) -> str:
    """Say what went wrong.

    error (Exception): What was raised.
    output (Path | None): What was being written.
    RETURNS (str): Its message; that of the file system gets a code (E250) and a path.
    """
    if not isinstance(error, OSError):
        return str(error)
    path = error.filename or output or "a file"
    return Errors.E250.format(path=path, reason=error.strerror or error)
