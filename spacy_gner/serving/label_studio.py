"""An ML backend for Label Studio: its requests, answered by the server's model."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any
from xml.etree import ElementTree

from fastapi import APIRouter, HTTPException, Request
from pydantic import BaseModel

from ..about import __version__
from ..errors import Errors
from .limits import Limits
from .messages import Question, check_question

Ask = Callable[[Request, Question], Awaitable[Sequence[Mapping[str, Any]] | None]]
MODEL_VERSION = f"spacy-gner {__version__}"


class PredictRequest(BaseModel):
    """What Label Studio sends for predictions. Other fields are passed over.

    tasks (list[dict]): Each with its "data".
    label_config (str): The project's labeling interface, in XML.
    """

    tasks: list[dict[str, Any]]
    label_config: str


@dataclass(frozen=True)
class LabelingInterface:
    """The part of a labeling interface that is about spans of text.

    from_name (str): The name of its <Labels>.
    to_name (str): The name of its <Text>.
    key (str): Where a task's data has the text.
    labels (tuple[str, ...]): The labels.
    """

    from_name: str
    to_name: str
    key: str
    labels: tuple[str, ...]


def read_interface(xml: str) -> LabelingInterface:
    """Read a labeling interface.

    xml (str): As Label Studio sends it. Document types and entities are refused.
    RETURNS (LabelingInterface): Its first <Labels> that belong to a <Text>.
    RAISES (ValueError): E612 where there are none.
    """
    if "<!" in xml.replace("<!--", ""):
        raise ValueError(Errors.E612.format(reason="it has a document type or an entity"))
    try:
        root = ElementTree.fromstring(xml)
    except (ElementTree.ParseError, UnicodeEncodeError) as error:
        raise ValueError(Errors.E612.format(reason=error)) from error
    texts = {tag.get("name"): tag.get("value", "") for tag in root.iter("Text")}
    for tag in root.iter("Labels"):
        to_name = tag.get("toName", "")
        key = texts.get(to_name, "")
        names = tuple(filter(None, (label.get("value") for label in tag.iter("Label"))))
        if key.startswith("$") and names:
            return LabelingInterface(tag.get("name", ""), to_name, key[1:], names)
    raise ValueError(Errors.E612.format(reason="no <Labels> for a <Text> with a $value"))


def to_prediction(interface: LabelingInterface, row: Mapping[str, Any]) -> dict[str, Any]:
    """Write what was found in one text as a prediction. Both sides count code points.

    interface (LabelingInterface): The project's.
    row (Mapping): An answer: "entities" and "error".
    RETURNS (dict): With the mean score of its entities, which Label Studio can sort by.
    """
    result = [
        {
            "id": f"gner-{i}",
            "from_name": interface.from_name,
            "to_name": interface.to_name,
            "type": "labels",
            "score": entity["score"],
            "value": {
                "start": entity["start"],
                "end": entity["end"],
                "text": entity["text"],
                "labels": [entity["label"]],
            },
        }
        for i, entity in enumerate(row["entities"])
    ]
    scores = [e["score"] for e in row["entities"] if e["score"] is not None]
    score = fmean(scores) if scores else 0.0
    return {"model_version": MODEL_VERSION, "score": score, "result": result}


def make_router(ask: Ask, limits: Limits) -> APIRouter:
    """Make the routes of the backend, for Label Studio's "Backend URL".

    ask (Callable): Answers a question, one row per text; None when the client has gone.
    limits (Limits): The server's.
    RETURNS (APIRouter): /health, /setup, /predict and /webhook.
    """
    router = APIRouter(prefix="/label-studio", tags=["Label Studio"])

    @router.get("/health")
    async def health() -> dict[str, str]:
        """Say that the backend is there."""
        return {"status": "UP", "model_class": "spacy-gner"}

    @router.post("/setup")
    async def setup() -> dict[str, str]:
        """Name the version; there is nothing to prepare for a project."""
        return {"model_version": MODEL_VERSION}

    @router.post("/webhook", status_code=201)
    async def webhook() -> dict[str, str]:
        """Accept Label Studio's events; nothing is trained from them."""
        return {"status": "ok"}

    @router.post("/predict")
    async def predict(body: PredictRequest, request: Request) -> dict[str, Any]:
        """Pre-annotate some tasks."""
        if not body.tasks:
            return {"results": [], "model_version": MODEL_VERSION}
        try:
            interface = read_interface(body.label_config)
            texts = [_text_of(task, interface.key) for task in body.tasks]
            question = Question(texts=texts, labels=list(interface.labels))
            check_question(question, limits)
        except ValueError as error:
            raise HTTPException(422, str(error)) from error
        rows = await ask(request, question)
        results = [to_prediction(interface, row) for row in rows or ()]
        return {"results": results, "model_version": MODEL_VERSION}

    return router


def _text_of(task: Mapping[str, Any], key: str) -> str:
    """RETURNS (str): Empty for a task without the text: the others are answered all the same."""
    data = task.get("data")
    text = data.get(key) if isinstance(data, Mapping) else None
    return text if isinstance(text, str) else ""
