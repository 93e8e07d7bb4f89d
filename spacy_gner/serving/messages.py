"""What clients and server say to each other."""

from itertools import chain
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from ..errors import Errors
from ..formats import LabelSet
from .limits import Limits


class Question(BaseModel):
    """What a client asks for.

    texts (list[str]): The texts.
    labels (list[str] | None): The labels to look for; None takes the server's.
    wordings (dict[str, str]): Label -> its wording in the prompt, where it differs.
    definitions (dict[str, str]): Label -> a sentence that says what it means.
    threshold (float | None): Entities with a lower score are left out; None is the server's.
    """

    model_config = ConfigDict(extra="forbid")

    texts: list[str] = Field(min_length=1, examples=[["Marie Curie was born in Warsaw."]])
    labels: list[str] | None = Field(default=None, examples=[["person", "city"]])
    wordings: dict[str, str] = Field(default_factory=dict)
    definitions: dict[str, str] = Field(default_factory=dict)
    threshold: float | None = Field(default=None, ge=0.0, le=1.0)


class FoundEntity(BaseModel):
    """An entity.

    start (int): Its first character, counted in Unicode code points from 0.
    end (int): The character after its last one.
    label (str): Its label.
    text (str): Its text.
    score (float | None): Its probability, in [0, 1].
    """

    start: int
    end: int
    label: str
    text: str
    score: float | None


class Answer(BaseModel):
    """What was found in one text.

    entities (list[FoundEntity]): In the order of the text.
    error (str | None): Why this text could not be annotated, with its code.
    """

    entities: list[FoundEntity]
    error: str | None


class Answers(BaseModel):
    """The answers to a question.

    results (list[Answer]): One per text, in order.
    """

    results: list[Answer]


def check_question(question: Question, limits: Limits) -> None:
    """Check what does not depend on the model.

    question (Question): The question.
    limits (Limits): The server's.
    RAISES (ValueError): E601 for what is too large, E602 for wordings or definitions of
        labels that are not asked for, E603 for no label, E611 for half a surrogate pair, E001
        to E005 for labels that cannot be asked for.
    """
    labels = question.labels or []
    definitions = question.definitions.values()
    said = (item for field in (question.wordings, question.definitions) for item in field.items())
    for text in (*question.texts, *labels, *chain.from_iterable(said)):
        try:
            text.encode("utf8")
        except UnicodeEncodeError as error:
            raise ValueError(Errors.E611.format(reason=error)) from error
    named = {
        "texts": (len(question.texts), limits.texts),
        "characters in a text": (max(map(len, question.texts)), limits.characters),
        "labels": (len(labels), limits.labels),
        "characters in a label": (
            max(map(len, [*labels, *question.wordings.values()]), default=0),
            limits.label_characters,
        ),
        "characters in a definition": (
            max(map(len, definitions), default=0),
            limits.definition_characters,
        ),
    }
    for what, (found, most) in named.items():
        if found > most:
            raise ValueError(Errors.E601.format(found=found, what=what, limit=most))
    for field in ("wordings", "definitions"):
        if unknown := [label for label in getattr(question, field) if label not in labels]:
            raise ValueError(Errors.E602.format(field=field, labels=", ".join(unknown)))
    if question.labels is not None:
        if not labels:
            raise ValueError(Errors.E603)
        if len(set(labels)) < len(labels):
            LabelSet.make(labels)  # which names what stands there twice
        LabelSet.make({label: question.wordings.get(label, label) for label in labels})


def rows_of(question: Question) -> list[dict[str, Any]]:
    """RETURNS (list[dict[str, Any]]): One row per text for an `Annotator`."""
    labels: list[str] | dict[str, str] | None = question.labels
    if question.labels is not None and question.wordings:
        labels = {label: question.wordings.get(label, label) for label in question.labels}
    return [
        {"text": text, "gner_labels": labels, "gner_definitions": question.definitions or None}
        for text in question.texts
    ]
