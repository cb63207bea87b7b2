"""Runs that show what only agents have: a loop with idle times and a cut context, a deep chain, an unfinished run."""

from __future__ import annotations

from typing import Any

from tests.pages.fake_reader import EPOCH, MS, span_row
from tests.pages.sample_traces import SCRIPT, id_of
from tracestore.clickhouse.rows import SpanRow, TraceFinding

LOOP = "100b" * 8
DEEP = "dee9" * 8
RUNNING = "4a11" * 8


def loop_trace(trace_id: str = LOOP, times: int = 38) -> list[SpanRow]:
    """An agent that asks the same tool `times` times with three arguments; two calls fail; one minute of idleness."""
    spans: list[SpanRow] = []
    at = EPOCH

    def add(name: str, length_ms: int, **more: Any) -> SpanRow:
        nonlocal at
        row = span_row(trace_id, id_of(len(spans) + 2), id_of(1), name, start_ns=at, end_ns=at + length_ms * MS, **more)
        at = row.end_ns + 10 * MS
        spans.append(row)
        return row

    for turn in range(times):
        tokens = 3_000 + 700 * turn if turn < 20 else 4_000 + 500 * (turn - 20)
        add(
            "chat gpt-4o", 900, type="llm", model="gpt-4o", input_tokens=tokens, output_tokens=40, usage_rule="x",
            cost_usd=0.01,
        )  # fmt: skip
        add(
            "execute_tool search_kb", 300, type="tool", tool_name="search_kb", input_preview=f"query {turn % 3}",
            status="error" if turn in (5, 17) else "unset",
        )  # fmt: skip
        if turn == 10:
            at += 60_000 * MS
    add("chat gpt-4o", 900, type="llm", model="gpt-4o-mini", input_tokens=900, output_tokens=300, usage_rule="x")
    root = span_row(trace_id, id_of(1), "", "invoke_agent researcher", type="agent", agent="researcher", end_ns=at)
    return [root, *spans]


def running_trace(received: int, trace_id: str = RUNNING) -> list[SpanRow]:
    """The first `received` spans of a run, as they come: children before the root, which comes last."""
    whole = loop_trace(trace_id, 60)
    return [*whole[1:], whole[0]][:received]


def deep_trace(levels: int = 500, trace_id: str = DEEP) -> list[SpanRow]:
    return [
        span_row(
            trace_id, id_of(n), id_of(n - 1) if n > 1 else "", f"level {n}", type="workflow",
            start_ns=EPOCH + n * MS, end_ns=EPOCH + (2 * levels - n) * MS,
        )
        for n in range(1, levels + 1)
    ]  # fmt: skip


def finding(*span_ids: str, title: str = "The same tool again and again", severity: str = "critical") -> TraceFinding:
    return TraceFinding(
        "f-" + title[:8], "loop", severity, title, "search_kb was called 38 times.", list(span_ids), 0.31, "repeated"
    )


def hostile_finding(span_id: str) -> TraceFinding:
    return TraceFinding(SCRIPT, SCRIPT, SCRIPT, SCRIPT, SCRIPT * 20, [SCRIPT, span_id], 0.0)
