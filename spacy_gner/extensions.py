"""The attributes that the package adds to spaCy's Doc and Span."""

from collections.abc import Mapping, Sequence
from typing import Any

from spacy.tokens import Doc, Span


def register_extensions() -> None:
    """Register the attributes below where they are not yet.

    Doc._.gner_labels (Optional[Sequence[str] | Mapping[str, str]]): The labels to look for in
        this Doc, or these with their wordings in the prompt; None means those of the
        component. Where a pipeline has several components, a mapping from their names to the
        labels of each (`{"gner": ["city"], "second": {"PER": "person"}}`); a component that is
        not named has its own. In training: the label inventory of the data set that the Doc
        comes from, or that of each component, for which entities of the others are O. A list
        or dict when set by this package; a tuple in place of the list after a DocBin (msgpack
        knows no lists in user data).
    Doc._.gner_decoys (Optional[Sequence[str] | Mapping[str, Sequence[str]]]): Wordings that are
        asked for in this Doc but not written to it; None means those of the component. By
        component as above.
    Span._.gner_score (Optional[float]): The confidence of a predicted entity, in [0, 1]. spaCy
        keeps it by the boundaries of the span, not by its label: where several components mark
        the same tokens it is the score that was written last, and what another component
        marks there shows it too. The scores in `doc.spans[spans_key].attrs["scores"]` belong
        to the component that wrote the group.
    """
    for name in ("gner_labels", "gner_decoys"):
        if not Doc.has_extension(name):
            Doc.set_extension(name, default=None)
    if not Span.has_extension("gner_score"):
        Span.set_extension("gner_score", default=None)


def own_value(doc: Doc, attribute: str, component: str) -> Any:
    """What a Doc says to one component.

    doc (Doc): The Doc.
    attribute (str): "gner_labels" or "gner_decoys".
    component (str): The name of the component.
    RETURNS (Any): The value, not validated; None when the Doc says nothing.
    """
    value = doc._.get(attribute)
    return value.get(component) if _is_by_component(value) else value


def labels_elsewhere(doc: Doc, component: str) -> set[str]:
    """Labels that a Doc asks of other components only.

    doc (Doc): The Doc.
    component (str): The name of the component.
    RETURNS (set[str]): Names of labels, which are not for this component to find.
    """
    value = doc._.gner_labels
    if not _is_by_component(value):
        return set()
    others = [labels or () for name, labels in value.items() if name != component]
    return {label for labels in others for label in labels} - set(value.get(component) or ())


def inventory_of(doc: Doc) -> Any:
    """The labels that a Doc asks for, whichever component is to find them.

    doc (Doc): The Doc.
    RETURNS (Sequence[str] | Mapping[str, str] | None): As in `doc._.gner_labels`; None when the
        Doc says nothing.
    """
    value = doc._.gner_labels
    if not _is_by_component(value):
        return value
    found: dict[str, str] = {}
    for labels in value.values():
        found.update(labels if isinstance(labels, Mapping) else {i: i for i in labels or ()})
    return found if any(name != wording for name, wording in found.items()) else list(found)


def _is_by_component(value: Any) -> bool:
    return isinstance(value, Mapping) and bool(value) and not any(map(_is_wording, value.values()))


def _is_wording(value: Any) -> bool:
    # The values of a mapping by component are lists or mappings, None for "your own".
    return (value is not None and not isinstance(value, Sequence | Mapping)) or isinstance(
        value, str
    )
