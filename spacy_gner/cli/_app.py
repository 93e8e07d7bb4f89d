"""The typer application that the commands register themselves with."""

import typer

app = typer.Typer(
    name="python -m spacy_gner",
    help="Zero-shot named entity recognition with GNER models in spaCy.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
