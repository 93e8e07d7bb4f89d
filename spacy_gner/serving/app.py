"""The ASGI app: `POST /ents`, `GET /health`, `GET /info`, a page at `/`."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from starlette.middleware.trustedhost import TrustedHostMiddleware

from ..about import __version__
from ..errors import Errors
from .batches import Annotate, Batches, BatchQueue, QueueClosed, QueueFull
from .gate import Gate
from .label_studio import make_router
from .limits import Limits, estimate_tokens
from .messages import Answers, Question, check_question, rows_of
from .page import read_page

LOOPBACK = ("localhost", "127.0.0.1", "::1")


def create_app(
    annotate: Annotate,
    info: Mapping[str, Any] | None = None,
    *,
    limits: Limits | None = None,
    api_key: str | None = None,
    allowed_hosts: Sequence[str] = ("*",),
    batches: Batches | None = None,
) -> FastAPI:
    """Make a server's app.

    annotate (Callable): An `Annotator`, or anything with its contract: columns in, columns
        out. It is called in one thread, never twice at a time.
    info (Mapping | None): What `GET /info` says of the model: "model" (its name), "labels"
        (label -> wording), "threshold" (a number, a mapping by label, or None: that of questions
        which bring none; `annotate` must not have dropped anything).
    limits (Limits | None): Defaults if None.
    api_key (str | None): What clients must send as `Authorization: Bearer KEY` or
        `X-API-Key: KEY`; None lets everybody in.
    allowed_hosts (Sequence[str]): Names under which the server may be called (the `Host` header);
        a page elsewhere cannot reach a loopback server through a name of its own.
    batches (Batches | None): Calls `annotate` with the texts of many requests; a `BatchQueue` if
        None.
    RETURNS (FastAPI): The app.
    """
    limits = limits or Limits()
    facts = {"model": None, "labels": {}, "threshold": None, **(info or {})}
    page, policy = read_page()
    queue = batches or BatchQueue(annotate, limits.batch_tokens, limits.waiting_tokens)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        queue.start()
        yield
        await queue.close()

    # FastAPI's pages of documentation load scripts from elsewhere; /openapi.json says it all.
    app = FastAPI(
        title="spacy-gner",
        version=__version__,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    app.state.queue = queue
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(allowed_hosts))
    app.add_middleware(Gate, limits=limits, api_key=api_key, policy=policy)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        # Without the input, which may be long, or no Unicode.
        found = [
            {"loc": list(e["loc"]), "msg": e["msg"], "type": e["type"]} for e in error.errors()
        ]
        return JSONResponse({"detail": found}, status_code=422)

    @app.get("/", response_class=HTMLResponse, include_in_schema=False)
    async def show_page() -> HTMLResponse:
        return HTMLResponse(page)

    @app.get("/health")
    async def health() -> JSONResponse:
        """Say whether questions are answered: 200, or 503 while stopping."""
        state = "ok" if queue.is_open else "stopping"
        return JSONResponse({"status": state}, status_code=200 if queue.is_open else 503)

    @app.get("/info")
    async def show_info() -> dict[str, Any]:
        """Say which model answers, for which labels, within which limits, and how busy it is."""
        shown = {name: getattr(limits, name) for name in ("texts", "characters", "labels")}
        busy = {
            "waiting_tokens": queue.n_waiting,
            "batches": queue.n_batches,
            "texts": queue.n_rows,
        }
        return {"version": __version__, **facts, "limits": shown, "queue": busy}

    async def ask(request: Request, question: Question) -> list[dict[str, Any]] | None:
        labels = question.labels or ()
        asked = [*labels, *question.wordings.values(), *question.definitions.values()]
        n_labels = sum(map(len, asked))
        costs = [estimate_tokens(text, n_labels) for text in question.texts]
        rows = await _wait(request, queue, rows_of(question), costs, limits.answer_seconds)
        threshold = facts["threshold"] if question.threshold is None else question.threshold
        return rows and [_above(row, threshold) for row in rows]

    @app.post("/ents", response_model=Answers)
    async def find_entities(question: Question, request: Request) -> Any:
        """Find the entities of some texts."""
        try:
            check_question(question, limits)
        except ValueError as error:
            raise HTTPException(422, str(error)) from error
        if question.labels is None and not facts["labels"]:
            raise HTTPException(422, Errors.E603)
        rows = await ask(request, question)
        if rows is None:
            return Response(status_code=499)  # which nobody reads
        return Answers.model_validate({"results": rows})

    app.include_router(make_router(ask, limits))
    return app


def _above(row: Mapping[str, Any], threshold: float | Mapping[str, float] | None) -> dict[str, Any]:
    def is_above(entity: Mapping[str, Any]) -> bool:
        lowest = threshold.get(entity["label"]) if isinstance(threshold, Mapping) else threshold
        # An entity without a score is one that the model did not find.
        return lowest is None or entity["score"] is None or entity["score"] >= lowest

    return {"entities": list(filter(is_above, row["entities"])), "error": row["error"]}


async def _wait(
    request: Request,
    queue: Batches,
    rows: Sequence[Mapping[str, Any]],
    costs: Sequence[int],
    seconds: float,
) -> list[dict[str, Any]] | None:
    """Wait for answers, but not after the client has gone: its texts make room for others.

    RETURNS (list[dict] | None): None when the client has gone.
    RAISES (HTTPException): 429, 500, 503, 504.
    """
    answers = asyncio.ensure_future(queue.submit(rows, costs))
    gone = asyncio.ensure_future(_disconnected(request))
    try:
        await asyncio.wait({answers, gone}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if answers.done():
            return answers.result()
        if gone.done():
            return None
        raise HTTPException(504, Errors.E606.format(seconds=seconds))
    except QueueFull as error:
        raise HTTPException(429, Errors.E607, headers={"Retry-After": "1"}) from error
    except QueueClosed as error:
        raise HTTPException(503, Errors.E608) from error
    except asyncio.CancelledError:
        # The server stops, and has waited for this long enough.
        raise HTTPException(503, Errors.E608) from None
    except HTTPException:
        raise
    except Exception as error:
        kind = type(error).__name__
        raise HTTPException(500, Errors.E609.format(kind=kind, reason=error)) from error
    finally:
        answers.cancel()
        gone.cancel()


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
