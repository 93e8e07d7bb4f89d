"""The command line, `python -m spacy_gner`: one module per command."""

from . import annotate, calibrate, compare, convert, evaluate, info, serve, train  # noqa: F401
from ._app import app


def main() -> None:
    """Run the command line on `sys.argv`."""
    app(prog_name="python -m spacy_gner")


__all__ = ["app", "main"]
