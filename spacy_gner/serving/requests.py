"""Requests that bring their own definitions of labels and thresholds, where a pipeline has one set
for all."""

from collections.abc import Mapping, Sequence
from typing import Any

from ..pipeline.annotator import ENTITIES, ERROR, Annotator
from ..pipeline.loading import find_component
from ..pipeline.shim import get_shim

DEFINITIONS = "gner_definitions"


class RequestAnnotator:
    """An `Annotator` for requests: rows may bring definitions of their labels, and no threshold is
    applied, since whoever asks may have a lower one.

    threshold (float | Mapping[str, float] | None): That of its pipeline, for whoever asks without
        one.
    """

    def __init__(self, annotator: Annotator) -> None:
        """Wrap an annotator. No other thread may use its pipeline meanwhile.

        annotator (Annotator): Finds the entities.
        """
        self._annotator = annotator
        component = find_component(annotator.nlp)
        usual = component.threshold
        self.threshold = get_shim(component.model).threshold if usual == "auto" else usual
        component.threshold = None

    def __call__(self, batch: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
        """Annotate a batch, see `Annotator`. The column "gner_definitions" has for each row a
        mapping from label to sentence, or None for those of the pipeline."""
        columns = dict(batch)
        given = list(columns.pop(DEFINITIONS, ()))
        if not any(given):
            return self._annotator(columns)
        component = find_component(self._annotator.nlp)
        usual = component.label_definitions
        entities: list[Any] = [[]] * len(given)
        errors: list[str | None] = [None] * len(given)
        groups: dict[str, list[int]] = {}
        for row, definitions in enumerate(given):
            groups.setdefault(repr(definitions), []).append(row)
        try:
            for rows in groups.values():
                own = given[rows[0]]
                part = {name: [column[row] for row in rows] for name, column in columns.items()}
                try:
                    component.change_settings(label_definitions=usual if own is None else own)
                    found = self._annotator(part)
                except ValueError as error:
                    # A definition that cannot stand in a prompt.
                    found = {ENTITIES: [[]] * len(rows), ERROR: [str(error)] * len(rows)}
                for row, row_entities, message in zip(
                    rows, found[ENTITIES], found[ERROR], strict=True
                ):
                    entities[row], errors[row] = row_entities, message
        finally:
            component.change_settings(label_definitions=usual)
        return {**columns, ENTITIES: entities, ERROR: errors}
