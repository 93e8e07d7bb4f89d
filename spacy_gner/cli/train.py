"""`python -m spacy_gner train`: `spacy train` for several processes or devices."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from ..errors import Errors
from ._app import app
from .options import stop_on


@app.command("train", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def train(
    context: typer.Context,
    config: Annotated[Path, typer.Argument(help="The same file as for `spacy train`.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Where to save pipelines.")],
    code: Annotated[
        Path | None, typer.Option("--code", help="Python file with registered functions.")
    ] = None,
    resume: Annotated[
        bool, typer.Option(help="Go on from the checkpoint in the output, exactly.")
    ] = False,
    save_every: Annotated[
        int, typer.Option(min=0, help="Updates between checkpoints; 0: with each evaluation.")
    ] = 0,
) -> None:
    """Train a pipeline, alone or under `accelerate launch`, which starts the processes:

    accelerate launch --config_file configs/accelerate/ddp.yaml -m spacy_gner train CONFIG
    --output OUTPUT

    Any setting of the config can be overridden, as with `spacy train`: --training.max_steps 100
    """
    try:
        import accelerate  # noqa: F401
    except ImportError as error:
        print(Errors.E513.format(reason=error), file=sys.stderr)
        raise typer.Exit(2) from error
    from spacy.cli._util import import_code, parse_config_overrides
    from spacy.training.initialize import init_nlp
    from spacy.util import load_config

    from ..pipeline.train import CHECKPOINT
    from ..pipeline.train import train as run
    from ..training.processes import Processes

    with stop_on(ValueError, RuntimeError):
        import_code(code)
        overrides = parse_config_overrides(context.args)
        processes = Processes()
        processes.recover(output / CHECKPOINT)
        if resume and not (output / CHECKPOINT).is_dir():
            raise ValueError(Errors.E511.format(path=output / CHECKPOINT, reason="it is not there"))
        if not resume and (output / CHECKPOINT).exists():
            raise ValueError(Errors.E514.format(path=output))
        loaded = load_config(config, interpolate=False)
        if processes.size > 1:
            for name, block in loaded.get("components", {}).items():
                if block.get("factory") == "gner":
                    # Each process has a device of its own.
                    overrides.setdefault(f"components.{name}.model.device", processes.device)
        nlp = init_nlp(load_config(config, overrides=overrides, interpolate=False))
        run(
            nlp,
            output,
            processes,
            resume=resume,
            save_every=save_every,
            report=lambda line: print(line, file=sys.stderr) if processes.is_main else None,
        )
        processes.leave()
