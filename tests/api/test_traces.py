"""The list of traces, a trace and a span, as the public contract has them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.test import Client

from dashboard.api import representations, span_shapes, trace_shapes
from tests.api import rows
from tests.api.conftest import FakeReader
from tests.api.rows import TRACE_ID
from tracestore.clickhouse.orders import NEWEST
from tracestore.clickhouse.rows import EventRow, TraceFilter
from tracestore.search.tree import And, Text, exactly
from tracestore.spans.semconv.log_events import Evaluation

pytestmark = pytest.mark.django_db

TRACES = "/api/v1/traces/"

SUMMARY = {
    "trace_id", "name", "agent", "service", "session_id", "user_id", "start_time", "duration_ns", "span_count",
    "llm_calls", "tool_calls", "errors", "input_tokens", "output_tokens", "cost_usd", "status", "findings",
}  # fmt: skip
COLUMNS = {
    "project", "trace_id", "span_id", "parent_span_id", "name", "kind", "type", "service", "agent", "agent_version",
    "session_id", "user_id", "start_time", "end_time", "duration_ns", "status", "status_message", "error_type",
    "provider", "model", "operation", "input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens",
    "reasoning_tokens", "cost_usd", "tool_name", "tool_call_id", "finish_reason", "convention", "scope_name",
    "scope_version", "attributes", "resource_attributes", "events", "links", "input_preview", "output_preview",
}  # fmt: skip


def test_the_list_has_the_contracts_fields(client: Client, reader: FakeReader) -> None:
    answer = client.get(TRACES).json()
    assert set(answer) == {"results", "next"}
    (trace,) = answer["results"]
    assert set(trace) >= SUMMARY
    assert trace["start_time"] == "2026-05-28T20:26:40.123456789Z"
    assert trace["cost_usd"] is None
    assert (trace["findings"], trace["duration_ns"]) == (3, 2000)


def test_the_list_asks_for_a_hundred_unless_told(client: Client, reader: FakeReader) -> None:
    client.get(TRACES)
    assert reader.asked == [
        {"project": "default", "wanted": TraceFilter(), "limit": 100, "cursor": None, "order": NEWEST}
    ]


def test_cursors_go_through(client: Client, reader: FakeReader) -> None:
    reader.next = "after-this"
    assert client.get(TRACES, {"cursor": "start-here", "limit": "7"}).json()["next"] == "after-this"
    assert (reader.asked[0]["cursor"], reader.asked[0]["limit"]) == ("start-here", 7)


def test_filters_reach_the_store(client: Client, reader: FakeReader) -> None:
    client.get(
        TRACES,
        {
            "q": 'agent:"night shift" no route "status:error"',
            "status": "error",
            "service": "travel",
            "session_id": "s",
            "user_id": "u",
            "model": "m",
            "tool": "t",
            "since": "2026-01-31T12:00:00Z",
            "until": "2026-02-01",
        },
    )
    assert reader.asked[0]["wanted"] == TraceFilter(
        since=datetime(2026, 1, 31, 12, tzinfo=UTC),
        until=datetime(2026, 2, 1, tzinfo=UTC),
        status="error",
        service="travel",
        session_id="s",
        user_id="u",
        model="m",
        tool="t",
        search=And((exactly("agent", "night shift"), Text("no"), Text("route"), Text("status:error"))),
    )


@pytest.mark.parametrize(
    ("parameter", "value", "expected"),
    [
        ("since", "yesterday", "RFC 3339"),
        ("until", "2026-13-01", "RFC 3339"),
        ("since", "5y", "24h"),
        ("limit", "0", "from 1 to 1000"),
        ("limit", "1001", "from 1 to 1000"),
        ("limit", "ten", "from 1 to 1000"),
        ("limit", "-1", "from 1 to 1000"),
        ("limit", "٣", "from 1 to 1000"),
        ("status", "broken", "ok, error or running"),
        ("q", "x" * 2001, "2000"),
        ("q", "agnt:x", "agent"),
        ("sort", "name", "duration"),
        ("agent", "x" * 2001, "2000"),
    ],
)
def test_a_bad_parameter_is_named(
    parameter: str, value: str, expected: str, client: Client, reader: FakeReader
) -> None:
    response = client.get(TRACES, {parameter: value})
    error = response.json()["error"]
    assert response.status_code == 400
    assert (error["code"], error["field"]) == ("invalid_input", parameter)
    assert expected in error["message"]
    assert reader.asked == []


def test_a_search_that_makes_no_sense_is_pointed_at(client: Client, reader: FakeReader) -> None:
    error = client.get(TRACES, {"q": "status:error cost>much"}).json()["error"]
    assert (error["field"], error["offset"]) == ("q", 18)


def test_an_impossible_range_is_told(client: Client, reader: FakeReader) -> None:
    response = client.get(TRACES, {"since": "1h", "until": "2h"})
    assert (response.status_code, response.json()["error"]["field"]) == (400, "since")


def test_a_trace_has_every_column_but_the_payloads(client: Client, reader: FakeReader) -> None:
    trace = client.get(f"{TRACES}{TRACE_ID}/").json()
    assert set(trace) >= SUMMARY | {"spans"}
    assert trace["truncated"] is False
    first, second = trace["spans"]
    assert set(first) >= COLUMNS
    assert not {"input", "output", "messages"} & set(first)
    assert (first["parent_span_id"], second["parent_span_id"]) == ("", first["span_id"])
    assert first["attributes"]["gen_ai.request.temperature"] == 0.5
    assert first["attributes"]["stream"] is True
    assert first["attributes"]["gen_ai.usage.input_tokens"] == 10
    assert first["events"] == [
        {"time": "2026-05-28T20:26:40.123456789Z", "name": "first token", "attributes": {"n": 1}, "origin": "span",
         "dropped_attributes": 0}
    ]  # fmt: skip
    assert first["links"] == [
        {"trace_id": "a" * 32, "span_id": "b" * 16, "attributes": {"why": "retry"}, "flags": 0, "dropped_attributes": 0}
    ]


def test_a_cut_trace_says_so(client: Client, reader: FakeReader) -> None:
    trace = client.get(f"{TRACES}{TRACE_ID}/?limit=1").json()
    assert (len(trace["spans"]), trace["truncated"], trace["explanation"]) == (1, True, None)
    trace = client.get(f"{TRACES}{TRACE_ID}/?limit=2").json()
    assert (len(trace["spans"]), trace["truncated"]) == (2, False)
    assert set(trace["explanation"]) == set(trace_shapes.SumsExplained().fields)
    assert (trace["explanation"]["calls"], trace["explanation"]["unpriced_models"]) == (2, ["m-1"])


def test_ids_may_be_upper_case(client: Client, reader: FakeReader) -> None:
    assert client.get(f"{TRACES}{TRACE_ID.upper()}/").json()["trace_id"] == TRACE_ID


@pytest.mark.parametrize("trace_id", ["f" * 32, "xyz", "0", "g" * 32, TRACE_ID + "0", TRACE_ID + "%0A"])
def test_what_is_not_there_is_404(trace_id: str, client: Client, reader: FakeReader) -> None:
    for rest in ("", "columns/", f"spans/{1:016x}/"):
        response = client.get(f"{TRACES}{trace_id}/{rest}")
        assert (response.status_code, response.json()["error"]["code"]) == (404, "not_found")


@pytest.mark.parametrize("span_id", ["f" * 16, "xyz"])
def test_a_span_that_is_not_there_is_404(span_id: str, client: Client, reader: FakeReader) -> None:
    assert client.get(f"{TRACES}{TRACE_ID}/spans/{span_id}/").status_code == 404


def test_a_span_has_payloads_messages_and_explanations(client: Client, reader: FakeReader) -> None:
    detail = reader.spans_of["default", TRACE_ID][0]
    detail.row.dropped_attributes = 2
    detail.attributes["gen_ai.input.messages"] = '[{"role": "user", "parts": [{"type": "text", "content": "to Rome"}]}]'
    detail.attributes["raw"] = b"\x00\xff"
    detail.attributes["ratio"] = float("nan")

    span = client.get(f"{TRACES}{TRACE_ID}/spans/{1:016X}/").json()

    assert set(span) >= COLUMNS
    assert (span["input"], span["output"]) == ("to Rome", "by train")
    assert span["messages"]["input"] == [{"role": "user", "parts": [{"type": "text", "text": "to Rome"}]}]
    assert set(span["messages"]) == set(span_shapes.Conversation().fields)
    assert span["explanation"]["incomplete"] is True
    assert set(span["explanation"]) == set(span_shapes.Explained().fields)
    for part, shape in (("tokens", span_shapes.TokensExplained()), ("cost", span_shapes.CostExplained())):
        assert set(span["explanation"][part]) == set(shape.fields)
    assert span["explanation"]["tokens"]["read"] == [
        {"figure": "input_tokens", "attribute": "gen_ai.usage.input_tokens", "value": 10, "key": ""}
    ]
    assert span["attributes"]["raw"] == "AP8="
    assert span["attributes"]["ratio"] is None


def test_columns_are_those_of_the_waterfall(client: Client, reader: FakeReader) -> None:
    pytest.importorskip("dashboard.waterfall")
    columns = client.get(f"{TRACES}{TRACE_ID}/columns/").json()
    assert columns["n"] == 2


def test_answers_are_not_cached_on_the_way(client: Client, reader: FakeReader) -> None:
    assert client.get(TRACES)["Cache-Control"] == "no-store"


def test_a_span_has_what_log_records_say_of_it(client: Client, reader: FakeReader) -> None:
    detail = reader.spans_of["default", TRACE_ID][0]
    detail.events = [
        EventRow(rows.START_NS, "gen_ai.user.message", {"content": "to Oslo"}, "log"),
        EventRow(rows.START_NS, "gen_ai.choice", {"message": {"content": "by sea"}, "finish_reason": "stop"}, "log"),
    ]
    detail.evaluations = [Evaluation("relevance", 0.5, "pass", "it fits", rows.START_NS)]

    span = client.get(f"{TRACES}{TRACE_ID}/spans/{1:016x}/").json()

    assert [event["origin"] for event in span["events"]] == ["log", "log"]
    assert [message["parts"][0]["text"] for message in span["messages"]["input"]] == ["to Oslo"]
    assert [message["parts"][0]["text"] for message in span["messages"]["output"]] == ["by sea"]
    (evaluation,) = span["evaluations"]
    assert set(evaluation) == set(span_shapes.Evaluation().fields)
    assert (evaluation["name"], evaluation["score"], evaluation["label"]) == ("relevance", 0.5, "pass")
    assert evaluation["explanation"] == "it fits"


def test_the_schema_describes_what_is_answered() -> None:
    assert set(representations.trace_summary(rows.summary())) == set(trace_shapes.TraceSummary().fields)
    span = representations.span("default", rows.detail())
    assert set(span) == set(trace_shapes.Span().fields)
    assert set(span["events"][0]) == set(trace_shapes.Event().fields)
    assert set(span["links"][0]) == set(trace_shapes.Link().fields)
    detail_fields = set(span_shapes.SpanDetail().fields) - set(trace_shapes.Span().fields)
    assert detail_fields == {"input", "output", "messages", "evaluations", "explanation"}
