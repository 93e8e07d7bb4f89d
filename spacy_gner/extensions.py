"""The attributes that the package adds to spaCy's Doc and Span."""

from spacy.tokens import Doc, Span


def register_extensions() -> None:
    """Register `Doc._.gner_labels` and `Span._.gner_score` where they are not yet.

    Doc._.gner_labels (Optional[Sequence[str] | Mapping[str, str]]): The labels to look for in
        this Doc, or these with their wordings in the prompt; None means those of the
        component. In training: the label inventory of the data set that the Doc comes from.
        A list or dict when set by this package; a tuple in place of the list after a DocBin
        (msgpack knows no lists in user data).
    Span._.gner_score (Optional[float]): The confidence of a predicted entity, in [0, 1].
    """
    if not Doc.has_extension("gner_labels"):
        Doc.set_extension("gner_labels", default=None)
    if not Span.has_extension("gner_score"):
        Span.set_extension("gner_score", default=None)
