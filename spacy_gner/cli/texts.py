"""Texts from files, line by line; a broken line is reported and passed over."""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from ..errors import Errors
from ..formats.labels import LabelsInput


@dataclass(frozen=True)
class SourceText:
    """A text and where it came from.

    text (str): The text.
    source (str): The file's name, "-" for standard input.
    line (int): Its line, from 1.
    labels (LabelsInput | None): Labels of its own, from a JSONL line with "labels".
    meta (dict): What else the JSONL line had.
    """

    text: str
    source: str
    line: int
    labels: LabelsInput | None
    meta: dict[str, Any]


def read_texts(
    files: Sequence[str],
    report: Callable[[str], None],
    progress: Callable[[int], Any] = lambda n_bytes: None,
) -> Iterator[SourceText]:
    """Read texts: one per line of a text file, one per object of a .jsonl file. Blank
    lines are passed over.

    files (Sequence[str]): Paths; "-" is standard input.
    report (Callable[[str], None]): Gets a message (E027, E028) for each line, and each
        file, that cannot be read.
    progress (Callable[[int], Any]): Gets the number of bytes read so far of a line.
    YIELDS (SourceText): The texts, streaming.
    """
    for name in files:
        if name == "-":
            yield from _read_stream(sys.stdin.buffer, name, report, progress)
            continue
        try:
            stream = Path(name).open("rb")
        except OSError as error:
            report(Errors.E028.format(path=name, reason=error.strerror or error))
            continue
        with stream:
            yield from _read_stream(stream, name, report, progress)


def _read_stream(
    stream: BinaryIO, name: str, report: Callable[[str], None], progress: Callable[[int], Any]
) -> Iterator[SourceText]:
    is_jsonl = name.endswith((".jsonl", ".ndjson"))
    for number, raw in enumerate(stream, start=1):
        progress(len(raw))
        if not raw.strip():
            continue
        try:
            line = raw.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
            if is_jsonl:
                yield _parse(line, name, number)
            else:
                yield SourceText(line, name, number, None, {})
        except ValueError as error:
            report(Errors.E027.format(place=f"{name}, line {number}", reason=error))


def _parse(line: str, name: str, number: int) -> SourceText:
    try:
        record = json.loads(line)
    except (json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"no valid JSON ({error})") from error
    if not isinstance(record, dict) or not isinstance(record.get("text"), str):
        raise ValueError('no "text"')
    meta = {k: v for k, v in record.items() if k not in ("text", "labels")}
    return SourceText(record["text"], name, number, record.get("labels"), meta)
