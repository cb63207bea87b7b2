"""Jaeger's API from the address to the engine and back: OTLP in, Jaeger's JSON out."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from tests.clickhouse.otlp import Json, event, link, post, resource, span
from tests.clickhouse.spans import SECOND, START
from tracestore import keys
from tracestore.clickhouse import jaeger_reader
from tracestore.models import Project

pytestmark = pytest.mark.django_db

US = START // 1000
RANGE = {"start": US - 10**7, "end": US + 10**8}
RANGE_V3 = {"query.startTimeMin": "2026-09-20T00:00:00Z", "query.startTimeMax": "2026-09-23T00:00:00Z"}


def get(address: str, status: int = 200, client: Client | None = None, **params: Any) -> Any:
    response = (client or Client()).get(f"/jaeger/api/{address}", params)
    assert response.status_code == status, response.content
    return response.json()


def ids(answer: Json) -> list[int]:
    return [int(trace["traceID"], 16) for trace in answer["data"]]


def test_services_and_operations() -> None:
    post(
        resource("shop", span(1, name="GET /", kind=2), span(1, 2, name="GET /", kind=3), span(1, 3, name="think")),
        resource("a/b ü", span(2, name="work")),
    )
    assert get("services") == {"data": ["a/b ü", "shop"], "total": 2, "limit": 0, "offset": 0, "errors": None}
    assert get("services/shop/operations")["data"] == ["GET /", "think"]
    assert get("services/a%2Fb%20%C3%BC/operations")["data"] == ["work"]
    assert get("services/nobody/operations")["data"] == []
    every = [
        {"name": "GET /", "spanKind": "client"},
        {"name": "GET /", "spanKind": "server"},
        {"name": "think", "spanKind": ""},
    ]
    assert get("operations", service="shop")["data"] == every
    assert get("operations", service="shop", spanKind="server")["data"] == every[1:2]
    assert get("v3/services") == {"services": ["a/b ü", "shop"]}
    assert get("v3/operations", service="shop") == {
        "operations": [*every[:2], {"name": "think", "spanKind": "internal"}]
    }
    assert get("v3/operations", service="shop", span_kind="client") == {"operations": every[:1]}


def test_a_trace_comes_back_whole_in_both_forms() -> None:
    messages = '[{"role": "user", "parts": [{"type": "text", "content": "hello"}]}]'
    post(
        resource(
            "shop",
            span(1, 1, name="checkout", kind=2, duration=5_999, traceState="a=1", attributes={"n": 2**53, "small": 7}),
            span(
                1, 2, parent=1, start=START + 1_000, attributes={
                    "gen_ai.input.messages": messages, "note": "x" * 3000, "half": 0.5, "yes": True, "list": ["a", 1],
                    "blob": {"bytesValue": "AAAwOQ=="},
                },
                status={"code": 2, "message": "declined"},
                events=[event("exception", START + 1_500, **{"exception.message": "m" * 2000, "try": 2})],
                links=[link(9, 9, why="retry"), link(1, 1, **{"opentracing.ref_type": "follows_from"})],
                droppedAttributesCount=3,
            ),
            attributes={"host.name": "box"},
            scope={"name": "cart-tracer", "version": "1.1"},
        )
    )  # fmt: skip
    trace_id, first, second = f"{1:032x}", f"{1:016x}", f"{2:016x}"
    scope = [
        {"key": "otel.scope.name", "type": "string", "value": "cart-tracer"},
        {"key": "otel.scope.version", "type": "string", "value": "1.1"},
    ]
    expected = {
        "traceID": trace_id,
        "spans": [
            {
                "traceID": trace_id,
                "spanID": first,
                "operationName": "checkout",
                "references": [],
                "startTime": US,
                "duration": 5,
                "tags": [
                    *scope,
                    {"key": "n", "type": "int64", "value": "9007199254740992"},
                    {"key": "small", "type": "int64", "value": 7},
                    {"key": "span.kind", "type": "string", "value": "server"},
                    {"key": "w3c.tracestate", "type": "string", "value": "a=1"},
                ],
                "logs": [],
                "processID": "p1",
                "warnings": None,
            },
            {
                "traceID": trace_id,
                "spanID": second,
                "operationName": "work",
                "references": [
                    {"refType": "FOLLOWS_FROM", "traceID": trace_id, "spanID": first},
                    {"refType": "FOLLOWS_FROM", "traceID": f"{9:032x}", "spanID": f"{9:016x}"},
                ],
                "startTime": US + 1,
                "duration": 1,
                "tags": [
                    *scope,
                    {"key": "half", "type": "float64", "value": 0.5},
                    {"key": "yes", "type": "bool", "value": True},
                    {"key": "list", "type": "string", "value": '["a",1]'},
                    {"key": "blob", "type": "binary", "value": "AAAwOQ=="},
                    {"key": "note", "type": "string", "value": "x" * 3000},
                    {"key": "gen_ai.input.messages", "type": "string", "value": messages},
                    {"key": "otel.status_code", "type": "string", "value": "ERROR"},
                    {"key": "error", "type": "bool", "value": True},
                    {"key": "otel.status_description", "type": "string", "value": "declined"},
                ],
                "logs": [
                    {
                        "timestamp": (START + 1_500) // 1000,
                        "fields": [
                            {"key": "event", "type": "string", "value": "exception"},
                            {"key": "exception.message", "type": "string", "value": "m" * 2000},
                            {"key": "try", "type": "int64", "value": 2},
                        ],
                    }
                ],
                "processID": "p1",
                "warnings": ["The sender dropped 3 attributes."],
            },
        ],
        "processes": {"p1": {"serviceName": "shop", "tags": [{"key": "host.name", "type": "string", "value": "box"}]}},
        "warnings": None,
    }
    whole = {"data": [expected], "total": 0, "limit": 0, "offset": 0, "errors": None}
    assert sorted_tags(get(f"traces/{trace_id}")) == sorted_tags(whole)
    assert get("traces/1", start=1, end=2) == get(f"traces/{trace_id.upper()}")  # without zeros; the range is a hint

    result = get(f"v3/traces/{trace_id}")["result"]
    (part,) = result["resourceSpans"]
    assert part["resource"]["attributes"] == [
        {"key": "service.name", "value": {"stringValue": "shop"}},
        {"key": "host.name", "value": {"stringValue": "box"}},
    ]  # fmt: skip
    (spans,) = part["scopeSpans"]
    assert spans["scope"] == {"name": "cart-tracer", "version": "1.1"}
    one, two = spans["spans"]
    assert one == {
        "traceId": trace_id, "spanId": first, "traceState": "a=1", "parentSpanId": "", "name": "checkout", "kind": 2,
        "startTimeUnixNano": str(START), "endTimeUnixNano": str(START + 5_999),
        "attributes": [
            {"key": "n", "value": {"intValue": "9007199254740992"}}, {"key": "small", "value": {"intValue": "7"}},
        ],
        "droppedAttributesCount": 0, "droppedEventsCount": 0, "droppedLinksCount": 0, "events": [], "links": [],
        "status": {},
    }  # fmt: skip
    values = {entry["key"]: entry["value"] for entry in two["attributes"]}
    assert values["half"] == {"doubleValue": 0.5}
    assert values["yes"] == {"boolValue": True}
    assert values["list"] == {"arrayValue": {"values": [{"stringValue": "a"}, {"intValue": "1"}]}}
    assert values["blob"] == {"bytesValue": "AAAwOQ=="}
    assert values["gen_ai.input.messages"] == {"stringValue": messages}
    assert two["status"] == {"message": "declined", "code": 2}
    assert two["links"][0] == {
        "traceId": f"{9:032x}", "spanId": f"{9:016x}", "traceState": "",
        "attributes": [{"key": "why", "value": {"stringValue": "retry"}}],
    }  # fmt: skip


def sorted_tags(answer: Json) -> Json:
    """The order of a span's attributes is not promised: those stored apart come last."""
    for one in (spans for trace in answer["data"] for spans in trace["spans"]):
        one["tags"].sort(key=lambda tag: tag["key"])
    return answer


