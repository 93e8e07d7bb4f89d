"""`python -m spacy_gner serve`: entities over HTTP."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from ..errors import Errors, Warnings
from ._app import app
from .options import DecoderName, Device, Lang, Model, Threshold, joined, stop_on

KEY_VARIABLE = "SPACY_GNER_API_KEY"


@app.command("serve")
def serve(
    model: Model = None,
    labels: Annotated[
        list[str] | None,
        typer.Option(
            "--labels",
            "-l",
            help='For requests that name none: "person,city" or "PER=person,LOC=city". May be '
            "repeated.",
        ),
    ] = None,
    host: Annotated[
        str, typer.Option(help="The address to listen at; only this machine if left out.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any free one.")] = 8000,
    lang: Lang = "en",
    device: Device = None,
    decoder: DecoderName = None,
    threshold: Threshold = None,
    batch_tokens: Annotated[
        int, typer.Option(min=1, help="Tokens, as estimated, in one call of the model.")
    ] = 2048,
    waiting_tokens: Annotated[
        int, typer.Option(min=1, help="Tokens that may wait; above it, requests get a 429.")
    ] = 65_536,
    max_texts: Annotated[int, typer.Option(min=1, help="Texts in a request.")] = 64,
    max_characters: Annotated[int, typer.Option(min=1, help="Characters in a text.")] = 50_000,
    max_labels: Annotated[int, typer.Option(min=1, help="Labels in a request.")] = 100,
    max_body: Annotated[int, typer.Option(min=1, help="Bytes in a request.")] = 1_000_000,
    timeout: Annotated[float, typer.Option(help="Seconds that a request may wait.")] = 120.0,
    allowed_host: Annotated[
        list[str] | None,
        typer.Option(help="A name under which the server is called. May be repeated."),
    ] = None,
) -> None:
    """Answer requests: a page at /, entities from POST /ents, and /health, /info,
    /openapi.json.

    The server listens on this machine only, unless --host says otherwise. If the environment
    has SPACY_GNER_API_KEY, requests need it.
    """
    try:
        import fastapi  # noqa: F401
        import uvicorn
    except ImportError as error:
        print(Errors.E610.format(reason=error), file=sys.stderr)
        raise typer.Exit(2) from error
    from ..pipeline.annotator import Annotator
    from ..pipeline.loading import find_component, parse_labels
    from ..pipeline.shim import get_shim
    from ..serving.app import LOOPBACK, create_app
    from ..serving.limits import Limits
    from ..serving.requests import RequestAnnotator

    with stop_on(ValueError, ImportError):
        limits = Limits(
            body_bytes=max_body,
            texts=max_texts,
            characters=max_characters,
            labels=max_labels,
            batch_tokens=batch_tokens,
            waiting_tokens=waiting_tokens,
            answer_seconds=timeout,
        )
        asked = joined(labels)
        settings = {} if threshold is None else {"threshold": threshold}
        annotator = Annotator(
            model,
            None if asked is None else parse_labels(asked),
            lang=lang,
            device=device,
            decoder=decoder,
            settings=settings,
        )
        component = find_component(annotator.nlp)
        # Now, before anybody waits for it.
        _ = get_shim(component.model).backbone
        annotate = RequestAnnotator(annotator)
    key = os.environ.get(KEY_VARIABLE) or None
    if host not in LOOPBACK and key is None:
        print(Warnings.W601.format(host=host, variable=KEY_VARIABLE), file=sys.stderr)
    if allowed_host is None:
        allowed_host = list(LOOPBACK) if host in LOOPBACK else ["*"]
    info = {
        # Directories are nobody's business.
        "model": None if model is None else Path(model).name if Path(model).exists() else model,
        "labels": component.label_data,
        "threshold": annotate.threshold,
    }
    server = create_app(
        annotate,
        info,
        limits=limits,
        api_key=key,
        allowed_hosts=allowed_host,
    )
    uvicorn.run(
        server,
        host=host,
        port=port,
        server_header=False,
        limit_concurrency=limits.connections,
        timeout_graceful_shutdown=int(limits.shutdown_seconds),
    )
    if server.state.queue.is_computing:
        # Nobody waits for this batch any more, but Python would.
        sys.stderr.flush()
        os._exit(0)
