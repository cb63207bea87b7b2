"""What the web process counts about its own requests; shown at /metrics by `health.py`."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import cast

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest, HttpResponseBase
from django.utils.decorators import sync_and_async_middleware
from prometheus_client import REGISTRY, Counter, Histogram, Info

from tracestore import own_traces, request_ids, versions

__all__ = ["REGISTRY", "count_requests"]

#: Anything else is counted as "other": a label's values must not be the sender's to invent.
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

#: Asked every few seconds by machines: no spans of our own.
PROBES = frozenset({"healthz", "readyz", "metrics"})

REQUESTS = Counter("tracestore_http_requests_total", "Requests answered.", ["method", "route", "status"])
SECONDS = Histogram(
    "tracestore_http_request_duration_seconds",
    "Time from a request's arrival to its answer.",
    ["method", "route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0),
)
BUILD = Info("tracestore_build", "Which Tracestore this is.")


REGISTRY.register(own_traces.SPANS)

BUILD.info(versions.own())


def observe(request: HttpRequest, status: int, seconds: float) -> None:
    method = request.method if request.method in METHODS else "other"
    match = request.resolver_match
    # The pattern, never the address: one series per route, not one per trace.
    route = f"/{match.route}" if match is not None else "unmatched"
    REQUESTS.labels(method, route, str(status)).inc()
    SECONDS.labels(method, route).observe(seconds)
    if match is not None and match.url_name not in PROBES:
        trace = request_ids.trace_id(request.headers.get("traceparent"))
        own_traces.note(
            "web", f"{method} {route}", own_traces.SERVER, seconds, failed=status >= 500, trace_id=trace,
            attributes={"http.request.method": method, "http.route": route, "http.response.status_code": status},
        )  # fmt: skip


@sync_and_async_middleware
def count_requests(
    get_response: Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]],
) -> Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]]:
    """Middleware that counts and times every request. Belongs first, so that it sees all the work."""
    if iscoroutinefunction(get_response):
        answer = cast("Callable[[HttpRequest], Awaitable[HttpResponseBase]]", get_response)

        async def asynchronous(request: HttpRequest) -> HttpResponseBase:
            began = time.perf_counter()
            response = await answer(request)
            observe(request, response.status_code, time.perf_counter() - began)
            return response

        return asynchronous

    answer_now = cast("Callable[[HttpRequest], HttpResponseBase]", get_response)

    def synchronous(request: HttpRequest) -> HttpResponseBase:
        began = time.perf_counter()
        response = answer_now(request)
        observe(request, response.status_code, time.perf_counter() - began)
        return response

    return synchronous
