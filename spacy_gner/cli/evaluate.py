"""`python -m spacy_gner evaluate`: how good is a model, and where is it wrong?"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from wasabi.printer import Printer

from ..errors import Errors
from ._app import app
from .options import DecoderName, DecoderOptions, Device, Dtype, Lang, Limit, Seed, message_of


@app.command("evaluate")
def evaluate(
    output: Annotated[Path, typer.Option("--output", "-o", help="Directory for the report.")],
    data: Annotated[
        list[str] | None,
        typer.Option(
            help="NAME=PATH of a data set: a file of any format that convert reads, or a "
            "directory with one file per split. May be repeated."
        ),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(
            "--model",
            "-m",
            help="A spaCy pipeline with gner, or a language model (name or directory). "
            "The default model if left out. May be repeated: each gets a report in a folder of "
            "its own, and is compared with the first.",
        ),
    ] = None,
    predictions: Annotated[
        Path | None,
        typer.Option(
            help="Score the raw outputs of GNER, InstructUIE, UniversalNER or GoLLIE, in the files "
            "that their authors' code reads and writes."
        ),
    ] = None,
    gold: Annotated[
        Path | None,
        typer.Option(
            help="With --predictions that hold outputs only: the annotated file that they answer, "
            "record by record."
        ),
    ] = None,
    tokenizer: Annotated[
        str | None,
        typer.Option(help="With --predictions: the tokenizer for back tokenization."),
    ] = None,
    decoder: DecoderName = None,
    decoder_option: DecoderOptions = None,
    format: Annotated[
        list[str] | None,
        typer.Option(
            help="A registered format, e.g. spacy_gner.BIO.v1, for --model that is a language "
            "model, or of --predictions. May be repeated: each model is run with each format."
        ),
    ] = None,
    device: Device = None,
    dtype: Dtype = None,
    limit: Limit = None,
    seed: Seed = 0,
    split: Annotated[str, typer.Option(help="The split to take from directories.")] = "test",
    drop_label: Annotated[
        list[str] | None,
        typer.Option(
            help="A label that becomes O and is not asked for; the paper drops CrossNER's "
            "miscellaneous. May be repeated."
        ),
    ] = None,
    label_names: Annotated[
        Path | None,
        typer.Option(help="JSON object of other names for labels of the data sets."),
    ] = None,
    seen_labels: Annotated[
        Path | None,
        typer.Option(help="Labels seen in training: a JSON list, or one per line."),
    ] = None,
    spans_key: Annotated[
        str | None,
        typer.Option(help="Compare this span group: the one of .spacy files, and what is found."),
    ] = None,
    lang: Lang = "en",
    on_error: Annotated[
        str, typer.Option(help="A broken sentence: raise, or skip (leave it out).")
    ] = "raise",
    batch_size: Annotated[int, typer.Option(min=1, help="Sentences per batch.")] = 32,
    max_errors: Annotated[
        int, typer.Option(min=0, help="Sentences with an error per data set in the page.")
    ] = 200,
    html: Annotated[bool, typer.Option("--html/--no-html", help="Write the page.")] = True,
) -> None:
    """Predict data sets, or read predictions, and write metrics.json, report.md, report.html.

    Predictions are kept in the output directory: an interrupted evaluation continues
    where it stopped, a changed configuration starts afresh.
    """
    # Imported here, since torch and transformers take seconds.
    from ..corpora.read_report import ON_ERROR, check_choice
    from ..evaluation import run as evaluation
    from ..evaluation.comparison import compare_runs, write_comparison
    from ..evaluation.data import Selection
    from ..evaluation.plots import require_matplotlib
    from ..evaluation.report import write_report
    from ..evaluation.tables import build_tables
    from ..evaluation.text import Section, render_plain

    runs: dict[Path, dict[str, Any]] = {}
    files: list[Path] = []
    try:
        check_choice("on_error", on_error, ON_ERROR)
        if html:
            # Now, not after hours of predictions.
            require_matplotlib()
        if bool(data) == (predictions is not None):
            raise ValueError(Errors.E313)
        dropped = tuple(dict.fromkeys(drop_label or []))
        names = evaluation.read_label_names(label_names)
        selection = Selection(split, limit, seed, dropped, names, on_error, spans_key)
        if predictions is not None:
            without = {
                "--model": model,
                "--decoder": decoder,
                "--decoder-option": decoder_option,
                "--device": device,
                "--dtype": dtype,
                "--spans-key": spans_key,
            }
            if unused := [option for option, value in without.items() if value]:
                raise ValueError(Errors.E321.format(options=", ".join(unused)))
            if len(format or []) > 1:
                raise ValueError(Errors.E321.format(options="more than one --format"))
            metrics = evaluation.score_predictions(
                predictions,
                tokenizer,
                selection,
                output,
                seen_labels,
                format=format[0] if format else None,
                gold=gold,
                lang=lang,
            )
            runs[output] = metrics
            files += write_report(metrics, output, html, max_errors)
        else:
            pairs = evaluation.read_pairs(data or [], "data", "crossner_ai=crossner_ai/test.jsonl")
            options = evaluation.read_options(decoder_option or [])
            models: Sequence[str | None] = model or [None]
            formats: Sequence[str | None] = format or [None]
            systems = [
                evaluation.System(name, decoder, options, device, lang, form, dtype)
                for name in models
                for form in formats
            ]
            folders = evaluation.choose_folders(systems, output)
            for folder, system in zip(folders, systems, strict=True):
                metrics = evaluation.evaluate_system(
                    system, pairs, selection, folder, seen_labels, batch_size
                )
                runs[folder] = metrics
                files += write_report(metrics, folder, html, max_errors)
        comparison = None
        if len(runs) > 1:
            comparison = compare_runs({folder.name: runs[folder] for folder in runs})
            files += write_comparison(comparison, output)
    except KeyboardInterrupt:
        print(
            f"Stopped. What was predicted is in {output}: the same command goes on from there.",
            file=sys.stderr,
        )
        raise typer.Exit(130) from None
    except (ValueError, ImportError, OSError) as error:
        print(message_of(error, output), file=sys.stderr)
        raise typer.Exit(2) from error
    if comparison is not None:
        print(render_plain(comparison.sections))
    for metrics in runs.values():
        if comparison is None:
            table = build_tables(metrics)[0]
            print(render_plain([Section(table.title, table=table)]))
        for name, record in metrics.get("read", {}).items():
            for reason, n in record["dropped"].items():
                Printer().warn(f"{name}: {n} {reason}")
    for file in files:
        Printer().good(f"Written: {file}")
