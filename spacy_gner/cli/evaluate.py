"""`python -m spacy_gner evaluate`: measure like the paper."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from wasabi import Printer

from ..errors import Errors
from ._app import app

REFERENCES = {"zero-shot": "zero_shot", "supervised": "supervised", "none": None}


@app.command("evaluate")
def evaluate(
    output: Annotated[Path, typer.Option("--output", "-o", help="Directory for the report.")],
    data: Annotated[
        list[str] | None,
        typer.Option(
            help="NAME=PATH of a data set: JSONL, CoNLL or [mention](type) text, .gz or not, a "
            ".spacy file, or a directory with one file per split. May be repeated."
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            help="A spaCy pipeline with gner, or a language model (name or directory). "
            "The default model if left out."
        ),
    ] = None,
    predictions: Annotated[
        Path | None,
        typer.Option(help="Score another system's raw outputs, in the authors' JSONL format."),
    ] = None,
    tokenizer: Annotated[
        str | None,
        typer.Option(help="With --predictions: the tokenizer for back tokenization."),
    ] = None,
    decoder: Annotated[
        str | None, typer.Option(help="A registered decoder, e.g. spacy_gner.BeamSearch.v1.")
    ] = None,
    decoder_option: Annotated[
        list[str] | None,
        typer.Option(help="KEY=VALUE for the decoder, VALUE in JSON. May be repeated."),
    ] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda:0, mps.")] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Sentences per data set, drawn by --seed.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the draw.")] = 0,
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
    batch_size: Annotated[int, typer.Option(min=1, help="Sentences per batch.")] = 32,
    reference: Annotated[
        str, typer.Option(help="The paper's figures to show: zero-shot, supervised, none.")
    ] = "zero-shot",
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
    from ..backbones.settings import DEFAULT_MODEL
    from ..evaluation import run as evaluation
    from ..evaluation.markdown import render_table
    from ..evaluation.plots import require_matplotlib
    from ..evaluation.tables import build_tables
    from ..evaluation.write import write_report

    try:
        if reference not in REFERENCES:
            form = ", ".join(REFERENCES)
            raise ValueError(
                Errors.E312.format(
                    option="reference", value=reference, form=form, example="zero-shot"
                )
            )
        if html:
            # Now, not after hours of predictions.
            require_matplotlib()
        if bool(data) == (predictions is not None):
            raise ValueError(Errors.E313)
        dropped = tuple(dict.fromkeys(drop_label or []))
        names = evaluation.read_label_names(label_names)
        selection = evaluation.Selection(split, limit, seed, dropped, names)
        if predictions is not None:
            without = {
                "--model": model,
                "--decoder": decoder,
                "--decoder-option": decoder_option,
                "--device": device,
            }
            if unused := [option for option, value in without.items() if value]:
                raise ValueError(Errors.E321.format(options=", ".join(unused)))
            metrics = evaluation.score_predictions(predictions, tokenizer, selection, seen_labels)
        else:
            pairs = evaluation.read_pairs(data or [], "data", "crossner_ai=crossner_ai/test.jsonl")
            options = evaluation.read_options(decoder_option or [])
            predictor = evaluation.load_predictor(model, decoder, options, device)
            system = {
                "name": model or DEFAULT_MODEL,
                "decoder": predictor.decoder_name(decoder),
                "decoder options": options,
            }
            metrics = evaluation.evaluate_predictor(
                predictor, system, pairs, selection, output, seen_labels, batch_size, device
            )
        files = write_report(metrics, output, REFERENCES[reference], html, max_errors)
    except (ValueError, ImportError) as error:
        print(error, file=sys.stderr)
        raise typer.Exit(2) from error
    print(render_table(build_tables(metrics, None)[0]))
    for file in files:
        Printer().good(f"Written: {file}")
