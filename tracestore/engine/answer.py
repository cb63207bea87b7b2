"""Answers: headers as ClickHouse names them, bodies compressed, errors at any moment."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from tracestore.engine.database import Statistics
from tracestore.engine.encoding import Encoder, choose_encoding, encoder
from tracestore.engine.errors import EngineError

Send = Callable[[Mapping[str, Any]], Awaitable[None]]

DISPLAY_NAME = "tracestore-engine"
_SMALL = 1 << 16  # compressing this much on the event loop takes less than handing it over
_CONTENT_TYPES = {
    "json": "application/json; charset=UTF-8",
    "csv": "text/csv; charset=UTF-8",
    "tabseparated": "text/tab-separated-values; charset=UTF-8",
    "tsv": "text/tab-separated-values; charset=UTF-8",
    "xml": "application/xml; charset=UTF-8",
    "html": "text/html; charset=UTF-8",
    "markdown": "text/markdown; charset=UTF-8",
    "pretty": "text/plain; charset=UTF-8",
    "vertical": "text/plain; charset=UTF-8",
    "values": "text/plain; charset=UTF-8",
    "parquet": "application/vnd.apache.parquet",
    "arrow": "application/vnd.apache.arrow.file",
    "prometheus": "text/plain; version=0.0.4; charset=UTF-8",
}


def content_type(output_format: str) -> str:
    """The media type of a format; the longest known beginning of its name decides."""
    lowered = (output_format or "TabSeparated").lower()
    if lowered == "arrowstream":
        return "application/vnd.apache.arrow.stream"
    if lowered.endswith(("eachrow", "eachrowwithprogress")) and lowered.startswith("json"):
        return "application/x-ndjson; charset=UTF-8"
    known = [name for name in _CONTENT_TYPES if lowered.startswith(name)]
    return _CONTENT_TYPES[max(known, key=len)] if known else "application/octet-stream"


class Answer:
    """One answer. Until `begin` its status can still become an error."""

    def __init__(self, send: Send, head_only: bool, query_id: str, timezone: str) -> None:
        self._send = send
        self._head_only = head_only
        self.query_id = query_id
        self._timezone = timezone
        self._encoder: Encoder | None = None
        self._tag = ""
        self.begun = False

    def _headers(self, output_format: str, statistics: Statistics | None) -> list[tuple[str, str]]:
        headers = [
            ("content-type", content_type(output_format)),
            ("x-clickhouse-server-display-name", DISPLAY_NAME),
            ("x-clickhouse-query-id", self.query_id),
            ("x-clickhouse-timezone", self._timezone),
        ]
        if output_format:
            headers.append(("x-clickhouse-format", output_format))
        if statistics is not None:
            headers.append(("x-clickhouse-summary", summary(statistics)))
        return headers

    async def whole(self, data: bytes, output_format: str, accept: str, statistics: Statistics) -> None:
        """Send a complete result, with its length."""
        headers = self._headers(output_format, statistics)
        chosen = choose_encoding(accept) if data else ""
        if chosen:
            data = await _compress(encoder(chosen), data, last=True)
            headers.append(("content-encoding", chosen))
        headers.append(("content-length", str(len(data))))
        await self._start(200, headers)
        await self._finish(data)

    async def begin(self, output_format: str, accept: str, so_far: Statistics | None) -> None:
        """Start a result whose length is not known yet. `so_far`: what was counted until now."""
        headers = self._headers(output_format, so_far)
        chosen = choose_encoding(accept)
        if chosen:
            self._encoder = encoder(chosen)
            headers.append(("content-encoding", chosen))
        self._tag = secrets.token_hex(8)
        headers.append(("x-clickhouse-exception-tag", self._tag))
        await self._start(200, headers)

    async def write(self, data: bytes) -> None:
        """Send a piece of the result; returns when the client is ready for more."""
        if self._encoder is not None:
            data = await _compress(self._encoder, data, last=False)
        if data:
            await self._send({"type": "http.response.body", "body": data, "more_body": True})

    async def end(self, error: EngineError | None = None) -> None:
        """End a begun result, well or with the error that a client is to find in the body."""
        data = exception_block(self._tag, error.text) if error is not None else b""
        if self._encoder is not None:
            data = await _compress(self._encoder, data, last=True)
        await self._finish(data)

    async def fail(self, error: EngineError) -> None:
        """Answer with an error; only before `begin`."""
        body = (error.text + "\n").encode("utf-8", "replace")
        headers = self._headers("TabSeparated", Statistics())
        headers[0] = ("content-type", "text/plain; charset=UTF-8")
        headers.append(("x-clickhouse-exception-code", str(error.code)))
        headers.append(("content-length", str(len(body))))
        if error.status == 401:
            headers.append(("www-authenticate", 'Basic realm="ClickHouse server HTTP API"'))
        await self._start(error.status, headers)
        await self._finish(body)

    async def plain(self, text: str) -> None:
        """Answer with a short text."""
        body = text.encode()
        headers = [
            ("content-type", "text/html; charset=UTF-8"),
            ("content-length", str(len(body))),
        ]
        await self._start(200, headers)
        await self._finish(body)

    async def _start(self, status: int, headers: list[tuple[str, str]]) -> None:
        self.begun = True
        encoded = [(n.encode("latin-1"), v.encode("latin-1", "replace")) for n, v in headers]
        await self._send({"type": "http.response.start", "status": status, "headers": encoded})

    async def _finish(self, data: bytes) -> None:
        body = b"" if self._head_only else data
        await self._send({"type": "http.response.body", "body": body, "more_body": False})


async def _compress(encoder: Encoder, data: bytes, last: bool) -> bytes:
    def work() -> bytes:
        compressed = encoder.compress(data) if data else b""
        return compressed + encoder.flush() if last else compressed

    if len(data) <= _SMALL:
        return work()
    return await asyncio.to_thread(work)


def exception_block(tag: str, text: str) -> bytes:
    """The marker that ClickHouse writes into a body it cannot finish."""
    message = text.encode("utf-8", "replace") + b"\n"
    return b"\r\n__exception__\r\n%s\r\n%s%d %s\r\n__exception__\r\n" % (
        tag.encode(),
        message,
        len(message),
        tag.encode(),
    )


def summary(statistics: Statistics) -> str:
    """X-ClickHouse-Summary: JSON with every number as a string."""
    values = {
        "read_rows": statistics.read_rows,
        "read_bytes": statistics.read_bytes,
        "written_rows": statistics.written_rows,
        "written_bytes": statistics.written_bytes,
        "total_rows_to_read": statistics.read_rows,
        "result_rows": statistics.result_rows,
        "result_bytes": statistics.result_bytes,
        "elapsed_ns": statistics.elapsed_ns,
    }
    return json.dumps({name: str(value) for name, value in values.items()}, separators=(",", ":"))
