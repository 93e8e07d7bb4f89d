"""`python -m spacy_gner convert`: annotated text from one format to another."""

import itertools
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import spacy
import typer
from wasabi import msg

from ..corpora.corpus import Corpus
from ..corpora.document import Document, from_passage
from ..corpora.read_report import ReadReport
from ..corpora.readers import FORMAT_NAMES
from ..corpora.writers import WRITERS
from ..errors import Errors
from ._app import app
from .options import Encoding, joined, message_of
from .targets import check_output, output_format, write_documents

_MAX_LABELS = 50


def convert(
    reader: Corpus, output: Path, to: str | None = None, lang: str = "en", overwrite: bool = False
) -> ReadReport:
    """Write what a reader reads in another format.

    Formats of words keep what aligns with the words: a DocBin with the label inventories
    (`doc._.gner_labels`) and the words without annotation. Formats of offsets keep all entities.

    reader (Corpus): What to read.
    output (Path): The file, or the folder for brat.
    to (str | None): A name in `WRITERS`; None: as the output's name says.
    lang (str): Language of the tokenizer, for running text.
    overwrite (bool): Whether an existing output is replaced.
    RETURNS (ReadReport): What was found. Nothing is written if there is no passage.
    RAISES (ValueError): E216 for an ending that says nothing, E211 for an empty corpus, E235,
        E236 and E238 for outputs that would destroy something, and what the reader raises.
    """
    to = output_format(to, output)
    check_output(output, reader.files(), overwrite)
    documents = _documents(reader, lang, WRITERS[to].needs_words)
    first = next(documents, None)
    if first is None:
        raise ValueError(Errors.E211.format(path=reader.path))
    write_documents(itertools.chain([first], documents), to, output)
    return reader.report


def _documents(reader: Corpus, lang: str, needs_words: bool) -> Iterator[Document]:
    for document, passage in reader.counted(spacy.blank(lang)):
        has_offsets = document.words is None and document.answers is None
        converted = from_passage(document, passage)
        if reader.dataset is not None and converted.dataset is None:
            converted = replace(converted, dataset=reader.dataset)
        yield document if has_offsets and not needs_words else converted


@app.command("convert")
def convert_cli(
    input_path: Annotated[
        Path,
        typer.Argument(help="File, directory or glob pattern, gzipped or not; - is standard input"),
    ],
    output_path: Annotated[
        Path, typer.Argument(help="The file to write (for brat: the folder); its name tells --to")
    ],
    format: Annotated[
        str,
        typer.Option(
            "--format",
            "-f",
            help=f"What is read: auto (told by each file's name or content), "
            f"{', '.join(FORMAT_NAMES)}",
        ),
    ] = "auto",
    to: Annotated[
        str | None,
        typer.Option("--to", "-t", help=f"What is written: {', '.join(WRITERS)}"),
    ] = None,
    lang: Annotated[str, typer.Option(help="Language of the tokenizer for running text")] = "en",
    limit: Annotated[int, typer.Option(help="Only the first so many passages; 0: all")] = 0,
    max_words: Annotated[int, typer.Option(help="Leave out longer passages; 0: none")] = 0,
    on_error: Annotated[str, typer.Option(help="A broken record: raise or skip")] = "raise",
    labels: Annotated[
        list[str] | None,
        typer.Option(
            "--labels",
            "-l",
            help='The inventory, such as "person, city"; default: what occurs; may be repeated',
        ),
    ] = None,
    ignore: Annotated[
        list[str] | None,
        typer.Option(help="A label whose words become O; may be repeated"),
    ] = None,
    rename: Annotated[
        list[str] | None,
        typer.Option(help="Another name for a label: PER=person; may be repeated"),
    ] = None,
    dataset: Annotated[str | None, typer.Option(help="Name of the data set to keep")] = None,
    word_column: Annotated[
        int | None, typer.Option(help="Column of the word; 0 is the first, -1 the last")
    ] = None,
    tag_column: Annotated[int | None, typer.Option(help="Column of the tag")] = None,
    tag_names: Annotated[
        str | None, typer.Option(help="What integer tags stand for: O,B-PER,I-PER …")
    ] = None,
    encoding: Encoding = None,
    overwrite: Annotated[bool, typer.Option(help="Replace an output that exists")] = False,
) -> None:
    """Convert annotated text to .spacy or another format, and report what was found, skipped or
    not aligned."""
    with warnings.catch_warnings():
        # The report below says the same at more length.
        warnings.filterwarnings("ignore", message=r"\[GNER-W20\d\]")
        try:
            reader = Corpus(
                input_path,
                format=format,
                labels=_split(joined(labels)),
                ignore=ignore,
                rename=_read_names(rename or []),
                word_column=word_column,
                tag_column=tag_column,
                tag_names=_split(tag_names),
                encoding=encoding,
                limit=limit,
                max_words=max_words,
                on_error=on_error,
                dataset=dataset,
            )
            report = convert(reader, output_path, to, lang, overwrite)
        except (ValueError, ImportError, OSError) as error:
            msg.fail(message_of(error, output_path), exits=1)
    _print_report(report, output_path)


def _split(names: str | None) -> list[str] | None:
    return None if names is None else [name.strip() for name in names.split(",")]


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
    _print_table(("dropped or changed", "count"), list(report.dropped().items()))
    for message in report.messages + report.lost:
        msg.warn(message)
    _print_table(("label", "entities"), report.labels.most_common(_MAX_LABELS))
    if len(report.labels) > _MAX_LABELS:
        msg.info(f"… and {len(report.labels) - _MAX_LABELS} more labels")


def _print_table(header: tuple[str, str], rows: list[tuple[str, int]]) -> None:
    msg.table(rows, header=header, divider=True, aligns=("l", "r"), max_col=60)
