"""What stands before the app: the API key, the size of bodies, slow senders, headers."""

import asyncio
import base64
import hmac
import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from ..errors import Errors
from .limits import Limits

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

# What can be seen without a key: it says nothing about texts or models.
OPEN_PATHS = ("/", "/health")
# A body that is too large is read to its end, and thrown away, up to this multiple of the limit:
# a client that still sends does not hear the refusal.
_HEARD = 16


class Gate:
    """Middleware: lets through requests with the right key whose body came whole, in time
    and within its limit."""

    def __init__(self, app: App, limits: Limits, api_key: str | None, policy: str) -> None:
        """Stand before an app.

        app (App): The ASGI app.
        limits (Limits): `body_bytes` and `body_seconds` count.
        api_key (str | None): None lets everybody in.
        policy (str): The Content-Security-Policy of all answers.
        """
        self._app = app
        self._limits = limits
        self._key = None if api_key is None else api_key.encode()
        self._headers = [
            (b"content-security-policy", policy.encode()),
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"no-referrer"),
            (b"cross-origin-resource-policy", b"same-origin"),
            (b"cache-control", b"no-store"),
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *self._headers]
            await send(message)

        headers = dict(scope["headers"])
        if self._key is not None and scope["path"] not in OPEN_PATHS:
            if not hmac.compare_digest(_given_key(headers), self._key):
                await _refuse(send_with_headers, 401, Errors.E604)
                return
        limit = self._limits.body_bytes
        length = headers.get(b"content-length", b"0")
        too_large = Errors.E601.format(found="more", what="bytes in the body", limit=limit)
        if length.isdigit() and int(length) > _HEARD * limit:
            await _refuse(send_with_headers, 413, too_large)
            return
        try:
            body = await asyncio.wait_for(_read(receive, limit), self._limits.body_seconds)
        except asyncio.TimeoutError:
            seconds = self._limits.body_seconds
            await _refuse(send_with_headers, 408, Errors.E605.format(seconds=seconds))
            return
        except OverflowError:
            await _refuse(send_with_headers, 413, too_large)
            return
        if body is None:
            return  # the client has gone
        unread = [body]

        async def receive_body() -> Message:
            if unread:
                return {"type": "http.request", "body": unread.pop(), "more_body": False}
            return await receive()

        await self._app(scope, receive_body, send_with_headers)


def _given_key(headers: dict[bytes, bytes]) -> bytes:
    kind, _, value = headers.get(b"authorization", b"").partition(b" ")
    if kind.lower() == b"bearer":
        return value.strip()
    if kind.lower() == b"basic":
        # Label Studio can only send a user and a password.
        try:
            return base64.b64decode(value, validate=True).partition(b":")[2]
        except ValueError:
            return b""
    return headers.get(b"x-api-key", b"")


async def _read(receive: Receive, limit: int) -> bytes | None:
    body = bytearray()
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        part, more = message.get("body", b""), message.get("more_body", False)
        size += len(part)
        if size <= limit:
            body += part
        elif size > _HEARD * limit or not more:
            raise OverflowError
        if not more:
            return bytes(body)


async def _refuse(send: Send, status: int, message: str) -> None:
    body = json.dumps({"detail": message}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        # What the client still sends of its body is not read.
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
