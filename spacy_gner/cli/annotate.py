"""`python -m spacy_gner annotate`: entities in texts of every kind of file."""

import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from spacy.tokens import Doc, DocBin
from spacy.vocab import Vocab
from tqdm import tqdm

from ..corpora.document import Document, TextSpan
from ..corpora.source import STDIN
from ..corpora.writers import WRITERS
from ..errors import Errors
from ._app import app
from .inputs import KINDS, Inputs, InputText, find_inputs
from .journal import Journal, Key, key_of
from .notices import say_what_is_read, say_what_was_guessed, say_what_was_replaced
from .options import (
    DecoderName,
    Device,
    Encoding,
    Labels,
    Lang,
    Model,
    Threshold,
    joined,
    message_of,
    stop_on,
)
from .progress import CountingDecoder, Progress
from .splitting import SPLITS
from .targets import check_output, is_device, output_format, write_documents

# Formats that can use the words beside the text.
_WITH_WORDS = ("conll", "words", "prodigy")
_INTERRUPTED = 130


@app.command("annotate")
def annotate(
    files: Annotated[
        list[str] | None,
        typer.Argument(
            help="Files, folders or glob patterns: text, JSON lines, JSON, CSV, TSV, .spacy, "
            "Parquet, gzipped or not; - is standard input."
        ),
    ] = None,
    labels: Labels = None,
    model: Model = None,
    format: Annotated[
        str | None,
        typer.Option(
            "--format",
            "-f",
            help=f"{', '.join(WRITERS)}. Told by the ending of the output if left out; jsonl "
            "where it has none.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="A file (for brat a folder); standard output if left out."
        ),
    ] = None,
    input_format: Annotated[
        str | None,
        typer.Option(help=f"{', '.join(KINDS)}. Told by each file's name or content if left out."),
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(help=f"How text files are cut: {', '.join(SPLITS)}. Guessed if left out."),
    ] = None,
    text_column: Annotated[
        str | None, typer.Option(help='Field or column that holds the text; "text" if left out.')
    ] = None,
    encoding: Encoding = None,
    lang: Lang = "en",
    device: Device = None,
    decoder: DecoderName = None,
    threshold: Threshold = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Texts to read ahead.")] = 32,
    overwrite: Annotated[bool, typer.Option(help="Replace an output that exists.")] = False,
    resume: Annotated[bool, typer.Option(help="Go on where a run was interrupted.")] = False,
    engine: Annotated[
        str | None, typer.Option(help="ray: a cluster; the output is a folder of shards.")
    ] = None,
    address: Annotated[
        str | None, typer.Option(help="Of a cluster of Ray; one on this machine if left out.")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="With --engine: models at work.")] = 1,
    gpus_per_worker: Annotated[float, typer.Option(min=0, help="With --engine.")] = 0,
    id_column: Annotated[
        str | None, typer.Option(help="With --engine: a column of ids, each of them once.")
    ] = None,
) -> None:
    """Find entities in texts and write them as they are found.

    A text that cannot be read, or that fails, is reported on standard error and passed over; the
    exit code is then 1. The output appears under its name when all is done. Until then the
    documents are kept beside it, in OUTPUT.part, where --resume goes on.
    """
    output = None if str(output) == STDIN else output  # "-" is standard output there
    asked = joined(labels)
    settings = {} if threshold is None else {"threshold": threshold}
    options = {"lang": lang, "device": device, "decoder": decoder, "settings": settings}
    if engine is not None:
        if engine != "ray":
            raise typer.BadParameter("only ray is known", param_hint="--engine")
        from .on_ray import annotate_on_ray

        with stop_on(ValueError):
            of_files = {"input-format": input_format, "split": split, "encoding": encoding}
            _refuse({**of_files, "overwrite": overwrite}, "with --engine ray")
            wanted = _parse(asked)
        annotate_on_ray(
            files or [],
            output,
            format,
            annotator={
                "model": model,
                "labels": wanted,
                "text_column": text_column or "text",
                **options,
            },
            id_column=id_column,
            address=address,
            workers=workers,
            gpus_per_worker=gpus_per_worker,
            batch_size=batch_size,
        )
        return
    run = _Run(output)
    with stop_on(ValueError, ImportError, OSError):
        several = {"workers": workers > 1, "gpus-per-worker": gpus_per_worker, "address": address}
        _refuse({**several, "id-column": id_column}, "without --engine ray")
        wanted = _parse(asked)
        run.format = output_format(format, output, "jsonl")
        others: Counter[str] = Counter()
        sources = find_inputs(files or [STDIN], encoding, others)
        inputs = Inputs(sources, input_format, split, text_column)
        say_what_is_read(inputs, others)
        is_kept = output is not None and not is_device(output)
        if not is_kept and (resume or overwrite):
            raise ValueError(Errors.E243)
        if resume and overwrite:
            raise ValueError(Errors.E248)
        if output is not None and is_kept:
            run.journal = Journal(
                output,
                {
                    "labels": asked,
                    "model": model,
                    "format": run.format,
                    "lang": lang,
                    "decoder": decoder,
                    "threshold": threshold,
                },
            )
            if run.prepare([source.path for source in inputs.sources], overwrite, resume):
                print(f"{output} is complete. Add --overwrite to write it anew.", file=sys.stderr)
                return
        run.look_ahead(inputs, needs_labels=wanted is None and model is None)
        run.load(model, wanted, options)
    try:
        run.annotate(inputs, batch_size)
    except KeyboardInterrupt:
        print(run.how_to_go_on("Interrupted"), file=sys.stderr)
        raise typer.Exit(_INTERRUPTED) from None
    except (ValueError, ImportError, OSError) as error:
        print(message_of(error, output), file=sys.stderr)
        print(run.how_to_go_on("Stopped"), file=sys.stderr)
        raise typer.Exit(2) from error
    if run.n_words is None:
        say_what_was_replaced(inputs)  # of files it was said before
    if not run.n_kept_before and not run.n_begun and not run.failures:
        print("There was no text to annotate.", file=sys.stderr)
    if run.failures:
        print(f"{len(run.failures)} text(s) could not be annotated.", file=sys.stderr)
        raise typer.Exit(1)


