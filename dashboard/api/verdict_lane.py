"""A short way for `GET /api/v1/verdict/`: answered in the event loop, in front of Django, when memory has everything.

Agents ask between any two steps, so this is the request that there is most of, and Django's middleware, a thread and
REST framework are twenty times the work of the answer. Whatever is not plainly the usual case goes the usual way: no
key that was looked up a moment ago, another host name, a bad parameter, a subject that must be read. Same answers.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import asdict
from typing import Any, Final
from urllib.parse import parse_qsl

from django.conf import settings
from django.http.request import split_domain_port, validate_host

from dashboard.api.authentication import DEFAULT_PROJECT, FORWARDING_HEADERS, sent_key
from dashboard.api.verdict import asked
from dashboard.api.verdict_stream import GRANTED, OFFERED, events
from dashboard.metrics import REQUESTS, SECONDS
from tracestore import keys, verdicts
from tracestore.environment import is_loopback
from tracestore.errors import InvalidInput

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

PATH: Final = "/api/v1/verdict/"
STREAM_PATH: Final = PATH + "stream"
ROUTE: Final = "/api/v1/verdict/"
HEADERS: Final = [
    (b"content-type", b"application/json"),
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
]


class VerdictLane:
    """An ASGI application in front of another."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == PATH and scope["method"] == "GET":
            began = time.perf_counter()
            body = answer(scope)
            if body is not None:
                headers = [*HEADERS, (b"content-length", str(len(body)).encode())]
                await send({"type": "http.response.start", "status": 200, "headers": headers})
                await send({"type": "http.response.body", "body": body})
                REQUESTS.labels("GET", ROUTE, "200").inc()
                SECONDS.labels("GET", ROUTE).observe(time.perf_counter() - began)
                return
        if scope["type"] == "http" and scope["path"] == STREAM_PATH:
            await self.stream(scope, receive, send)
            return
        await self.app(scope, receive, send)

    async def stream(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lets Django decide, and sends the events itself if it grants them."""
        scope[OFFERED] = True
        kept: list[Mapping[str, Any]] = []

        async def keep(message: Mapping[str, Any]) -> None:
            kept.append(message)

        await self.app(scope, receive, keep)
        granted = scope.pop(GRANTED, None)
        if granted is None:
            for message in kept:
                await send(message)
            return
        start = dict(kept[0])
        # It ends when it ends.
        start["headers"] = [pair for pair in start["headers"] if pair[0].lower() != b"content-length"]
        sending = asyncio.ensure_future(self.send_events(start, granted, send))
        gone = asyncio.ensure_future(until_gone(receive))
        try:
            await asyncio.wait({sending, gone}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (sending, gone):
                task.cancel()
            await asyncio.gather(sending, gone, return_exceptions=True)

    async def send_events(self, start: Mapping[str, Any], words: tuple[str, str, str, str], send: Send) -> None:
        await send(start)
        async with aclosing(events(*words)) as parts:
            async for part in parts:
                await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


async def until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def answer(scope: Scope) -> bytes | None:
    """The answer to the usual case, None for any other."""
    meta = {
        f"HTTP_{name.decode('latin1').upper().replace('-', '_')}": value.decode("latin1")
        for name, value in scope["headers"]
    }
    try:
        params = dict(parse_qsl(scope["query_string"].decode("latin1"), max_num_fields=20))
    except ValueError:
        return None
    project = project_of(scope, meta, params)
    if project is None:
        return None
    try:
        by, value, tool = asked(params)
    except InvalidInput:
        return None
    found = verdicts.known(project, by, value, tool)
    return None if found is None else json.dumps(asdict(found), ensure_ascii=False).encode()


def project_of(scope: Scope, meta: dict[str, str], params: dict[str, str]) -> str | None:
    """The project that the caller plainly may read; see `dashboard.api.authentication`."""
    host = split_domain_port(meta.get("HTTP_HOST", ""))[0]
    if not host or "HTTP_X_FORWARDED_HOST" in meta or not validate_host(host, settings.ALLOWED_HOSTS):
        return None
    key = sent_key(meta)
    if key is not None:
        found = keys.remembered(key) if key else None
        project = found.project if found is not None and "read" in found.scopes else None
    else:
        # This machine itself, on an open installation, without a login.
        client = scope.get("client") or ("",)
        is_open = not settings.ENVIRONMENT.require_api_key and is_loopback(client[0])
        plain = not any(name in meta for name in (*FORWARDING_HEADERS, "HTTP_AUTHORIZATION", "HTTP_COOKIE"))
        project = DEFAULT_PROJECT if is_open and plain else None
    named = params.get("project") or meta.get("HTTP_X_TRACESTORE_PROJECT", "")
    return project if named in ("", project) else None