def test_v3_gives_back_what_otlp_brought() -> None:
    """What v3 answers can be sent to a collector again, and means the same."""
    sent = resource(
        "shop",
        span(
            1, 1, attributes={"a": 1, "b": [0.5, True]}, events=[event("e"), event("f", n=1, text="x")],
            links=[link(9, 9, why="retry") | {"flags": 769, "droppedAttributesCount": 3}, link(9, 8, tries=2)],
            droppedEventsCount=2, droppedLinksCount=1, flags=257,
        ),
        span(1, 2, parent=1),
        attributes={"process.pid": 7, "args": ["a"], "host.name": "box"},
        scope={"name": "cart-tracer", "attributes": [{"key": "retries", "value": {"intValue": "3"}}]},
    )  # fmt: skip
    sent["schemaUrl"], sent["scopeSpans"][0]["schemaUrl"] = "https://example.org/1", "https://example.org/2"
    sent["resource"]["droppedAttributesCount"] = 4
    post(sent)
    before = get("v3/traces/1")
    post(*before["result"]["resourceSpans"], project="copy")
    found = jaeger_reader.get_jaeger_reader().traces("copy", [f"{1:032x}"], payloads=True).traces
    assert found == jaeger_reader.get_jaeger_reader().traces("default", [f"{1:032x}"], payloads=True).traces
    one, two = found[0].spans
    assert one.resource is two.resource
    assert one.scope is two.scope
    assert one.resource.attributes == {"service.name": "shop", "process.pid": 7, "args": ["a"], "host.name": "box"}
    assert one.scope.attributes == {"retries": 3}
    assert [one.attributes for one in one.events] == [{}, {"n": 1, "text": "x"}]
    assert [one.attributes for one in one.links] == [{"why": "retry"}, {"tries": 2}]
    assert (one.dropped_events, one.dropped_links, two.dropped_events) == (2, 1, 0)
    assert (one.flags, one.links[0].flags, one.links[0].dropped_attributes, two.flags) == (257, 769, 3, 0)
    assert (one.resource.schema_url, one.scope.schema_url) == ("https://example.org/1", "https://example.org/2")
    assert (one.resource.dropped_attributes, one.scope.dropped_attributes) == (4, 0)


