"""What `annotate` writes: JSON lines, a DocBin, or a page."""

import html
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from spacy import displacy
from spacy.tokens import Doc, DocBin

FORMATS = ("jsonl", "docbin", "html")


class Writer(Protocol):
    """Takes annotated Docs one by one."""

    def __call__(self, doc: Doc, meta: dict[str, Any]) -> None: ...


@contextmanager
def open_writer(output_format: str, output: Path | None) -> Iterator[Writer]:
    """Open an output.

    output_format (str): "jsonl", "docbin" or "html".
    output (Path | None): The file; None is standard output.
    YIELDS (Writer): Takes Docs; all is written when the context ends.
    """
    if output is not None:
        output.parent.mkdir(parents=True, exist_ok=True)
    if output_format == "docbin":
        # Opened before the work begins: a file that cannot be written must not cost it.
        binary = sys.stdout.buffer if output is None else output.open("wb")
        doc_bin = DocBin(store_user_data=True)
        try:
            yield lambda doc, meta: doc_bin.add(doc)
        finally:
            binary.write(doc_bin.to_bytes())
            binary.flush()
            if output is not None:
                binary.close()
        return
    stream = sys.stdout if output is None else output.open("w", encoding="utf8")
    try:
        if output_format == "jsonl":
            yield lambda doc, meta: _write_line(stream, doc, meta)
        else:
            stream.write(_PAGE_HEAD)
            yield lambda doc, meta: _write_figure(stream, doc, meta)
            stream.write("</body>\n</html>\n")
    finally:
        stream.flush()
        if output is not None:
            stream.close()


def doc_record(doc: Doc, meta: dict[str, Any]) -> dict[str, Any]:
    """RETURNS (dict): A Doc's text and entities (character offsets, label, score)."""
    ents = [
        {
            "start": ent.start_char,
            "end": ent.end_char,
            "label": ent.label_,
            "text": ent.text,
            "score": None if ent._.gner_score is None else round(ent._.gner_score, 4),
        }
        for ent in doc.ents
    ]
    return {"text": doc.text, "ents": ents, **({"meta": meta} if meta else {})}


def _write_line(stream: Any, doc: Doc, meta: dict[str, Any]) -> None:
    record = doc_record(doc, meta)
    line = json.dumps(record, ensure_ascii=False)
    try:
        line.encode("utf8")
    except UnicodeEncodeError:
        # Half of a surrogate pair, in the meta data: only an escape can say it.
        line = json.dumps(record)
    stream.write(line + "\n")
    stream.flush()


def _write_figure(stream: Any, doc: Doc, meta: dict[str, Any]) -> None:
    place = html.escape(f"{meta.get('source', '')}:{meta.get('line', '')}".strip(":"))
    with_ents = displacy.render(doc, style="ent", jupyter=False) if doc.ents else ""
    body = with_ents or f"<p>{html.escape(doc.text)}</p>"
    stream.write(f"<article><small>{place}</small>{body}</article>\n")
    stream.flush()


_PAGE_HEAD = """<!DOCTYPE html>
<html>
<head>
<meta charset="utf-8">
<title>spacy-gner</title>
<style>
body { font: 16px/1.6 system-ui, sans-serif; max-width: 50em; margin: 2em auto; padding: 0 1em; }
article { border-bottom: 1px solid #ddd; padding: 1em 0; }
small { color: #777; }
</style>
</head>
<body>
"""
