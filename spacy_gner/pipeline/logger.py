"""spaCy's console log, with the speed of training and the time that is left."""

from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import IO, Any

from spacy.language import Language
from spacy.training.loggers import console_logger_v3
from spacy.util import registry
from tqdm import tqdm

from .shim import BackboneShim

_BEGINNING = "First update, then an evaluation on the dev corpus: the first row comes after both"

Log = Callable[[dict[str, Any] | None], None]
Setup = Callable[..., tuple[Log, Callable[[], None]]]


@registry.loggers("spacy_gner.ConsoleLogger.v1")
def make_console_logger(
    progress_bar: str | None = None,
    console_output: bool = True,
    output_file: str | Path | None = None,
) -> Setup:
    """Make a logger for `[training.logger]`: `spacy.ConsoleLogger.v3`, and below each of its
    rows the target tokens per second since the last one (without the steps that were
    evaluated and saved), and the time left until `training.max_steps`, or from the second
    epoch on until `training.max_epochs`. spaCy logs nothing before the first evaluation is done,
    so a line before the table's first row says what is under way.

    progress_bar (str | None), console_output (bool), output_file (str | Path | None): See
        `spacy.ConsoleLogger.v3`.
    RETURNS (Callable): The logger.
    """
    setup = console_logger_v3(progress_bar, console_output, output_file)

    def with_speed(nlp: Language, stdout: IO[str], stderr: IO[str]) -> Any:
        log, finalize = setup(nlp, stdout, stderr)
        max_steps = int(nlp.config["training"]["max_steps"] or 0)
        max_epochs = int(nlp.config["training"]["max_epochs"] or 0)
        last_time, last_tokens = perf_counter(), _trained_tokens(nlp)
        seconds, n_tokens = 0.0, 0
        if console_output:
            print(_BEGINNING, file=stdout, flush=True)

        def log_step(info: dict[str, Any] | None) -> None:
            nonlocal last_time, last_tokens, seconds, n_tokens
            log(info)
            if info is None:
                seconds += perf_counter() - last_time
                n_tokens += _trained_tokens(nlp) - last_tokens
            elif console_output and n_tokens:
                line = f"{n_tokens / seconds:.0f} target tokens/s"
                if max_steps:
                    left = info["seconds"] / (info["step"] + 1) * (max_steps - info["step"])
                    line += f", {_duration(left)} left"
                elif max_epochs > 0 and info["epoch"]:
                    # How much of this epoch is done is not known: all of it is still to come.
                    left = info["seconds"] / info["epoch"] * (max_epochs - info["epoch"])
                    line += f", up to {_duration(left)} left"
                # The progress bar is on the screen by now: it has to make room.
                tqdm.write(f"{line:>40}", file=stdout)
                stdout.flush()
                seconds, n_tokens = 0.0, 0
            last_time, last_tokens = perf_counter(), _trained_tokens(nlp)

        return log_step, finalize

    return with_speed


def _trained_tokens(nlp: Language) -> int:
    shims = (
        shim
        for _, pipe in nlp.pipeline
        for shim in getattr(getattr(pipe, "model", None), "shims", ())
    )
    return sum(shim.n_trained for shim in shims if isinstance(shim, BackboneShim))


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(round(max(0.0, seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}"