def test_unknown_traces() -> None:
    post(resource("shop", span(1)))
    missing = {"data": None, "total": 0, "limit": 0, "offset": 0, "errors": [{"code": 404, "msg": "trace not found"}]}
    assert get("traces/2", 404) == missing
    assert get("v3/traces/2", 404) == {"error": {"httpCode": 404, "message": "No traces found"}}
    assert get("traces", service="nobody", **RANGE)["data"] == []
    assert get("v3/traces", 404, **RANGE_V3, **{"query.service_name": "nobody"}) == {
        "error": {"httpCode": 404, "message": "No traces found"}
    }
    assert get("v3/trace-summaries", **RANGE_V3, **{"query.serviceName": "nobody"}) == {"summaries": []}
    some = get("traces", traceID=["2", "1"])
    assert ids(some) == [1]
    assert some["errors"] == [{"msg": "trace not found", "traceID": f"{2:032x}"}]


def test_the_same_span_twice_is_one_and_one_id_at_two_times_is_two() -> None:
    for _ in range(2):
        post(resource("shop", span(1, 1), span(1, 2, parent=1)))
    assert len(get("traces/1")["data"][0]["spans"]) == 2
    # A broken sender reuses ids: nothing of it is lost.
    post(
        resource(
            "shop", *[span(2, number % 20, start=START + number * 1000) for number in range(1, 201) if number % 20]
        )
    )
    spans = get("traces/2")["data"][0]["spans"]
    assert (len(spans), len({one["spanID"] for one in spans})) == (190, 19)


