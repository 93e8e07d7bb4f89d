"""Sentences of words and BIO tags from JSONL and from CoNLL columns."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import Errors
from .files import decode, iter_lines, open_binary, plain_name
from .read_report import CorpusError
from .tags import read_tags

JSONL_SUFFIXES = (".jsonl", ".json")
CONLL_SUFFIXES = (".conll", ".bio", ".iob", ".iob2", ".tsv", ".txt")
FORMATS = ("auto", "jsonl", "conll")

# A raw record: the lines (number and bytes) that make up one sentence.
Record = list[tuple[int, bytes]]


@dataclass(frozen=True)
class Sentence:
    """A sentence as it was read.

    words (Sequence[str]): N words.
    entities (Sequence[tuple[int, int, str]]): First word, word after the last, label.
    missing (Sequence[int]): The words without annotation.
    place (str): File and first line.
    """

    words: Sequence[str]
    entities: Sequence[tuple[int, int, str]]
    missing: Sequence[int]
    place: str


def guess_format(path: Path) -> str:
    """The format of a file by its name, else by its first character.

    path (Path): The file.
    RETURNS (str): "jsonl" or "conll".
    """
    name = plain_name(path)
    if name.endswith(JSONL_SUFFIXES):
        return "jsonl"
    if name.endswith(CONLL_SUFFIXES):
        return "conll"
    with open_binary(path) as file:
        return (
            "jsonl" if file.read(256).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{") else "conll"
        )


def iter_records(path: Path, file_format: str) -> Iterator[Record]:
    """Group the lines of a file into sentences: one line (JSONL), or a block that a
    blank line ends (CoNLL).

    path (Path): The file.
    file_format (str): "jsonl" or "conll".
    YIELDS (list[tuple[int, bytes]]): Numbered lines, none of them blank.
    """
    block: Record = []
    for number, line in iter_lines(path):
        if not line.strip():
            if block:
                yield block
            block = []
        elif file_format == "jsonl":
            yield [(number, line)]
        elif not line.startswith(b"-DOCSTART-") and (block or not _is_comment(line)):
            block.append((number, line))
    if block:
        yield block


def parse_record(path: Path, record: Record, file_format: str) -> Sentence:
    """Read one sentence.

    path (Path): The file, for the errors.
    record (list[tuple[int, bytes]]): From `iter_records`.
    file_format (str): "jsonl" or "conll".
    RETURNS (Sentence): Its words and entities.
    RAISES (CorpusError): E204 (not UTF-8), E205 (not a JSON object with words and labels,
        or no columns), E206 (unequal counts), E207 (tag), E208 (word).
    """
    if file_format == "jsonl":
        number, line = record[0]
        place = f"{path}:{number}"
        words, tags = _parse_json(decode(line, place), place)
        places = [place] * len(words)
    else:
        words, tags, places = _parse_columns(path, record)
    if len(words) != len(tags):
        raise CorpusError(
            Errors.E206.format(place=places[0], n_words=len(words), n_labels=len(tags))
        )
    for word, place in zip(words, places, strict=True):
        if not isinstance(word, str) or not word or any(char.isspace() for char in word):
            raise CorpusError(Errors.E208.format(place=place, word=word))
    entities, missing = read_tags(tags, places)
    return Sentence(words, entities, missing, places[0])


def _parse_json(line: str, place: str) -> tuple[list[str], list[str | None]]:
    try:
        data = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise CorpusError(Errors.E205.format(place=place, error=error)) from None
    if not isinstance(data, dict):
        raise CorpusError(Errors.E205.format(place=place, error="not a JSON object"))
    for key in ("words", "labels"):
        if not isinstance(data.get(key), list) or not data[key]:
            raise CorpusError(Errors.E205.format(place=place, error=f'no list "{key}"'))
    return data["words"], data["labels"]


def _parse_columns(path: Path, record: Record) -> tuple[list[str], list[str | None], list[str]]:
    words: list[str] = []
    tags: list[str | None] = []
    places: list[str] = []
    for number, raw in record:
        place = f"{path}:{number}"
        line = decode(raw, place)
        # Columns that are separated by tabs may have spaces inside ("B-programming language").
        columns = line.strip("\t ").split("\t") if "\t" in line else re.split(" +", line.strip(" "))
        if len(columns) < 2:
            raise CorpusError(Errors.E205.format(place=place, error="less than two columns"))
        words.append(columns[0])
        tags.append(columns[-1].strip())
        places.append(place)
    return words, tags, places


def _is_comment(line: bytes) -> bool:
    # A line above a sentence such as "# id 7 domain=en"; but "# O" is the word "#".
    if not line.startswith(b"# "):
        return False
    tag = (line.split(b"\t") if b"\t" in line else line.split())[-1]
    return tag not in (b"O", b"-") and tag[1:2] != b"-"
