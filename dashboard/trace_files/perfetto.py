"""A trace as Chrome's Trace Event JSON, which Perfetto and chrome://tracing open.

Complete events ("ph": "X") in one process, one thread for each lane. `ts` and `dur` are microseconds with
nanoseconds as decimals, from the trace's first start.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from tracestore.analysis.lanes import lanes
from tracestore.analysis.tree import build
from tracestore.clickhouse.trace_parts import Outline


def pieces(trace_id: str, spans: Sequence[Outline]) -> Iterator[bytes]:
    """The file, event by event."""
    tree = build(spans)
    of = lanes(spans, tree)
    first = min(span.start_ns for span in spans)
    about = {"trace_id": trace_id, "start_unix_nano": str(first)}
    yield f'{{"displayTimeUnit":"ms","otherData":{json.dumps(about)},"traceEvents":['.encode()
    yield encoded({"ph": "M", "pid": 1, "name": "process_name", "args": {"name": f"trace {trace_id}"}})
    for lane in range(max(of) + 1):
        name = "run" if lane == 0 else f"parallel {lane}"
        yield b"," + encoded({"ph": "M", "pid": 1, "tid": lane, "name": "thread_name", "args": {"name": name}})
    for node, index in enumerate(tree.order):
        yield b"," + encoded(event(spans[index], of[node], first))
    yield b"]}"


def event(span: Outline, lane: int, first: int) -> dict[str, Any]:
    told = {
        "span_id": span.span_id,
        "status": span.status,
        "agent": span.agent,
        "model": span.model or span.request_model,
        "tool": span.tool_name,
        "input_tokens": span.input_tokens,
        "output_tokens": span.output_tokens,
    }
    args: dict[str, Any] = {key: value for key, value in told.items() if value}
    if span.cost_usd is not None:
        args["cost_usd"] = span.cost_usd
    return {
        "ph": "X",
        "pid": 1,
        "tid": lane,
        "name": span.name or "(no name)",
        "cat": span.type,
        "ts": (span.start_ns - first) / 1000,
        "dur": max(span.end_ns - span.start_ns, 0) / 1000,
        "args": args,
    }


def encoded(value: dict[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