def test_a_trace_of_10008_spans_is_whole() -> None:
    spans = [span(1, number, parent=number // 2 or None, start=START + number * 1000) for number in range(1, 10_009)]
    post(resource("shop", *spans))
    post(resource("shop", span(2)))
    answer = get("traces/1")["data"][0]
    assert len({one["spanID"] for one in answer["spans"]}) == 10_008
    assert answer["warnings"] is None
    assert [one["startTime"] for one in answer["spans"]] == [US + number for number in range(1, 10_009)]
    (result,) = get("v3/traces/1")["result"]["resourceSpans"]
    assert len(result["scopeSpans"][0]["spans"]) == 10_008
    assert [len(trace["spans"]) for trace in get("traces", service="shop", **RANGE)["data"]] == [10_008, 1]
    first = get("v3/trace-summaries", **RANGE_V3)["summaries"][0]
    assert (first["spanCount"], first["orphanSpanCount"]) == (10_008, 0)


def test_what_is_too_much_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    for trace in range(1, 4):
        post(resource("shop", *[span(trace, number, start=START + trace) for number in range(1, 5)]))
    monkeypatch.setattr(jaeger_reader, "MOST_SPANS", 9)
    answer = get("traces", **RANGE)
    assert ids(answer) == [3, 2]
    (left_out,) = answer["errors"]
    assert left_out["traceID"] == f"{1:032x}"
    assert left_out["msg"].startswith("left out")
    monkeypatch.setattr(jaeger_reader, "MOST_SPANS_OF_TRACE", 3)
    (trace,) = get("traces/1")["data"]
    assert (len(trace["spans"]), trace["warnings"]) == (3, ["Only the first 3 of 4 spans are here."])


def test_a_search_as_grafana_and_as_jaeger_ui_send_it() -> None:
    post(
        resource(
            "shop", span(1, 1, name="pay", kind=3, duration=2 * 10**9, attributes={"code": 402, "input.value": "q"})
        ),
        resource("shop", span(2, 1, start=START + SECOND, name="pay", duration=10**6, attributes={"code": "402"})),
    )
    grafana = get(
        "traces", service="shop", operation="pay", tags='{"code":"402"}', minDuration="1.5s", maxDuration="3s",
        limit=20, lookback="custom", **RANGE,
    )  # fmt: skip
    assert ids(grafana) == [1]
    # Payload attributes are not shipped in lists.
    assert {tag["key"] for tag in grafana["data"][0]["spans"][0]["tags"]} == {"code", "span.kind"}
    assert ids(get("traces", service="shop", tag="code:402", **RANGE)) == [2, 1]
    assert ids(get("traces", service="shop", tags='{"code":402}', **RANGE)) == [1]
    assert ids(get("traces", end=US + 10**7, lookback="1h", limit=1)) == [2]
    assert ids(get("traces", end=US + 10**7, lookback="5s")) == []
    ui = {
        **RANGE_V3,
        "query.serviceName": "shop",
        "query.searchDepth": 20,
        "query.attributes": '{"span.kind":"client"}',
    }
    (summary,) = get("v3/trace-summaries", **ui)["summaries"]
    assert summary == {
        "traceId": f"{1:032x}", "rootServiceName": "shop", "rootOperationName": "pay",
        "minStartTimeUnixNano": str(START), "maxEndTimeUnixNano": str(START + 2 * 10**9),
        "spanCount": 1, "errorSpanCount": 0, "orphanSpanCount": 0,
        "services": [{"name": "shop", "spanCount": 1, "errorSpanCount": 0}],
    }  # fmt: skip
    older = {
        "query.service_name": "shop", "query.operation_name": "pay", "query.duration_min": "1.5s",
        "query.start_time_min": "2026-09-20T00:00:00.5Z", "query.start_time_max": "2026-09-23T02:00:00+02:00",
    }  # fmt: skip
    found = get("v3/traces", **older)["result"]["resourceSpans"]
    assert [one["scopeSpans"][0]["spans"][0]["traceId"] for one in found] == [f"{1:032x}"]


def test_summaries_name_the_root_the_errors_and_the_orphans() -> None:
    failed = {"code": 2}
    post(
        resource(
            "shop", span(1, 1, start=START + 50, duration=100, name="checkout"), span(1, 2, parent=1, start=START)
        ),
        resource("bank", span(1, 3, parent=2, start=START + 70, duration=200, status=failed), span(1, 4, parent=77)),
    )
    (summary,) = get("v3/trace-summaries", **RANGE_V3)["summaries"]
    assert (summary["rootServiceName"], summary["rootOperationName"]) == ("shop", "checkout")
    assert (summary["minStartTimeUnixNano"], summary["maxEndTimeUnixNano"]) == (str(START), str(START + 1_000))
    assert (summary["spanCount"], summary["errorSpanCount"], summary["orphanSpanCount"]) == (4, 1, 1)
    assert summary["services"] == [
        {"name": "bank", "spanCount": 2, "errorSpanCount": 1}, {"name": "shop", "spanCount": 2, "errorSpanCount": 0},
    ]  # fmt: skip


def test_dependencies_count_calls_between_services() -> None:
    for _ in range(2):  # sent twice, counted once
        post(
            resource("shop", span(1, 1), span(1, 2, parent=1)),
            resource("bank", span(1, 3, parent=2), span(1, 4, parent=2), span(1, 5, parent=4)),
            resource("", span(1, 6, parent=5)),
        )
    post(resource("shop", span(2, 1), span(2, 2, parent=1)))
    late = {"endTs": START // 10**6 + 1000, "lookback": 5000}
    expected = [
        {"parent": "bank", "child": "missing-service-name", "callCount": 1},
        {"parent": "shop", "child": "bank", "callCount": 2},
    ]
    assert get("dependencies", **late)["data"] == expected
    assert get("dependencies", service="shop", **late)["data"] == expected[1:]
    assert get("dependencies", endTs=START // 10**6 - 1000, lookback=5000)["data"] == []


def test_every_address_reads_the_project_of_the_key_only() -> None:
    mine = Project.objects.get_or_create(slug="default", defaults={"name": "Default"})[0]
    key = keys.create(mine, "test", ("read",))
    client = Client(headers={"authorization": f"Bearer {key}"})
    # The same trace id in both: what they share is nothing.
    post(resource("shop", span(1, 1, name="mine")), project="default")
    post(
        resource("secret", span(1, 2, parent=1, name="secret", attributes={"input.value": "secret"})),
        resource("secret-bank", span(1, 3, parent=2, name="secret"), span(2, name="secret")),
        project="other",
    )
    for address, params in (
        ("services", {}), ("services/secret/operations", {}), ("operations", {"service": "secret"}),
        ("traces", RANGE), ("traces", {**RANGE, "service": "secret"}), ("traces", {"traceID": ["1", "2"]}),
        ("traces/1", {}), ("dependencies", {"endTs": START // 10**6 + 1000}),
        ("v3/services", {}), ("v3/operations", {"service": "secret"}), ("v3/traces", RANGE_V3), ("v3/traces/1", {}),
        ("v3/trace-summaries", RANGE_V3),
    ):  # fmt: skip
        text = json.dumps(get(address, client=client, **params))
        assert "secret" not in text, address
        assert f'"{2:016x}"' not in text, address
    get("traces/2", 404, client=client)
    get("services", 404, client=client, project="other")
