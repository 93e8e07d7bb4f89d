"""Runs `annotate`, and makes files for it."""

import csv
import json
from pathlib import Path

import pytest
import spacy
from spacy.tokens import DocBin
from typer.testing import CliRunner

from spacy_gner.cli import app

RUN = CliRunner()
FILES = Path(__file__).parents[1] / "corpora" / "files"


def annotate(*arguments, **kwargs):
    if "-l" not in arguments:
        arguments = ("-l", "person,city", *arguments)
    return RUN.invoke(app, ["annotate", *map(str, arguments)], **kwargs)


def records(text):
    return [json.loads(line) for line in text.splitlines()]


def found(record):
    return [(e["text"], e["label"]) for e in record["entities"]]


def parquet(path, rows):
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    pq.write_table(pa.Table.from_pylist(rows), path)


def make_file(path, kind):
    """Write a file with two texts and a field beside them, where the kind has fields."""
    rows = [{"text": "Ada left.", "id": 1}, {"text": "In Paris, with Zürich.", "id": 2}]
    if kind == "lines":
        path.write_text("Ada left.\n\nIn Paris, with Zürich.\n", encoding="utf8")
    elif kind == "jsonl":
        path.write_text("\n".join(map(json.dumps, rows)), encoding="utf8")
    elif kind == "json":
        path.write_text(json.dumps(rows, indent=1, ensure_ascii=False), encoding="utf8")
    elif kind in ("csv", "tsv"):
        with path.open("w", newline="", encoding="utf8") as file:
            writer = csv.DictWriter(file, ["id", "text"], delimiter="\t" if kind == "tsv" else ",")
            writer.writeheader()
            writer.writerows(rows)
    elif kind == "docbin":
        nlp = spacy.blank("en")
        DocBin(docs=[nlp(row["text"]) for row in rows], store_user_data=True).to_disk(path)
    elif kind == "parquet":
        parquet(path, rows)
    return path


KINDS = {
    "lines": ".txt",
    "jsonl": ".jsonl",
    "json": ".json",
    "csv": ".csv",
    "tsv": ".tsv",
    "docbin": ".spacy",
    "parquet": ".parquet",
}
