"""The names, columns and types of the public contract ("Reading by SQL")."""

from __future__ import annotations

from tests.clickhouse.spans import START, llm, span
from tests.clickhouse.test_writer import write
from tracestore.clickhouse import client

SPANS = (
    "project, trace_id, span_id, parent_span_id, name, kind, type, service, agent, agent_version, session_id, user_id,"
    " start_time, end_time, duration_ns, status, status_message, error_type, provider, model, operation, input_tokens,"
    " output_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens, cost_usd, tool_name, tool_call_id,"
    " finish_reason, convention, scope_name, scope_version, attributes, resource_attributes, events, links"
)
TRACES = (
    "trace_id, name, agent, service, session_id, user_id, start_time, duration_ns, span_count, llm_calls, tool_calls,"
    " errors, input_tokens, output_tokens, cost_usd, status, findings"
)
FINDINGS = (
    "id, detector, version, severity, title, explanation, project, agent, trace_id, span_ids, first_seen, last_seen,"
    " wasted_cost_usd, wasted_tokens, evidence, fingerprint"
)
#: The exporter's internal/sqltemplates/traces_table.sql, less its two ALIAS columns
#: (ResourceAttributeItems, SpanAttributeItems), which no `SELECT *` shows and a view cannot have.
OTEL_TRACES = {
    "Timestamp": "DateTime64(9)",
    "TraceId": "String",
    "SpanId": "String",
    "ParentSpanId": "String",
    "TraceState": "String",
    "SpanName": "LowCardinality(String)",
    "SpanKind": "LowCardinality(String)",
    "ServiceName": "LowCardinality(String)",
    "ResourceAttributes": "Map(LowCardinality(String), String)",
    "ScopeName": "String",
    "ScopeVersion": "String",
    "SpanAttributes": "Map(LowCardinality(String), String)",
    "Duration": "UInt64",
    "StatusCode": "LowCardinality(String)",
    "StatusMessage": "String",
    "Events.Timestamp": "Array(DateTime64(9))",
    "Events.Name": "Array(LowCardinality(String))",
    "Events.Attributes": "Array(Map(LowCardinality(String), String))",
    "Links.TraceId": "Array(String)",
    "Links.SpanId": "Array(String)",
    "Links.TraceState": "Array(String)",
    "Links.Attributes": "Array(Map(LowCardinality(String), String))",
}


def described(view: str) -> dict[str, str]:
    return {row[0]: row[1] for row in client.run(f"DESCRIBE TABLE {view}").result_rows}


def test_every_column_of_the_contract_can_be_asked_for() -> None:
    write(span(1), llm(2, parent=1))
    for columns, view in ((SPANS, "spans"), (TRACES, "traces"), (FINDINGS, "findings")):
        client.run(f"SELECT {columns} FROM {view}")
    client.run("SELECT trace_id, span_id, input, output FROM span_payloads")
    for view in ("sessions", "llm_calls", "tool_calls", "agent_health", "otel_traces_trace_id_ts"):
        client.run(f"SELECT * FROM {view}")


def test_types_of_the_spans_view() -> None:
    types = described("spans")
    assert types["start_time"] == types["end_time"] == "DateTime64(9, 'UTC')"
    assert types["cost_usd"] == "Nullable(Float64)"


def test_otel_traces_is_the_exporters_table() -> None:
    assert described("otel_traces") == OTEL_TRACES
    assert described("otel_traces_trace_id_ts") == {
        "TraceId": "String",
        "Start": "SimpleAggregateFunction(min, DateTime)",
        "End": "SimpleAggregateFunction(max, DateTime)",
    }


def test_otel_traces_speaks_as_the_exporter_does() -> None:
    write(span(1, kind="client", status="ok"), span(2, parent=1, kind="unspecified"))
    rows = client.run("SELECT SpanKind, StatusCode, ParentSpanId FROM otel_traces ORDER BY SpanId").result_rows
    assert rows == [("Client", "Ok", ""), ("Unspecified", "Unset", f"{1:016x}")]
    # The look-up that Grafana sends before it reads a trace.
    (found,) = client.run(
        "WITH (SELECT min(Start) FROM otel_traces_trace_id_ts WHERE TraceId = {id:String}) AS s,"
        " (SELECT max(End) + 1 FROM otel_traces_trace_id_ts WHERE TraceId = {id:String}) AS e"
        " SELECT count() FROM otel_traces WHERE TraceId = {id:String} AND Timestamp >= s AND Timestamp <= e",
        {"id": f"{1:032x}"},
    ).result_rows
    assert found == (2,)


def test_nanoseconds_survive() -> None:
    write(span(1, start=START))
    assert client.run("SELECT toString(start_time) FROM spans").result_rows[0][0].endswith(".123456789")