@dataclass
class _Run:
    """One run of the command.

    output (Path | None): Where to write; None is standard output.
    format (str): What to write.
    journal (Journal | None): What is done so far, for an output that is a file.
    done (Counter): How many documents of each key an earlier run has done.
    n_words (int | None): Words in all texts, if known.
    n_without (int): Texts without labels of their own, as far as known.
    begins_anew (bool): Whether what an interrupted run left is thrown away.
    failures (list[str]): Messages about texts that could not be annotated.
    n_kept_before (int): Documents that an earlier run has done.
    n_begun, n_failed, n_written (int): Documents of this run that went into the pipeline, that
        failed there, and that came out.
    """

    output: Path | None
    format: str = "jsonl"
    journal: Journal | None = None
    done: Counter[Key] = field(default_factory=Counter)
    n_words: int | None = None
    n_without: int = 0
    begins_anew: bool = False
    failures: list[str] = field(default_factory=list)
    nlp: Any = None
    component: Any = None
    n_kept_before: int = 0
    n_begun: int = 0
    n_failed: int = 0
    n_written: int = 0

    def prepare(self, inputs: list[Path], overwrite: bool, resume: bool) -> bool:
        """Look at what stands where the output will.

        RETURNS (bool): Whether nothing is left to be done, since the output is complete.
        """
        assert self.journal is not None and self.output is not None
        check_output(self.output, inputs, overwrite or resume)
        self.begins_anew = overwrite
        if overwrite and self.journal.exists():
            self.journal.header()
        elif self.journal.exists():
            self.done = self.journal.done()
            self.n_kept_before = self.done.total()
            if not resume:
                raise ValueError(Errors.E242.format(path=self.journal.path, n=self.n_kept_before))
        return resume and not self.journal.exists() and self.output.exists()

    def look_ahead(self, inputs: Inputs, needs_labels: bool) -> None:
        """Read all files once, so that what is wrong with them is said before the model is loaded,
        and so that the progress has an end."""
        if any(source.is_stream for source in inputs.sources):
            return
        problems: list[str] = []
        n_texts = n_words = n_without = 0
        for text in inputs.read(problems.append, Vocab()):
            n_texts += 1
            n_words += text.n_words
            n_without += text.labels is None
        if not n_texts and problems:
            raise ValueError(Errors.E247.format(reason=problems[0]))
        if needs_labels and n_without:
            raise ValueError(Errors.E240)
        self.n_words, self.n_without = n_words, n_without
        say_what_was_guessed(inputs)
        say_what_was_replaced(inputs)

    def load(self, model: str | None, labels: Any, options: dict[str, Any]) -> None:
        """Load the pipeline, with other options of `spacy_gner.load`."""
        from ..pipeline.loading import find_component, load

        self.nlp = load(model, labels, **options)
        self.component = find_component(self.nlp)
        if self.n_without and not self.component.labels:
            raise ValueError(Errors.E240)
        # Loaded here, so that a model that is not there costs nothing.
        _ = self.component.planner

    def annotate(self, inputs: Inputs, batch_size: int) -> None:
        """Annotate the texts and write them."""
        self.nlp.set_error_handler(self._on_error)
        with Progress(self.n_words) as bar:
            self._count_words(bar)
            documents = self._documents(inputs, batch_size, bar)
            if self.journal is None:
                write_documents(documents, self.format, self.output)
                return
            if self.begins_anew:
                self.journal.remove()
            with self.journal as journal:
                for document in documents:
                    journal.write(document)
            if self.failures and not self.n_written and not self.n_kept_before:
                # An earlier output is worth more than an empty one.
                self.journal.remove()
                n = len(self.failures)
                raise ValueError(Errors.E253.format(n=n, path=self.output))
        write_documents(self.journal.documents(), self.format, self.output)
        self.journal.remove()

    def how_to_go_on(self, what: str) -> str:
        """RETURNS (str): What is there after an interruption, and how to go on."""
        if self.journal is None:
            return f"{what} after {self.n_written} document(s)."
        if not self.journal.exists():
            return f"{what} before the first document."
        # As the file has it: the interruption may have come between writing and counting.
        n_kept = self.journal.done().total()
        n_lost = max(0, self.n_kept_before + self.n_begun - self.n_failed - n_kept)
        at_work = f" {n_lost} more were at work and will be done again." if n_lost else ""
        return (
            f"{what}: {n_kept} document(s) are kept in {self.journal.path}.{at_work} "
            "To go on, give the same command with --resume."
        )

    def _count_words(self, bar: Progress) -> None:
        """Let the bar move within long documents."""
        from ..pipeline.shim import get_shim
        from ..pipeline.workers import words_of_a_piece

        device = get_shim(self.component.model).backbone.device.type
        piece = words_of_a_piece(self.component.batch_size, device)
        self.component.decoder = CountingDecoder(self.component.decoder, piece, bar.work)

    def _documents(self, inputs: Inputs, batch_size: int, bar: Progress) -> Iterator[Document]:
        stream = self._docs(inputs, bar)
        for doc, text in self.nlp.pipe(stream, as_tuples=True, batch_size=batch_size):
            yield self._document(doc, text)
            self.n_written += 1
            bar.finish(text.n_words)

    def _docs(self, inputs: Inputs, bar: Progress) -> Iterator[tuple[Doc, InputText]]:
        # Of files it was said before.
        say = partial(say_what_was_guessed, inputs) if self.n_words is None else lambda: None
        for text in inputs.read(self._report, self.nlp.vocab, say):
            key = key_of(text)
            if self.done[key]:
                self.done[key] -= 1
                bar.skip(text.n_words)
                continue
            if text.labels is None and not self.component.labels:
                raise ValueError(Errors.E240)  # once, not for each text
            try:
                doc = text.doc if text.doc is not None else self.nlp.make_doc(text.text)
                if text.doc is None and text.labels is not None:
                    doc._.gner_labels = text.labels
            except ValueError as error:
                self._report(f"{text.source}, line {text.line}: {error}")
                continue
            self.n_begun += 1
            yield doc, text

    def _document(self, doc: Doc, text: InputText) -> Document:
        from ..pipeline.annotator import entity_records

        entities = [
            TextSpan(e["start"], e["end"], e["label"], e["score"])
            for e in entity_records(doc, self.component)
        ]
        words = spaces = packed = None
        if self.format in _WITH_WORDS:
            words = [token.text for token in doc]
            spaces = [bool(token.whitespace_) for token in doc]
        if self.format == "docbin":
            packed = DocBin(docs=[doc], store_user_data=True).to_bytes()
        return Document(
            doc.text,
            entities,
            source=text.source,
            line=text.line,
            meta=text.meta,
            words=words,
            spaces=spaces,
            packed=packed,
        )

    def _on_error(self, name: str, component: Any, docs: list[Doc], error: Exception) -> None:
        self.n_failed += len(docs)
        for doc in docs:
            text = doc._context
            place = "" if text is None else f"{text.source}, line {text.line}: "
            self._report(f"{place}{error}")

    def _report(self, message: str) -> None:
        self.failures.append(message)
        tqdm.write(message, file=sys.stderr)


def _refuse(options: dict[str, Any], case: str) -> None:
    """Refuse options that would be passed over in silence."""
    given = ", ".join(f"--{name}" for name, value in options.items() if value)
    if given:
        raise ValueError(Errors.E252.format(options=given, case=case))


def _parse(labels: str | None) -> Any:
    """RETURNS (list[str] | dict[str, str] | None): The labels, checked before a model is loaded."""
    from ..formats.labels import LabelSet
    from ..pipeline.loading import parse_labels

    if labels is None:
        return None
    if labels.rstrip().endswith(","):
        raise ValueError(Errors.E246.format(labels=labels))
    wanted = parse_labels(labels)
    LabelSet.make(wanted)
    return wanted
