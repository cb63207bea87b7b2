"""Real captures sent again, whole, after a restart, and cut differently: nothing that anybody can read changes."""

from __future__ import annotations

import functools
import math
import random
import time
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.e2e.captures import Capture, captures, other, renewed
from tests.e2e.side_by_side import side_by_side
from tests.e2e.stack import Stack
from tests.e2e.test_front_door import send_grpc, send_http

#: Two instrumentations for one call, requests that come apart, links between traces, sessions on some spans only.
FRAMEWORKS = ("langgraph-", "openai_agents-", "pydantic_ai-", "autogen-", "crewai-", "strands", "adk-")
SALT = "sent again"

#: Everything a reader may ask, without what says when a row was written.
VIEWS = {
    "spans": "trace_id, start_time, span_id",
    "span_payloads": "trace_id, start_time, span_id",
    "traces": "trace_id",
    "llm_calls": "trace_id, start_time, span_id",
    "tool_calls": "trace_id, start_time, span_id",
}


def chosen() -> list[Capture]:
    """The smallest capture of each framework."""
    found: dict[str, Capture] = {}
    for capture in captures():
        framework = next((name for name in FRAMEWORKS if capture.name.startswith(name)), None)
        if framework and capture.bodies():
            best = found.get(framework)
            if best is None or sum(map(len, capture.bodies())) < sum(map(len, best.bodies())):
                found[framework] = capture
    return list(found.values())


def what_readers_see(stack: Stack, trace_ids: list[str]) -> dict[str, Any]:
    """The rows of all views, and what the API says, of these traces."""
    ids = ", ".join(f"'{trace_id}'" for trace_id in trace_ids)
    seen: dict[str, Any] = {
        view: stack.sql(f"SELECT * FROM {view} WHERE trace_id IN ({ids}) ORDER BY {order}")
        for view, order in VIEWS.items()
    }
    seen["otel_traces"] = stack.sql(
        f"SELECT * FROM otel_traces WHERE TraceId IN ({ids}) ORDER BY TraceId, Timestamp, SpanId"
    )
    seen["sessions"] = stack.sql(
        f"SELECT * FROM sessions WHERE session_id IN (SELECT session_id FROM traces WHERE trace_id IN ({ids}))"
        " ORDER BY session_id"
    )
    for trace_id in trace_ids:
        seen[f"api {trace_id}"] = stack.api(f"traces/{trace_id}/", limit=1000)
        seen[f"columns {trace_id}"] = stack.api(f"traces/{trace_id}/columns/")
    return seen


def differences(before: Any, after: Any, place: str = "") -> list[str]:
    """Where two of these differ. Costs are sums of fractions, whose last bit depends on the order."""
    if isinstance(before, float) and isinstance(after, float):
        return [] if math.isclose(before, after, rel_tol=1e-12) else [f"{place}: {before!r} became {after!r}"]
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        pairs = [(str(index), one, two) for index, (one, two) in enumerate(zip(before, after, strict=True))]
    elif isinstance(before, dict) and isinstance(after, dict) and before.keys() == after.keys():
        pairs = [(name, before[name], after[name]) for name in before]
    else:
        return [] if before == after else [f"{place}: {before!r} became {after!r}"]
    return [found for name, one, two in pairs for found in differences(one, two, f"{place}/{name}")]


def one_span_each(body: bytes) -> list[bytes]:
    request = ExportTraceServiceRequest.FromString(body)
    parts = []
    for resource_spans in request.resource_spans:
        for scope_spans in resource_spans.scope_spans:
            for span in scope_spans.spans:
                part = ExportTraceServiceRequest()
                of_resource = part.resource_spans.add(
                    resource=resource_spans.resource, schema_url=resource_spans.schema_url
                )
                of_resource.scope_spans.add(scope=scope_spans.scope, spans=[span], schema_url=scope_spans.schema_url)
                parts.append(part.SerializeToString())
    return parts


def test_nothing_changes(stack: Stack) -> None:
    sent = chosen()
    assert len(sent) >= 3
    bodies = [renewed(body, SALT, now=False) for capture in sent for body in capture.bodies()]
    trace_ids = sorted({other(bytes.fromhex(one), SALT).hex() for capture in sent for one in capture.trace_ids})
    for body in bodies:
        assert send_grpc(stack, body) == b""
    stack.wait_settled(60)
    before = what_readers_see(stack, trace_ids)
    assert len(before["traces"]) == len(trace_ids)

    def unchanged(how: str) -> None:
        # A trace may be opened again by its last write just after none was open: what it comes to counts.
        end = time.monotonic() + 30
        while True:
            stack.wait_settled(60)
            found = differences(before, what_readers_see(stack, trace_ids))
            if not found or time.monotonic() > end:
                break
            time.sleep(1)
        assert found == [], how

    def twice_more(body: bytes) -> None:
        assert send_http(stack, body) == b""
        assert send_grpc(stack, body) == b""

    def once_more(body: bytes) -> None:
        assert send_grpc(stack, body) == b""

    counted = stack.ledger()
    side_by_side(functools.partial(twice_more, body) for body in bodies)
    unchanged("the same bytes, twice more")
    now = stack.ledger()
    assert now["stored"] == counted["stored"]
    assert now["deduplicated"] - counted["deduplicated"] == now["received"] - counted["received"] > 0

    stack.stop()
    stack.start()
    side_by_side(functools.partial(once_more, body) for body in bodies)
    unchanged("the same bytes after a restart")

    # A request may hold several: joined by concatenation, as protobuf allows.
    assert send_grpc(stack, b"".join(reversed(bodies))) == b""
    unchanged("all in one request")
    parts = [part for body in bodies for part in one_span_each(body)]
    random.Random(4).shuffle(parts)
    side_by_side(functools.partial(once_more, b"".join(parts[begin : begin + 7])) for begin in range(0, len(parts), 7))
    unchanged("seven spans at a time, in any order")


@pytest.fixture(autouse=True)
def up_again(stack: Stack) -> Any:
    """The stack is shared: whatever happens here, the next test finds it up."""
    yield
    if stack.process is None:
        stack.start()
