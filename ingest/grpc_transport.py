"""OTLP/gRPC: TraceService/Export and LogsService/Export.

Registered by hand instead of through generated stubs: the stubs decode before our code runs, and
answer INTERNAL for a whole batch when one string in it is not UTF-8. Here requests and answers are
bytes at the boundary.

To gRPC these methods are client-streaming, which is the same on the wire and lets us ask for the
message ourselves: the key is checked before a body is taken in, and few are taken in at a time.
gRPC tells no size beforehand, and holds up to the whole limit in memory for each one that it reads.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

import grpc
import grpc.aio

from ingest.answers import Signal, accepted, retry_info, rpc_status
from ingest.auth import Gate
from ingest.limits import IngestLimits
from ingest.metrics import Metrics
from ingest.receive import Receiver
from ingest.status import Failure, failure_of
from tracestore import own_traces, request_ids
from tracestore.errors import InvalidInput, Overloaded

TRACES: Final = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
LOGS: Final = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"


def make_server(
    receiver: Receiver, gate: Gate, limits: IngestLimits, metrics: Metrics, *, reuse_port: bool = False
) -> grpc.aio.Server:
    """A server without ports yet. gzip is spoken by gRPC itself, as is the refusal of bombs."""
    return grpc.aio.server(
        handlers=[_Handlers(receiver, gate, limits, metrics)],
        options=[
            ("grpc.max_receive_message_length", limits.body_bytes),
            ("grpc.so_reuseport", int(reuse_port)),
            # SDKs ping idle connections; the default answer to that is to hang up on them.
            ("grpc.keepalive_permit_without_calls", 1),
            ("grpc.http2.min_recv_ping_interval_without_data_ms", 5_000),
            ("grpc.http2.max_ping_strikes", 0),
        ],
    )


class _Handlers(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Method name → handler, without codecs."""

    def __init__(self, receiver: Receiver, gate: Gate, limits: IngestLimits, metrics: Metrics) -> None:
        self._receiver = receiver
        self._gate = gate
        self._limits = limits
        self._metrics = metrics
        self._reading = asyncio.Semaphore(limits.reads)
        self._methods = {
            TRACES: grpc.stream_unary_rpc_method_handler(self._method("traces")),
            LOGS: grpc.stream_unary_rpc_method_handler(self._method("logs")),
        }

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        return self._methods.get(handler_call_details.method)

    def _method(self, signal: Signal) -> Callable[[Any, Any], Awaitable[bytes]]:
        async def export(messages: Any, context: Any) -> bytes:
            started = time.perf_counter()
            code = "CANCELLED"
            headers = {key: value for key, value in context.invocation_metadata() or () if isinstance(value, str)}
            named = (request_ids.HEADER, request_ids.begin(headers.get(request_ids.HEADER), headers.get("traceparent")))
            context.set_trailing_metadata((named,))
            try:
                try:
                    answer = await self._answer(signal, headers, context)
                except Exception as error:
                    failure = failure_of(error)
                    code = failure.status.grpc.name
                else:
                    code = "OK"
                    return answer
                context.set_trailing_metadata((named, *_details(failure)))
                await context.abort(failure.status.grpc, rpc_status(failure).message)
                raise AssertionError("abort raises")
            finally:
                self._metrics.requests.labels("grpc", code).inc()
                self._metrics.request_seconds.labels("grpc").observe(time.perf_counter() - started)

        return export

    async def _answer(self, signal: Signal, headers: dict[str, str], context: Any) -> bytes:
        project = await self._gate.project(headers)
        self._receiver.rate_limits.admit(project)
        with own_traces.export("grpc", signal, project):
            body = await self._body(context)
            self._metrics.request_bytes.labels("grpc").observe(len(body))
            with self._receiver.room() as room:
                room.resize(len(body))
                store = self._receiver.logs if signal == "logs" else self._receiver.traces
                receipt = await store(project, body, "protobuf")
        return accepted(signal, "protobuf", receipt.rejected, receipt.message)

    async def _body(self, context: Any) -> bytes:
        """The message of the call."""
        try:
            async with asyncio.timeout(self._limits.read_s), self._reading:
                body = await context.read()
        except TimeoutError:
            raise Overloaded(
                "the request could not be read in time", retry_after_s=self._receiver.retry_after()
            ) from None
        if not isinstance(body, bytes):
            raise InvalidInput("the call has no message")
        return body


def _details(failure: Failure) -> tuple[tuple[str, bytes], ...]:
    """Trailing metadata: the status in full, and the retry delay where the Python SDK looks for it."""
    details = (("grpc-status-details-bin", rpc_status(failure).SerializeToString()),)
    if failure.retry_after_s is None:
        return details
    return (*details, ("google.rpc.retryinfo-bin", retry_info(failure.retry_after_s).SerializeToString()))
