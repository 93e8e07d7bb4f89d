"""`python -m spacy_gner convert`: corpora to spaCy's binary format."""

import warnings
from pathlib import Path
from typing import Annotated

import spacy
import typer
from spacy.tokens import DocBin
from wasabi import msg

from ..corpora.bio import BIOCorpus
from ..corpora.inline import InlineCorpus
from ..corpora.pile_ner import PileNER
from ..corpora.read_report import ReadReport, check_choice
from ..corpora.reader import CorpusReader
from ..errors import Errors
from ._app import app

FORMATS = ("bio", "jsonl", "conll", "inline", "pile-ner")
_BIO_FORMATS = {"bio": "auto", "jsonl": "jsonl", "conll": "conll"}
_MAX_LABELS = 50


def convert(reader: CorpusReader, output: Path, lang: str = "en") -> ReadReport:
    """Write what a reader yields as a DocBin. The label inventories are kept
    (`doc._.gner_labels`), and the words without annotation.

    reader (CorpusReader): From one of the readers of the package.
    output (Path): The file, ending in ".spacy" (spaCy's reader finds no others).
    lang (str): Language of the tokenizer, for running text.
    RETURNS (ReadReport): What was found. Nothing is written if there is no passage.
    RAISES (ValueError): E216 for another ending, E211 for an empty corpus, and what the
        reader raises.
    """
    if output.suffix != ".spacy":
        raise ValueError(Errors.E216.format(output=output))
    nlp = spacy.blank(lang)
    docs = DocBin(store_user_data=True)
    for example in reader(nlp):
        docs.add(example.reference)
    if not len(docs):
        raise ValueError(Errors.E211.format(path=reader.path))
    output.parent.mkdir(parents=True, exist_ok=True)
    docs.to_disk(output)
    return reader.report


@app.command("convert")
def convert_cli(
    input_path: Annotated[
        Path, typer.Argument(help="File, directory or glob pattern; .gz is decompressed")
    ],
    output_path: Annotated[Path, typer.Argument(help="The .spacy file to write")],
    format: Annotated[
        str,
        typer.Option(
            "--format",
            "-f",
            help=f"{', '.join(FORMATS)} (bio: jsonl or conll, by each file's name or content)",
        ),
    ] = "bio",
    lang: Annotated[str, typer.Option(help="Language of the tokenizer for running text")] = "en",
    limit: Annotated[int, typer.Option(help="Only the first so many passages; 0: all")] = 0,
    max_words: Annotated[int, typer.Option(help="Leave out longer passages; 0: none")] = 0,
    on_error: Annotated[str, typer.Option(help="A broken record: raise or skip")] = "raise",
    labels: Annotated[
        str | None,
        typer.Option(help='Inventory of BIO data, such as "person, city"; default: what occurs'),
    ] = None,
    ignore: Annotated[
        list[str] | None,
        typer.Option(help="A label of BIO data whose words become O; may be repeated"),
    ] = None,
    rename: Annotated[
        list[str] | None,
        typer.Option(help="Another name for a label of BIO data: PER=person; may be repeated"),
    ] = None,
    dataset: Annotated[str | None, typer.Option(help="Name of the data set to keep")] = None,
) -> None:
    """Convert a corpus to .spacy, and report what was found, skipped or not aligned."""
    with warnings.catch_warnings():
        # The report below says the same at more length.
        warnings.filterwarnings("ignore", message=r"\[GNER-W20\d\]")
        try:
            check_choice("format", format, FORMATS)
            if format not in _BIO_FORMATS and (labels or ignore or rename):
                raise ValueError(Errors.E217.format(format=format))
            common = {
                "limit": limit,
                "max_words": max_words,
                "on_error": on_error,
                "dataset": dataset,
            }
            reader: CorpusReader
            if format == "inline":
                reader = InlineCorpus(input_path, **common)  # type: ignore[arg-type]
            elif format == "pile-ner":
                reader = PileNER(input_path, **common)  # type: ignore[arg-type]
            else:
                reader = BIOCorpus(
                    input_path,
                    format=_BIO_FORMATS[format],
                    labels=_split(labels),
                    ignore=ignore,
                    rename=_read_names(rename or []),
                    **common,  # type: ignore[arg-type]
                )
            report = convert(reader, output_path, lang)
        except (ValueError, ImportError, OSError) as error:
            msg.fail(str(error), exits=1)
    _print_report(report, output_path)


def _split(labels: str | None) -> list[str] | None:
    if labels is None:
        return None
    return [label.strip() for label in labels.split(",")]


def _read_names(pairs: list[str]) -> dict[str, str]:
    names = {}
    for pair in pairs:
        old, equals, new = pair.partition("=")
        if not equals:
            raise ValueError(Errors.E218.format(pair=pair))
        names[old.strip()] = new.strip()
    return names


def _print_report(report: ReadReport, output: Path) -> None:
    msg.good(f"Wrote {report.passages} passages with {report.entities} entities to {output}")
    losses = {
        "broken records skipped": report.skipped,
        "passages over --max-words": report.too_long,
        "mentions not aligned with the text or its tokens": report.unaligned,
        "mentions left out, overlapping others": report.overlapping,
        "types that cannot stand in a prompt": report.unusable_types,
        "tokens cut at the end of a mention": report.split_tokens,
        "words without annotation": report.missing_words,
    }
    _print_table(("problem", "count"), list(losses.items()))
    for message in report.messages + report.lost:
        msg.warn(message)
    _print_table(("label", "entities"), report.labels.most_common(_MAX_LABELS))
    if len(report.labels) > _MAX_LABELS:
        msg.info(f"… and {len(report.labels) - _MAX_LABELS} more labels")


def _print_table(header: tuple[str, str], rows: list[tuple[str, int]]) -> None:
    msg.table(rows, header=header, divider=True, aligns=("l", "r"), max_col=60)
