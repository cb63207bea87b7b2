"""Searching by Jaeger's rules, against the real engine: what its storage integration tests ask of every store."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from tests.clickhouse.otlp import Json, event, link, post, resource, span
from tests.clickhouse.spans import SECOND, START
from tracestore.clickhouse.jaeger_reader import get_jaeger_reader, newest_first
from tracestore.clickhouse.jaeger_search import TraceSearch

HOUR = 3600 * SECOND
MIDNIGHT = START // (24 * HOUR) * 24 * HOUR
MS = 10**6

#: One tag of each type, as they are asked for together.
TAGS: Json = {"cart.id": "c-17", "cart.items": 123, "cart.weight": 72.5, "cart.paid": True}
TEXT, WHOLE, HALF, TRUTH = ({key: value} for key, value in TAGS.items())

AROUND = TraceSearch(start_ns=START - HOUR, end_ns=START + HOUR)


def wanted(**fields: Any) -> TraceSearch:
    return replace(AROUND, **fields)


def found(search: TraceSearch, project: str = "default") -> set[int]:
    return {int(trace_id, 16) for trace_id in get_jaeger_reader().find(project, search)}


def scattered(trace: int, service: str, **fields: Any) -> Json:
    """A trace whose one span has a tag in each of its places: span, resource, an event, another event."""
    events = [event("paid", **TRUTH), event("weighed", **HALF)]
    return resource(service, span(trace, attributes=TEXT, events=events, **fields), attributes=WHOLE)


#: Every service with its traces: those that match first, then decoys that miss one condition.
STORED: list[Json] = [
    resource("of-span", span(1, attributes=TAGS)),
    resource("of-span", span(101, attributes={**TAGS, "cart.items": 124})),
    # All tags are in the trace, but not on one span.
    resource("of-span", span(102, 1, attributes={**TEXT, **WHOLE}), span(102, 2, attributes={**HALF, **TRUTH})),
    resource("of-event", span(2, events=[event("bought", **TAGS)])),
    resource("of-event", span(103, events=[event("bought", **TEXT)])),
    resource("of-resource", span(3), attributes=TAGS),
    resource("of-resource", span(104), attributes=WHOLE),
    scattered(4, "scattered"),
    resource("scattered", span(105, attributes=TEXT), attributes=WHOLE),
    resource(
        "midnight", span(5, 1, start=MIDNIGHT - 2 * SECOND), span(5, 2, parent=1, start=MIDNIGHT + SECOND)
    ),
    resource("named", span(6, name="checkout"), span(6, 2, name="pay")),
    resource("named", span(106, name="check")),
    resource("named-short", span(7, name="checkout", duration=2 * MS), span(107, name="checkout", duration=2 * MS + 1)),
    resource("named-between", span(8, name="checkout", duration=5 * MS)),
    resource("named-between", span(108, name="checkout", duration=4 * MS), span(109, name="pay", duration=5 * MS)),
    resource("between", span(9, duration=5 * MS), span(110, duration=6 * MS)),
    resource("short", span(10, duration=MS), span(111, duration=MS + 1)),
    resource("plain", span(11)),
    resource("tagged-named", span(12, name="checkout", attributes=TAGS), span(112, name="pay", attributes=TAGS)),
    resource("tagged-named", span(113, name="checkout", attributes=TEXT)),
    resource("tagged-named-short", span(13, name="checkout", attributes=TAGS, duration=MS)),
    resource("tagged-named-short", span(114, name="checkout", attributes=TAGS, duration=3 * MS)),
    resource("tagged-named-between", span(14, name="checkout", attributes=TAGS, duration=5 * MS)),
    resource("tagged-named-between", span(115, name="checkout", attributes=TAGS, duration=6 * MS)),
    resource("tagged-between", span(15, attributes=TAGS, duration=5 * MS), span(116, attributes=TAGS)),
    resource("tagged-short", span(16, attributes=TAGS, duration=MS), span(117, attributes=TAGS, duration=2 * MS)),
    scattered(17, "scattered-named", name="checkout"),
    scattered(118, "scattered-named", name="pay"),
    scattered(18, "scattered-named-short", name="checkout", duration=MS),
    scattered(119, "scattered-named-short", name="checkout", duration=3 * MS),
    scattered(19, "scattered-named-between", name="checkout", duration=5 * MS),
    scattered(120, "scattered-named-between", name="checkout", duration=7 * MS),
    scattered(20, "scattered-between", duration=5 * MS),
    scattered(121, "scattered-between", duration=MS),
    scattered(21, "scattered-short", duration=MS),
    scattered(122, "scattered-short", duration=5 * MS),
    resource("several", span(22)),
    resource("several", span(23)),
    resource("several", span(24)),
    resource("scoped", span(25, attributes=TAGS), scope={"name": "cart-tracer", "version": "1.1.1"}),
    resource("scoped", span(123, attributes=TAGS), scope={"name": "cart-tracer", "version": "1.2.0"}),
    resource("of-link", span(26, links=[link(900, 1), link(901, 2, **TAGS)])),
    resource("of-link", span(124, links=[link(901, 2, **TEXT), link(901, 3, **WHOLE)])),
]  # fmt: skip

BETWEEN = {"min_duration_ns": 4_500_000, "max_duration_ns": 5_500_000}
SHORT = {"max_duration_ns": MS}
SHORTER = {"max_duration_ns": 2 * MS}
MIDNIGHT_RANGE = {"start_ns": MIDNIGHT - 5 * SECOND, "end_ns": MIDNIGHT + 5 * SECOND}

CASES: list[tuple[str, Json, set[int]]] = [
    ("of-span", {"tags": TAGS}, {1}),
    ("of-event", {"tags": TAGS}, {2}),
    ("of-resource", {"tags": TAGS}, {3}),
    ("scattered", {"tags": TAGS}, {4}),
    ("midnight", MIDNIGHT_RANGE, {5}),
    ("named", {"operation": "checkout"}, {6}),
    ("named-short", {"operation": "checkout", **SHORTER}, {7}),
    ("named-between", {"operation": "checkout", **BETWEEN}, {8}),
    ("between", BETWEEN, {9}),
    ("short", SHORT, {10}),
    ("plain", {}, {11}),
    ("tagged-named", {"operation": "checkout", "tags": TAGS}, {12}),
    ("tagged-named-short", {"operation": "checkout", "tags": TAGS, **SHORTER}, {13}),
    ("tagged-named-between", {"operation": "checkout", "tags": TAGS, **BETWEEN}, {14}),
    ("tagged-between", {"tags": TAGS, **BETWEEN}, {15}),
    ("tagged-short", {"tags": TAGS, **SHORT}, {16}),
    ("scattered-named", {"operation": "checkout", "tags": TAGS}, {17}),
    ("scattered-named-short", {"operation": "checkout", "tags": TAGS, **SHORTER}, {18}),
    ("scattered-named-between", {"operation": "checkout", "tags": TAGS, **BETWEEN}, {19}),
    ("scattered-between", {"tags": TAGS, **BETWEEN}, {20}),
    ("scattered-short", {"tags": TAGS, **SHORT}, {21}),
    ("several", {}, {22, 23, 24}),
    ("scoped", {"tags": {**TAGS, "otel.scope.name": "cart-tracer", "otel.scope.version": "1.1.1"}}, {25}),
    ("of-link", {"tags": TAGS}, {26}),
]  # fmt: skip


@pytest.fixture(params=["typed", "as text"])
def as_sent(request: pytest.FixtureRequest) -> Any:
    """Tags as JSON values, and as Jaeger UI and Grafana send them: all of them text."""
    if request.param == "typed":
        return lambda tags: tags
    return lambda tags: {key: str(value).lower() if value is True else str(value) for key, value in tags.items()}


def test_find_traces(as_sent: Any) -> None:
    post(*STORED)
    for service, fields, expected in CASES:
        search = wanted(service=service, **{**fields, "tags": as_sent(fields.get("tags", {}))})
        assert found(search) == expected, service


def test_scope_attributes() -> None:
    post(resource("scoped", span(1), scope={"name": "cart-tracer", "attributes": [
        {"key": "cart.id", "value": {"stringValue": "c-17"}},
    ]}))  # fmt: skip
    assert found(wanted(service="scoped", tags=TEXT)) == {1}


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("123", {1, 2}), (123, {2}), (123.0, {2}), ("123.0", set()),
        ("72.5", {3, 4}), (72.5, {4}),
        ("100", {5, 6}), (100, {5}), ("100.0", {5}),
        ("true", {7, 8}), (True, {8}), (False, set()),
        ("", {9}),
        ('["a",1]', {10}),
    ],
)  # fmt: skip
def test_a_text_matches_whatever_is_written_so_and_a_number_only_numbers(asked: Any, expected: set[int]) -> None:
    for trace, value in enumerate(["123", 123, "72.5", 72.5, 100.0, "100", "true", True, "", ["a", 1]], 1):
        post(resource("shop", span(trace, attributes={"value": value})))
    post(resource("shop", span(99)))  # without the tag it has no empty value either
    assert found(wanted(tags={"value": asked})) == expected


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("error", "true", {1}), ("error", True, {1}), ("error", "false", set()),
        ("span.kind", "client", {1}), ("span.kind", "unspecified", set()), ("span.kind", "", set()),
        ("otel.status_code", "ERROR", {1}), ("otel.status_code", "OK", {2}), ("otel.status_code", "UNSET", set()),
        ("otel.status_description", "declined", {1}),
        ("otel.scope.name", "cart-tracer", {1}), ("otel.scope.name", "", set()),
        ("w3c.tracestate", "a=1", {2}),
        ("event", "exception", {2}),
        ("service.name", "shop", {1, 2, 3}),
    ],
)  # fmt: skip
def test_tags_that_jaeger_makes_of_fields_are_found(key: str, value: Any, expected: set[int]) -> None:
    post(
        resource("shop", span(1, kind=3, status={"code": 2, "message": "declined"}), scope={"name": "cart-tracer"}),
        resource("shop", span(2, status={"code": 1}, traceState="a=1", events=[event("exception")]), span(3)),
    )
    assert found(wanted(tags={key: value})) == expected


@pytest.mark.parametrize("key", ["input.value", "output.value", "gen_ai.tool.definitions", "note"])
def test_attributes_that_are_stored_apart_are_found(key: str) -> None:
    text = "where is my parcel?" + " please" * 100 * (key == "note")
    post(resource("shop", span(1, attributes={key: text}), span(2, attributes={key: text[:-1]})))
    assert found(wanted(tags={key: text})) == {1}


@pytest.mark.parametrize(
    "text", ["' OR 1=1 --", "\\", "{tag0:String}", "$key", "/*conditions*/", "a\tb\nc", "🙂", "\x00"]
)
def test_keys_and_values_are_bound_never_put_into_the_statement(text: str) -> None:
    post(resource(text, span(1, name=text, attributes={text: text}), span(2, attributes={"other": text})))
    assert found(wanted(service=text, operation=text, tags={text: text})) == {1}


def test_newest_first_up_to_the_limit() -> None:
    post(resource("shop", *[span(trace, start=START + trace * SECOND) for trace in range(1, 6)]))
    # Trace 1 gets a late span: it is the newest then.
    post(resource("shop", span(1, 2, start=START + 60 * SECOND)))
    ids = get_jaeger_reader().find("default", wanted(limit=3))
    assert [int(one, 16) for one in ids] == [1, 5, 4]


def test_a_long_range_is_searched_in_parts_and_misses_nothing() -> None:
    """Spans an hour or days apart, some exactly where two parts meet; a trace may have spans in several parts."""
    end = START + 40 * 24 * HOUR
    ages = [0, HOUR - 1, HOUR, 2 * HOUR, 5 * HOUR - 1, 5 * HOUR, 30 * HOUR, 39 * 24 * HOUR]
    post(*[resource("shop", span(trace, start=end - age)) for trace, age in enumerate(ages, 1)])
    post(resource("shop", span(1, 2, start=end - 3 * HOUR), span(3, 2, start=end - 20 * HOUR)))
    search = wanted(start_ns=START, end_ns=end)
    for limit in (1, 2, 3, 5, 8, 100):
        ids = get_jaeger_reader().find("default", replace(search, limit=limit))
        assert [int(one, 16) for one in ids] == list(range(1, 9))[:limit]


@pytest.mark.parametrize("length", [0, 1, HOUR - 1, HOUR, HOUR + 1, 5 * HOUR, 5 * HOUR + 1, 1000 * HOUR])
def test_the_parts_of_a_range_are_the_range(length: int) -> None:
    parts = list(newest_first(START, START + length))
    assert (parts[0][1], parts[-1][0]) == (START + length, START)
    assert all(start <= end for start, end in parts)
    assert all(newer[0] == older[1] + 1 for newer, older in pairwise(parts))


def test_both_ends_of_the_range_belong_to_it() -> None:
    post(resource("shop", span(1)))
    assert found(wanted(start_ns=START, end_ns=START)) == {1}
    assert found(wanted(start_ns=START + 1)) == set()
    assert found(wanted(end_ns=START - 1)) == set()


def test_a_project_finds_only_its_own() -> None:
    post(resource("shop", span(1, attributes=TAGS)), project="mine")
    post(resource("shop", span(2, attributes={**TAGS, "input.value": "secret"})), project="theirs")
    assert found(wanted(service="shop", tags=TAGS), "mine") == {1}
    assert found(wanted(tags={"input.value": "secret"}), "mine") == set()
    assert found(wanted(), "nobody") == set()


def test_a_service_without_a_name_is_found_by_jaegers_word_for_it() -> None:
    post(resource("", span(1)), resource("shop", span(2)))
    assert get_jaeger_reader().services("default") == ["missing-service-name", "shop"]
    assert found(wanted(service="missing-service-name")) == {1}
