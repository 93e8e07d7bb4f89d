"""JSON: an object a document, and what doccano, Prodigy and Label Studio import."""

import json
from collections.abc import Iterable
from hashlib import sha256
from typing import Any, BinaryIO

from ..document import Document, TextSpan
from ..readers.offsets import DOCCANO_FIELD, LABELS_FIELD
from ..readers.units import in_units
from ..tokenize import Tokenized

_MODEL = "spacy-gner"


def document_record(document: Document) -> dict[str, Any]:
    """A document as an object of JSON.

    document (Document): The document.
    RETURNS (dict): `text`; `entities` with character offsets; `source` and `line` of its file;
        `meta`, the other fields that it had there.
    """
    record: dict[str, Any] = {
        "text": document.text,
        "entities": [_entity(document, span) for span in document.entities],
        **origin_of(document),
    }
    if document.labels is not None:
        labels = document.labels
        record[LABELS_FIELD] = dict(labels) if isinstance(labels, dict) else list(labels)
    return record


def origin_of(document: Document) -> dict[str, Any]:
    """RETURNS (dict): The fields `source`, `line` and `meta` of a document."""
    return {"source": document.source, "line": document.line, "meta": document.meta}


def write_jsonl(documents: Iterable[Document], stream: BinaryIO) -> None:
    """Write an object a line.

    documents (Iterable[Document]): What to write; each is written before the next is taken.
    stream (BinaryIO): The file.
    """
    for document in documents:
        write_line(stream, document_record(document))


def write_doccano(documents: Iterable[Document], stream: BinaryIO) -> None:
    """Write what doccano imports as JSONL: `text` and `label`, a list of start, end and label.
    Offsets count UTF-16 units there: doccano's issue 2290."""
    for document in documents:
        entities = in_units(document.text, document.entities)
        spans = [[span.start, span.end, span.label] for span in entities]
        write_line(stream, {"text": document.text, DOCCANO_FIELD: spans, **origin_of(document)})


def write_prodigy(documents: Iterable[Document], stream: BinaryIO) -> None:
    """Write what Prodigy imports: `text`, `spans`, and `tokens` where the words are known."""
    for document in documents:
        task: dict[str, Any] = {"text": document.text}
        words = Tokenized(document.words or (), document.spaces)
        if document.words is not None:
            places = zip(words.word_at_start.items(), words.words, words.spaces, strict=True)
            task["tokens"] = [
                {"text": word, "start": start, "end": start + len(word), "id": i, "ws": space}
                for (start, i), word, space in places
            ]
        task["spans"] = []
        for span in document.entities:
            member: dict[str, Any] = {"start": span.start, "end": span.end, "label": span.label}
            if (found := words.word_span(span.start, span.end)) is not None:
                member.update(token_start=found[0], token_end=found[1] - 1)
            if span.score is not None:
                member["score"] = _rounded(span.score)
            task["spans"].append(member)
        write_line(stream, {**task, "meta": origin_of(document)})


def write_label_studio(documents: Iterable[Document], stream: BinaryIO) -> None:
    """Write a list of tasks with predictions for Label Studio. Its labeling interface is to have
    `<Labels name="label" toName="text">` and `<Text name="text" value="$text"/>`."""
    stream.write(b"[")
    for number, document in enumerate(documents):
        stream.write(b",\n" if number else b"\n")
        stream.write(json_text(_task(document), default=str).encode("utf8"))
        stream.flush()
    stream.write(b"\n]\n")


def write_line(stream: BinaryIO, record: dict[str, Any]) -> None:
    """Write an object of JSON as one line, and pass it on at once.

    stream (BinaryIO): The file.
    record (dict): The object.
    """
    stream.write(json_text(record, default=str).encode("utf8") + b"\n")
    stream.flush()


def _task(document: Document) -> dict[str, Any]:
    results = []
    for number, span in enumerate(document.entities):
        key = f"{document.source}/{document.line}/{number}/{span[:3]}"
        result: dict[str, Any] = {
            "id": sha256(key.encode("utf8", "surrogatepass")).hexdigest()[:10],
            "from_name": "label",
            "to_name": "text",
            "type": "labels",
            "value": {
                "start": span.start,
                "end": span.end,
                "text": document.text[span.start : span.end],
                "labels": [span.label],
            },
        }
        if span.score is not None:
            result["score"] = _rounded(span.score)
        results.append(result)
    scores = [result["score"] for result in results if "score" in result]
    prediction: dict[str, Any] = {"model_version": _MODEL, "result": results}
    if scores:
        prediction["score"] = _rounded(sum(scores) / len(scores))
    data = {"text": document.text, **origin_of(document)}
    return {"data": data, "predictions": [prediction]}


def _entity(document: Document, span: TextSpan) -> dict[str, Any]:
    return {
        "start": span.start,
        "end": span.end,
        "label": span.label,
        "text": document.text[span.start : span.end],
        "score": None if span.score is None else _rounded(span.score),
    }


def _rounded(score: float) -> float:
    return round(score, 4)


def json_text(values: Any, **options: Any) -> str:
    """Write JSON that any UTF-8 file can hold.

    values (Any): JSON values.
    options (Any): For `json.dumps`.
    RETURNS (str): With escapes for other than ASCII characters only where halves of surrogate
        pairs, which JSON data can hold, leave no other way.
    """
    text = json.dumps(values, ensure_ascii=False, **options)
    try:
        text.encode("utf8")
    except UnicodeEncodeError:
        return json.dumps(values, **options)
    return text


def without_surrogates(values: Any) -> Any:
    """RETURNS (Any): JSON values without halves of surrogate pairs, which neither msgpack nor
    Parquet can hold."""
    return json.loads(json.dumps(values, ensure_ascii=False).encode("utf8", "replace"))
