"""Entities for batches of columns: what a command, a server or a cluster calls."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc

from ..errors import Errors
from ..formats.labels import LabelsInput
from .loading import find_component, load, read_labels

ENTITIES, ERROR = "entities", "error"


class Annotator:
    """Adds entities to batches of texts. A batch is a dict of columns, as Ray Data, Spark and
    Hugging Face Datasets have them; a row that fails gets a message instead of entities.

    An Annotator is small when it is pickled. The pipeline is loaded with the first batch, once
    per process: copies of an Annotator share it. The entities are those that `nlp.pipe` finds.
    """

    def __init__(
        self,
        model: str | Path | None = None,
        labels: LabelsInput | None = None,
        *,
        text_column: str = "text",
        labels_column: str = "gner_labels",
        lang: str = "en",
        device: str | None = None,
        decoder: str | Mapping[str, Any] | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        """Initialize an Annotator. Nothing is loaded yet.

        model, labels, lang, device, decoder, settings: See `spacy_gner.load`.
        text_column (str): The column that holds the texts.
        labels_column (str): A column that may hold labels for single rows: a list of labels,
            a mapping from label to wording, or either of them as a string (see `read_labels`);
            None for the labels of the pipeline. Batches without this column are fine.
        """
        self.text_column = text_column
        self.labels_column = labels_column
        self.options: dict[str, Any] = {
            "model": None if model is None else str(model),
            "labels": labels,
            "lang": lang,
            "device": device,
            "decoder": decoder,
            "settings": settings,
        }
        self._nlp: Language | None = None

    @property
    def nlp(self) -> Language:
        """RETURNS (Language): The pipeline, loaded on first use.
        RAISES (ValueError): See `spacy_gner.load`."""
        if self._nlp is None:
            self._nlp = _load_once(self.options)
        return self._nlp

    def __call__(self, batch: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
        """Find the entities of a batch.

        batch (Mapping[str, Sequence]): Columns of equal length B, among them the texts. A
            column may be any sequence (a list, an array of NumPy, a column of pandas).
        RETURNS (dict[str, Sequence]): All columns of the batch, and two lists of length B.
            "entities": for each row a list of dicts with "start" and "end" (character
            offsets), "label", "text" and "score" (in [0, 1], None for an entity that another
            component found). "error": None, or why the row could not be annotated (its
            entities are then []).
        RAISES (ValueError): E031 for a batch without texts, with columns of different lengths,
            or with columns that have the names of the new ones. What `spacy_gner.load` raises.
            Never for a single row.
        """
        columns = dict(batch)
        texts, labels = self._read(columns)
        nlp = self.nlp
        component = find_component(nlp)
        entities: list[list[dict[str, Any]]] = [[] for _ in texts]
        errors: list[str | None] = [None] * len(texts)
        rows = self._docs(nlp, texts, labels, errors)
        for doc, (row, _) in nlp.pipe(rows, as_tuples=True):
            if errors[row] is None:
                entities[row] = entity_records(doc, component)
        return {**columns, ENTITIES: entities, ERROR: errors}

    def _read(self, columns: dict[str, Any]) -> tuple[list[Any], list[Any]]:
        found = ", ".join(map(repr, columns))
        if self.text_column not in columns:
            reason = f"it has no column {self.text_column!r} with texts"
            raise ValueError(Errors.E031.format(reason=reason, found=found))
        for name in (ENTITIES, ERROR):
            if name in columns:
                reason = f"its column {name!r} would be overwritten"
                raise ValueError(Errors.E031.format(reason=reason, found=found))
        texts = list(columns[self.text_column])
        labels = list(columns.get(self.labels_column, [None] * len(texts)))
        for name, column in columns.items():
            if len(column) != len(texts):
                reason = f"its column {name!r} has {len(column)} rows instead of {len(texts)}"
                raise ValueError(Errors.E031.format(reason=reason, found=found))
        return texts, labels

    def _docs(
        self, nlp: Language, texts: list[Any], labels: list[Any], errors: list[str | None]
    ) -> Iterator[tuple[Doc, tuple[int, list[str | None]]]]:
        for row, (text, own) in enumerate(zip(texts, labels, strict=True)):
            try:
                if not isinstance(text, str):
                    raise TypeError(f"expected a string, but got {text!r}")
                doc = nlp.make_doc(text)
                doc._.gner_labels = _plain(own)
            except Exception as error:
                errors[row] = _message(error)
            else:
                yield doc, (row, errors)

    def __getstate__(self) -> dict[str, Any]:
        # The pipeline stays at home: the process that unpickles this loads its own.
        return {**self.__dict__, "_nlp": None}


# The pipeline that was loaded last in this process, and the options that it was loaded with.
_loaded: tuple[str, Language] | None = None
_lock = threading.Lock()


def _load_once(options: Mapping[str, Any]) -> Language:
    global _loaded
    key = repr(options)
    with _lock:
        if _loaded is None or _loaded[0] != key:
            nlp = load(**options)
            nlp.set_error_handler(_note_error)  # type: ignore[arg-type]
            _loaded = (key, nlp)
        return _loaded[1]


def _note_error(name: str, component: Any, docs: Sequence[Doc], error: Exception) -> None:
    # The errors travel with the Docs, since several threads may share one pipeline.
    for doc in docs:
        row, errors = doc._context
        errors[row] = _message(error)


def _message(error: Exception) -> str:
    text = str(error)
    if text.startswith("[GNER-"):
        return text
    # Codes of spaCy, such as [E088] for texts that are too long, stay in the reason.
    return Errors.E032.format(reason=f"{type(error).__name__}: {text}" if text else repr(error))


def entity_records(doc: Doc, component: Any) -> list[dict[str, Any]]:
    """The entities of a Doc as plain values.

    doc (Doc): What the pipeline returned.
    component (GNER): Its component, whose settings say where the entities are.
    RETURNS (list[dict[str, Any]]): "start" and "end" (character offsets), "label", "text" and
        "score" of each.
    """
    if component.set_ents:
        spans = [(ent, ent._.gner_score) for ent in doc.ents]
    else:
        group = doc.spans[component.spans_key]
        spans = list(zip(group, group.attrs["scores"], strict=True))
    return [
        {
            "start": span.start_char,
            "end": span.end_char,
            "label": span.label_,
            "text": span.text,
            "score": score,
        }
        for span, score in spans
    ]


def _plain(labels: Any) -> Any:
    """Labels as the component takes them: arrays become lists; of a mapping that Arrow filled
    up with the keys of other rows, only the entries that have a value stay."""
    if hasattr(labels, "tolist"):
        labels = labels.tolist()
    if isinstance(labels, str):
        labels = read_labels(labels)
    if isinstance(labels, float) and labels != labels:
        return None  # how pandas writes a missing value
    if isinstance(labels, Mapping):
        return {name: wording for name, wording in labels.items() if wording is not None}
    return labels
