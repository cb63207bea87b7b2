"""Pages for operators beside OTLP/HTTP: /metrics, /healthz (alive), /readyz (would store now)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

import structlog

from ingest.metrics import Metrics
from tracestore.errors import TracestoreError

log = structlog.get_logger(__name__)

READY_WITHIN_S: Final = 1.0
#: Probes of several observers share one question to the store.
BELIEVED_S: Final = 1.0

_TEXT: Final = "text/plain; charset=utf-8"
_METRICS: Final = "text/plain; version=0.0.4; charset=utf-8"

Page = tuple[int, str, bytes]


class Operations:
    """`check_ready` may block and raises what is missing, in words for an operator."""

    def __init__(self, metrics: Metrics, check_ready: Callable[[], object]) -> None:
        self._metrics = metrics
        self._check_ready = check_ready
        self._lock = asyncio.Lock()
        self._last: tuple[float, Page] | None = None
        self._asking: asyncio.Future[object] | None = None

    async def page(self, path: str, method: str) -> Page:
        """Status, content type and body for a path that is not one of OTLP's."""
        if path not in ("/metrics", "/healthz", "/readyz"):
            return 404, _TEXT, b"not found; traces go to /v1/traces, logs to /v1/logs\n"
        if method not in ("GET", "HEAD"):
            return 405, _TEXT, b"use GET\n"
        if path == "/metrics":
            return 200, _METRICS, self._metrics.page()
        if path == "/healthz":
            return 200, _TEXT, b"alive\n"
        async with self._lock:
            if self._last is None or time.monotonic() - self._last[0] > BELIEVED_S:
                page = await self._ready()
                self._last = (time.monotonic(), page)
            return self._last[1]

    async def _ready(self) -> Page:
        # A question that hangs stays asked, so that probes do not use up threads.
        if self._asking is None:
            self._asking = asyncio.ensure_future(asyncio.to_thread(self._check_ready))
        asking = self._asking
        await asyncio.wait((asking,), timeout=READY_WITHIN_S)
        if not asking.done():
            return 503, _TEXT, b"not ready: the store does not answer\n"
        self._asking = None
        error = asking.exception()
        if error is None:
            return 200, _TEXT, b"ready\n"
        if isinstance(error, TracestoreError):
            return 503, _TEXT, f"not ready: {error.message}\n".encode()
        log.error("readiness check failed", exc_info=error)
        return 503, _TEXT, b"not ready: internal error\n"
