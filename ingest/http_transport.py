"""OTLP/HTTP: POST /v1/traces and /v1/logs, as an ASGI application; and pages for operators."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeAlias

from ingest.answers import Encoding, Signal, accepted, refused
from ingest.auth import Gate
from ingest.compression import ENCODINGS, decompress
from ingest.limits import IngestLimits
from ingest.metrics import Metrics
from ingest.operations import Operations
from ingest.receive import Receipt, Receiver, Room
from ingest.status import TABLE, WRONG_CONTENT, WRONG_METHOD, Failure, failure_of
from tracestore import own_traces, request_ids
from tracestore.errors import Overloaded

Scope: TypeAlias = "dict[str, Any]"
Receive: TypeAlias = "Callable[[], Awaitable[dict[str, Any]]]"
Send: TypeAlias = "Callable[[dict[str, Any]], Awaitable[None]]"

PATHS: Final[dict[str, Signal]] = {"/v1/traces": "traces", "/v1/logs": "logs"}
CONTENT_TYPES: Final[dict[str, Encoding]] = {
    "application/x-protobuf": "protobuf",
    "application/json": "json",
}
_TYPE_OF: Final = {encoding: content_type for content_type, encoding in CONTENT_TYPES.items()}
#: Larger bodies are decompressed in a thread; zlib and zstd let go of the interpreter lock.
_INLINE_BYTES: Final = 32 << 10


class WrongRequest(Exception):
    """A request that HTTP itself lets us refuse; `failure` says how."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


class SenderGone(Exception):
    """The connection closed; there is nobody to answer."""


class HttpTransport:
    """The ASGI application."""

    def __init__(
        self, receiver: Receiver, gate: Gate, operations: Operations, limits: IngestLimits, metrics: Metrics
    ) -> None:
        self._receiver = receiver
        self._gate = gate
        self._operations = operations
        self._limits = limits
        self._metrics = metrics
        # Each takes up to a whole body of memory that `Room` learns of only afterwards.
        self._decompressing = asyncio.Semaphore(2)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        path = scope["path"]
        if path in PATHS or path.startswith("/v1/"):
            await self._export(PATHS.get(path), scope, receive, send)
            return
        named = named_request({key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]})
        status, content_type, body = await self._operations.page(path, scope["method"])
        await _respond(send, status, content_type, body, [named])

    async def _export(self, signal: Signal | None, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        headers = {key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]}
        # Errors about the content type itself are told in JSON, which people can read.
        encoding = CONTENT_TYPES.get(headers.get("content-type", "").partition(";")[0].strip().lower())
        code = "CANCELLED"
        extra: list[tuple[bytes, bytes]] = [named_request(headers)]
        try:
            body = await self._answer(signal, scope["method"], headers, encoding, receive)
            status = 200
            code = "200"
        except SenderGone:
            return
        except Exception as error:
            failure = error.failure if isinstance(error, WrongRequest) else failure_of(error)
            status = failure.status.http
            code = str(status)
            body = refused(failure, encoding or "json")
            if failure.retry_after_s is not None:
                extra.append((b"retry-after", b"%d" % math.ceil(failure.retry_after_s)))
            if failure.status is WRONG_METHOD:
                extra.append((b"allow", b"POST"))
        finally:
            self._metrics.requests.labels("http", code).inc()
            self._metrics.request_seconds.labels("http").observe(time.perf_counter() - started)
        await _respond(send, status, _TYPE_OF[encoding or "json"], body, extra)

    async def _answer(
        self, signal: Signal | None, method: str, headers: dict[str, str], encoding: Encoding | None, receive: Receive
    ) -> bytes:
        if signal is None:
            raise WrongRequest(Failure(TABLE["not_found"], f"there is nothing here; use {' or '.join(PATHS)}"))
        if method != "POST":
            raise WrongRequest(Failure(WRONG_METHOD, f"{method} is not possible here; use POST"))
        if encoding is None:
            expected = " or ".join(CONTENT_TYPES)
            raise WrongRequest(Failure(WRONG_CONTENT, f"the content type must be {expected}"))
        compression = headers.get("content-encoding", "").strip().lower()
        if compression not in ENCODINGS:
            raise WrongRequest(Failure(WRONG_CONTENT, "the content encoding must be gzip, zstd or none"))
        project = await self._gate.project(headers)
        self._receiver.rate_limits.admit(project)
        with own_traces.export("http", signal, project), self._receiver.room() as room:
            length = headers.get("content-length", "")
            if length.isdecimal():
                room.resize(int(length))
            body = await self._body(compression, receive, room)
            self._metrics.request_bytes.labels("http").observe(len(body))
            store = self._receiver.logs if signal == "logs" else self._receiver.traces
            receipt = await _unless_gone(asyncio.ensure_future(store(project, body, encoding)), receive)
        return accepted(signal, encoding, receipt.rejected, receipt.message)

    async def _body(self, compression: str, receive: Receive, room: Room) -> bytes:
        """The body of the request, decompressed."""
        parts: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(self._limits.read_s):
                more = True
                while more:
                    message = await receive()
                    if message["type"] != "http.request":
                        raise SenderGone
                    part = message.get("body", b"")
                    more = message.get("more_body", False)
                    size += len(part)
                    if size > room.size:
                        room.resize(size)
                    parts.append(part)
        except TimeoutError:
            raise Overloaded("the body did not arrive in time", retry_after_s=self._receiver.retry_after()) from None
        body = b"".join(parts)
        del parts
        if compression in ("", "identity"):
            return body
        if len(body) <= _INLINE_BYTES:
            found = decompress(body, compression, self._limits.body_bytes)
        else:
            async with self._decompressing:
                found = await asyncio.to_thread(decompress, body, compression, self._limits.body_bytes)
        if found is None:
            raise self._receiver.too_large()
        room.resize(len(found))
        return found


def named_request(headers: dict[str, str]) -> tuple[bytes, bytes]:
    """Names this request in its log lines; the header that tells the name to the sender."""
    made = request_ids.begin(headers.get(request_ids.HEADER), headers.get("traceparent"))
    return request_ids.HEADER.encode(), made.encode()


async def _unless_gone(work: asyncio.Future[Receipt], receive: Receive) -> Receipt:
    """The result of the work, which is cancelled when the sender hangs up: a sender that ran out of
    patience sends again, and the same spans would be stored twice over while others wait.
    """
    gone = asyncio.ensure_future(receive())
    try:
        await asyncio.wait((work, gone), return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            raise SenderGone
        return work.result()
    finally:
        gone.cancel()
        work.cancel()


async def _respond(
    send: Send, status: int, content_type: str, body: bytes, extra: list[tuple[bytes, bytes]] | None = None
) -> None:
    headers = [
        (b"content-type", content_type.encode()),
        (b"content-length", b"%d" % len(body)),
        *(extra or ()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
