"""The server's app under Ray Serve: as many copies of the model as the load asks for.

    SPACY_GNER_LABELS=person,city serve run spacy_gner.distributed.ray_serve:deployment

or, with arguments, `serve run spacy_gner.distributed.ray_serve:build model=DIR labels=…`.
"""

import os
from typing import Any

from fastapi import FastAPI
from ray import serve

from ..pipeline.annotator import Annotator
from ..pipeline.loading import find_component, parse_labels
from ..pipeline.shim import get_shim
from ..serving.app import create_app
from ..serving.limits import Limits
from ..serving.requests import RequestAnnotator
from .serve_batches import ServeBatches


@serve.deployment(
    max_ongoing_requests=64,
    # More requests than that go away with a 503; the app itself answers 429 before its queue
    # is full.
    max_queued_requests=256,
    autoscaling_config={"min_replicas": 1, "max_replicas": 4, "target_ongoing_requests": 16},
    health_check_period_s=10,
)
@serve.ingress()
class Deployment:
    """One model with the whole app around it: page, limits, and batches.

    Ray Serve makes the batches of a replica, and decides how many replicas there are and which of
    them answers.
    """

    def __init__(self, model: str | None, labels: str | None, api_key: str | None) -> None:
        """Load the model.

        model (str | None): See `spacy_gner.load`.
        labels (str | None): As on the command line: "person,city".
        api_key (str | None): What clients must send.
        """
        annotator = Annotator(model, None if labels is None else parse_labels(labels))
        component = find_component(annotator.nlp)
        # Loaded before the first request comes.
        _ = get_shim(component.model).backbone
        annotate, limits = RequestAnnotator(annotator), Limits()
        info = {"model": None, "labels": component.label_data, "threshold": annotate.threshold}
        batches = ServeBatches(annotate, limits.waiting_tokens)
        self._app = create_app(annotate, info, limits=limits, api_key=api_key, batches=batches)

    def __serve_build_asgi_app__(self) -> FastAPI:
        """RETURNS (FastAPI): The app, which Ray starts and stops with the replica."""
        return self._app

    def check_health(self) -> None:
        """RAISES (RuntimeError): When the app's queue has ended: Ray makes a new replica."""
        queue = self._app.state.queue
        if queue.has_started and not queue.is_open:
            raise RuntimeError("the queue has ended")


def build(arguments: dict[str, str]) -> Any:
    """Bind the deployment to arguments, for `serve run …:build model=DIR labels=person,city`.

    arguments (dict[str, str]): "model" and "labels", both optional. The API key comes from the
        environment (SPACY_GNER_API_KEY).
    RETURNS (Application): For `serve.run`.
    """
    key = os.environ.get("SPACY_GNER_API_KEY") or None
    made: Any = Deployment
    return made.bind(arguments.get("model"), arguments.get("labels"), key)


deployment = build(
    {
        name: value
        for name in ("model", "labels")
        if (value := os.environ.get(f"SPACY_GNER_{name.upper()}"))
    }
)
