"""Bodies of requests to the web process have an end: Django would write one of any size into a temporary file.

An ASGI application in front of another. Nothing is uploaded here: forms and JSON are small; spans go to ingest.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from dashboard.api.parsing import MOST_BYTES

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

#: Above what the API itself refuses, so that it can say so in its own words.
MOST: Final = 2 * MOST_BYTES
REFUSAL: Final = json.dumps(
    {"error": {"code": "too_large", "message": f"The body is too large: expected at most {MOST_BYTES:,} bytes."}}
).encode()


class TooMuch(Exception):
    """More came than may come."""


class BodyLimit:
    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        announced = dict(scope["headers"]).get(b"content-length", b"")
        if announced.isdigit() and (len(announced) > 15 or int(announced) > MOST):
            await refuse(send)
            return
        got, began = 0, False

        async def counted() -> Message:
            nonlocal got
            message = await receive()
            got += len(message.get("body", b""))
            if got > MOST:
                raise TooMuch
            return message

        async def noted(message: Message) -> None:
            nonlocal began
            began = True
            await send(message)

        try:
            await self.app(scope, counted, noted)
        except TooMuch:
            if not began:
                await refuse(send)


async def refuse(send: Send) -> None:
    """413, and no more of the body is read: the server ends the connection."""
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(REFUSAL)).encode()),
        (b"connection", b"close"),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
    ]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": REFUSAL})
