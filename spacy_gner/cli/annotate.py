"""`python -m spacy_gner annotate`: entities in text files."""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from tqdm import tqdm

from ._app import app


@app.command("annotate")
def annotate(
    files: Annotated[
        list[str] | None,
        typer.Argument(help="Text files (one text per line) or .jsonl files; - is stdin."),
    ] = None,
    labels: Annotated[
        str | None,
        typer.Option(help='What to look for: "person,city" or "PER=person,LOC=city".'),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(help="A spaCy pipeline, or a language model (name or directory)."),
    ] = None,
    output_format: Annotated[
        str, typer.Option("--format", help="jsonl, docbin or html.")
    ] = "jsonl",
    output: Annotated[
        Path | None, typer.Option(help="A file; standard output if left out.")
    ] = None,
    lang: Annotated[str, typer.Option(help="Language of the tokenizer.")] = "en",
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda:0, mps.")] = None,
    decoder: Annotated[
        str | None, typer.Option(help="A registered decoder, e.g. spacy_gner.BeamSearch.v1.")
    ] = None,
    threshold: Annotated[float | None, typer.Option(help="Drop entities scored lower.")] = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Texts to read ahead.")] = 32,
) -> None:
    """Find entities in texts and write them as they are found.

    A line that cannot be read, or a text that fails, is reported on standard error and
    passed over; the exit code is then 1.
    """
    from ..pipeline.loading import make_pipeline, parse_labels
    from .outputs import FORMATS, open_writer
    from .texts import read_texts

    if output_format not in FORMATS:
        raise typer.BadParameter(f"one of {', '.join(FORMATS)}", param_hint="--format")
    names = files or ["-"]
    failures: list[str] = []

    def report(message: str) -> None:
        failures.append(message)
        tqdm.write(message, file=sys.stderr)

    settings = {} if threshold is None else {"threshold": threshold}
    try:
        wanted = None if labels is None else parse_labels(labels)
        nlp, component = make_pipeline(model, wanted, lang, device, decoder, settings)
        # The model is loaded before the output is opened, which may be of an earlier run.
        _ = component.planner
    except (ValueError, ImportError) as error:
        print(error, file=sys.stderr)
        raise typer.Exit(2) from error

    def on_error(name: str, component: Any, docs: list[Any], error: Exception) -> None:
        for doc in docs:
            place = doc._context or {}
            report(f"{place.get('source')}, line {place.get('line')}: {error}")

    nlp.set_error_handler(on_error)  # type: ignore[arg-type]
    with _progress(names) as bar, open_writer(output_format, output) as write:
        stream = _docs(nlp, read_texts(names, report, bar.update), report)
        for doc, meta in nlp.pipe(stream, as_tuples=True, batch_size=batch_size):
            write(doc, meta)
    if failures:
        print(f"{len(failures)} line(s) could not be annotated.", file=sys.stderr)
        raise typer.Exit(1)


def _docs(nlp: Any, texts: Iterable[Any], report: Any) -> Iterator[tuple[Any, dict[str, Any]]]:
    for text in texts:
        meta = {"source": text.source, "line": text.line, **text.meta}
        try:
            doc = nlp.make_doc(text.text)
        except ValueError as error:
            report(f"{text.source}, line {text.line}: {error}")
            continue
        doc._.gner_labels = text.labels
        yield doc, meta


def _progress(names: list[str]) -> Any:
    paths = [Path(name) for name in names if name != "-"]
    total = sum(path.stat().st_size for path in paths if path.is_file())
    # On standard input there is no end in sight, and somebody may be typing.
    return tqdm(
        total=total or None,
        unit="B",
        unit_scale=True,
        file=sys.stderr,
        disable=not paths,
        desc="annotate",
    )
