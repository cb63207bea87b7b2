"""A run that loops, a step a request, as an agent that is stuck sends it."""

from __future__ import annotations

import secrets
import time

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


def step(trace: bytes) -> bytes:
    """One call of a tool, the same each time, as a request; its root is not over."""
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    resource.resource.attributes.add(key="service.name").value.string_value = "detection benchmark"
    span = resource.scope_spans.add().spans.add(trace_id=trace, name="execute_tool search", kind=1)
    span.span_id = secrets.token_bytes(8)
    span.parent_span_id = trace[:8]
    span.start_time_unix_nano = time.time_ns()
    span.end_time_unix_nano = span.start_time_unix_nano + 1_000_000
    for name, value in {
        "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "search", "gen_ai.agent.name": "looper",
        "gen_ai.tool.call.arguments": '{"query": "weather in Rome"}', "gen_ai.tool.call.result": "no results",
    }.items():  # fmt: skip
        span.attributes.add(key=name).value.string_value = value
    return request.SerializeToString()
