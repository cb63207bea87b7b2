"""Rows as the store would answer them."""

from __future__ import annotations

from tracestore.clickhouse.rows import EventRow, LinkRow, SpanDetail, SpanRow, TraceSummary

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
START_NS = 1_780_000_000_123_456_789


def span_id(number: int) -> str:
    return f"{number + 1:016x}"


def summary(trace_id: str = TRACE_ID) -> TraceSummary:
    return TraceSummary(
        trace_id=trace_id,
        name="plan a trip",
        agent="planner",
        service="travel",
        session_id="s-1",
        user_id="u-1",
        start_ns=START_NS,
        end_ns=START_NS + 2_000,
        duration_ns=2_000,
        span_count=2,
        llm_calls=1,
        tool_calls=0,
        errors=0,
        input_tokens=10,
        output_tokens=5,
        cache_read_tokens=0,
        cache_write_tokens=0,
        reasoning_tokens=0,
        cost_usd=None,
        unpriced_calls=1,
        incomplete=1,
        status="ok",
        models=["m-1"],
        tools=[],
        agents=["planner"],
        findings=3,
        input_preview="to Rome",
        output_preview="by train",
    )


def row(number: int = 0, trace_id: str = TRACE_ID) -> SpanRow:
    return SpanRow(
        trace_id=trace_id,
        span_id=span_id(number),
        parent_span_id="" if number == 0 else span_id(0),
        name="chat m-1",
        kind="client",
        type="llm",
        service="travel",
        agent="planner",
        agent_id="a-1",
        agent_version="1",
        session_id="s-1",
        user_id="u-1",
        start_ns=START_NS + number * 1_000_000,
        end_ns=START_NS + number * 1_000_000 + 1_000,
        duration_ns=1_000,
        status="unset",
        status_message="",
        error_type="",
        provider="acme",
        model="m-1",
        request_model="m-1",
        operation="chat",
        input_tokens=10,
        output_tokens=5,
        cache_read_tokens=0,
        cache_write_tokens=0,
        reasoning_tokens=0,
        usage_rule="gen_ai",
        cost_usd=None,
        price_source="",
        tool_name="",
        tool_call_id="",
        finish_reason="stop",
        response_id="r-1",
        convention="gen_ai",
        scope_name="acme.instrumentation",
        scope_version="1.2",
        dropped_attributes=0,
        input_preview="to Rome",
        output_preview="by train",
        input_bytes=7,
        output_bytes=8,
    )


def detail(number: int = 0, trace_id: str = TRACE_ID, attributes: int = 4) -> SpanDetail:
    typed = {
        "gen_ai.request.model": "m-1",
        "gen_ai.request.temperature": 0.5,
        "gen_ai.usage.input_tokens": 10,
        "stream": True,
    }
    more = {f"attribute.{n}": f"value number {n} of this span" for n in range(attributes - len(typed))}
    return SpanDetail(
        row=row(number, trace_id),
        attributes={**typed, **more},
        resource_attributes={"service.name": "travel", "service.version": "3"},
        events=[EventRow(START_NS, "first token", {"n": 1})],
        links=[LinkRow("a" * 32, "b" * 16, {"why": "retry"})],
        input="to Rome",
        output="by train",
    )


def trace(spans: int, trace_id: str = TRACE_ID, attributes: int = 4) -> list[SpanDetail]:
    return [detail(number, trace_id, attributes) for number in range(spans)]
