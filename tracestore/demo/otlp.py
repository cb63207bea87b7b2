"""OTLP requests from stories, and sending them. From the protocol's own messages: the SDK is no dependency."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterable
from typing import Final

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Status
from opentelemetry.proto.trace.v1.trace_pb2 import Span as ProtoSpan

from tracestore.demo.dialects import Value, describe
from tracestore.demo.story import Run, Step

#: How everything that comes from here can be told from real traces.
NAMESPACE: Final = "tracestore-demo"
TIMEOUT: Final = 15.0


def request(steps: Iterable[tuple[Run, Step]]) -> ExportTraceServiceRequest:
    """One export with these steps, by service and instrumentation."""
    found = ExportTraceServiceRequest()
    groups: dict[tuple[str, str, str], ResourceSpans] = {}
    for run, step in steps:
        agent = step.agent
        key = (agent.service, agent.version, agent.scope)
        if key not in groups:
            group = found.resource_spans.add()
            group.resource.attributes.extend(
                _attributes(
                    {
                        "service.name": agent.service,
                        "service.namespace": NAMESPACE,
                        "service.version": agent.version,
                        "deployment.environment.name": "demo",
                        "telemetry.sdk.language": "python",
                        "telemetry.sdk.name": "opentelemetry",
                    }
                )
            )
            group.scope_spans.add().scope.name = agent.scope
            groups[key] = group
        groups[key].scope_spans[0].spans.append(span(run, step))
    return found


def span(run: Run, step: Step) -> ProtoSpan:
    described = describe(run, step)
    found = ProtoSpan(
        trace_id=run.trace_id,
        span_id=step.span_id,
        parent_span_id=step.parent_id,
        name=described.name,
        kind=described.kind,
        start_time_unix_nano=int((run.started_at + step.start) * 1e9),
        end_time_unix_nano=int((run.started_at + step.end) * 1e9),
        attributes=_attributes(described.attributes),
    )
    if step.error:
        found.status.CopyFrom(Status(code=Status.STATUS_CODE_ERROR, message=step.error))
        event = found.events.add(name="exception", time_unix_nano=found.end_time_unix_nano)
        event.attributes.extend(_attributes({"exception.type": step.error_type, "exception.message": step.error}))
    return found


def post(url: str, key: str, exported: ExportTraceServiceRequest) -> None:
    """Sends a request to `url`/v1/traces.

    Raises:
        OSError: it was not accepted; sending it again later does no harm.
    """
    headers = {"content-type": "application/x-protobuf"}
    if key:
        headers["x-api-key"] = key
    outgoing = urllib.request.Request(  # noqa: S310 (the command has checked that it is http or https)
        f"{url.rstrip('/')}/v1/traces", data=exported.SerializeToString(), headers=headers, method="POST"
    )
    with urllib.request.urlopen(outgoing, timeout=TIMEOUT) as response:  # noqa: S310
        response.read()


def _attributes(values: dict[str, Value]) -> list[KeyValue]:
    return [KeyValue(key=key, value=_value(value)) for key, value in values.items()]


def _value(value: Value) -> AnyValue:
    if isinstance(value, str):
        return AnyValue(string_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value)
    return AnyValue(array_value=ArrayValue(values=[_value(item) for item in value]))
