"""Verdicts as they change: server-sent events (WHATWG HTML, "Server-sent events").

The view decides who may have one. Django keeps a thread for each request until its answer is sent, so the events are
sent by `verdict_lane`, in front of it, when the view is done: a stream costs no thread.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator
from dataclasses import asdict
from typing import Any, Final

from asgiref.sync import sync_to_async
from django.db import close_old_connections
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request

from dashboard.api.endpoint import Endpoint
from dashboard.api.schema import answers
from dashboard.api.verdict import PARAMETERS, asked
from tracestore import closed, verdicts
from tracestore.errors import NotFound, Unavailable
from tracestore.verdicts import Verdict

#: Streams of one process at most.
MOST_STREAMS: Final = 200
LOOK_SECONDS: Final = 1.0
#: A stream of a project that is to be deleted ends within so long.
CLOSED_SECONDS: Final = 3.0
HEARTBEAT_SECONDS: Final = 15.0
LASTS_SECONDS: Final = 3_600.0
#: In the scope of a request: that somebody in front would send the events, and which they are to be.
OFFERED: Final = "tracestore.stream.offered"
GRANTED: Final = "tracestore.stream"
#: A browser comes back after so many milliseconds.
RETRY_MS: Final = 3_000


class Streams:
    """How many are open in this process."""

    def __init__(self) -> None:
        self.open = 0


streams: Final = Streams()


class VerdictStream(Endpoint):
    throttle_classes = ()  # see request_limit
    reads_on_account = False  # see read_budget

    @extend_schema(
        operation_id="verdict_stream",
        tags=["verdicts"],
        summary="Verdicts as they change",
        description="Server-sent events: `verdict` with the answer of `verdict/` as JSON, at once and when it changes; "
        f"a comment every {HEARTBEAT_SECONDS:.0f} s. Ends after an hour; clients then connect again. At most "
        f"{MOST_STREAMS} at once.",
        parameters=PARAMETERS,
        responses={code: shape for code, shape in answers(None, 400, 503).items() if code != 200}
        | {(200, "text/event-stream"): OpenApiResponse(OpenApiTypes.STR, "`event: verdict`, `data: {…}`")},
    )
    def get(self, request: Request) -> HttpResponseBase:
        by, value, tool = asked(request.query_params)
        if streams.open >= MOST_STREAMS:
            raise Unavailable(f"There are {MOST_STREAMS} streams open. Ask verdict/ instead.", retry_after_s=10)
        # A named encoding keeps the compressing middleware, and proxies, from holding events back.
        headers = {"Content-Encoding": "identity", "X-Accel-Buffering": "no", "Cache-Control": "no-store"}
        words = (self.project, by, value, tool)
        scope = getattr(request._request, "scope", {})
        if scope.pop(OFFERED, False):
            scope[GRANTED] = words
            return HttpResponse(content_type="text/event-stream", headers=headers)
        return StreamingHttpResponse(events(*words), content_type="text/event-stream", headers=headers)


async def events(project: str, by: str, value: str, tool: str) -> AsyncGenerator[bytes, None]:
    streams.open += 1
    try:
        began = said_at = looked_at = time.monotonic()
        yield f"retry: {RETRY_MS}\n\n".encode()
        last: dict[str, Any] | None = None
        number = 0
        while time.monotonic() - began < LASTS_SECONDS:
            if time.monotonic() - looked_at >= CLOSED_SECONDS:
                looked_at = time.monotonic()
                if await sync_to_async(is_closed, thread_sensitive=False)(project):
                    return
            found = verdicts.known(project, by, value, tool)
            if found is None:
                found = await sync_to_async(read, thread_sensitive=False)(project, by, value, tool)
            if told(found) != last:
                last, said_at = told(found), time.monotonic()
                number += 1
                yield f"event: verdict\nid: {number}\ndata: {json.dumps(asdict(found))}\n\n".encode()
            elif time.monotonic() - said_at >= HEARTBEAT_SECONDS:
                said_at = time.monotonic()
                yield b": still here\n\n"
            await asyncio.sleep(LOOK_SECONDS)
    finally:
        streams.open -= 1


def read(project: str, by: str, value: str, tool: str) -> Verdict:
    try:
        return verdicts.ask(project, by, value, tool)
    finally:
        close_old_connections()  # of a thread that no request ends in


def is_closed(project: str) -> bool:
    try:
        closed.check(project)
    except NotFound:
        return True
    finally:
        close_old_connections()
    return False


def told(found: Verdict) -> dict[str, Any]:
    """What makes an answer another one: what it has used goes on changing while it says the same."""
    return {"verdict": found.verdict, "reasons": found.reasons, "halt_id": found.halt_id, "until": found.until}
