"""B9: a span reads the same, whether its names were within its project's budget when it came or beyond it."""

from __future__ import annotations

import time
from itertools import permutations
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, Counter

from ingest.metrics import Metrics
from ingest.name_budget import NameBudget
from ingest.store import Store
from tests.clickhouse.spans import START, span
from tracestore.clickhouse import client, trace_parts
from tracestore.clickhouse.jaeger_reader import get_jaeger_reader
from tracestore.clickhouse.reader import get_reader
from tracestore.clickhouse.rows import TraceFilter
from tracestore.clickhouse.writer import SpanWriter
from tracestore.spans.model import Attributes, Resource, Scope, Span
from tracestore.spans.semconv import payload

TRACE = f"{1:032x}"
ATTRIBUTES: Attributes = {
    "whole": 2**53 + 1, "half": 0.5, "yes": True, "list": ["a", 1], "map": {"k": [1]}, "text": "naïve ☃",
    "long": "x" * 2000, "gen_ai.request.model": "m",
}  # fmt: skip
SHARED: Attributes = {"service.name": "shop", "pod": "p-1", "n": 7, "labels": ["a", 2], "on": False}


def sent() -> Span:
    """As it comes, each time anew."""
    made = span(1, attributes=dict(ATTRIBUTES), payload_attributes=payload.payload_attributes(ATTRIBUTES))
    made.record.resource = Resource(dict(SHARED), "shop")
    made.record.scope = Scope("tests", "1", {"scope.a": 1, "scope.b": "two"})
    return made


def store(most: int) -> None:
    """Takes the span in with so many names left."""
    budget = NameBudget(most, Counter("beyond", "For the test.", registry=CollectorRegistry()))
    saving = Store(SpanWriter(), lambda spans: None, Metrics(), names=budget)
    assert saving.save([("default", [sent()])]) == [{}]


def read() -> list[Any]:
    """The span by each way that reads all of it."""
    detail = get_reader().span("default", TRACE, f"{1:016x}")
    (record,) = next(trace_parts.records("default", TRACE, trace_parts.outline("default", TRACE)))
    ((of_jaeger,),) = (one.spans for one in get_jaeger_reader().traces("default", [TRACE], payloads=True).traces)
    return [
        [dict(one.attributes), dict(resource), dict(scope)]
        for one, resource, scope in (
            (detail, detail.resource_attributes, detail.scope_attributes),
            (record, record.resource.attributes, record.scope.attributes),
            (of_jaeger, of_jaeger.resource.attributes, of_jaeger.scope.attributes),
        )
    ]


@pytest.mark.parametrize("order", [*permutations([0, 100]), (2, 100, 5)])
def test_a_span_sent_again_in_the_other_form_reads_the_same(order: tuple[int, ...]) -> None:
    forms = {0: 1, 100: 100, 2: 2, 5: 5}
    store(100)
    whole = read()
    assert whole[0] == [ATTRIBUTES, SHARED, {"scope.a": 1, "scope.b": "two"}]
    for most in order:
        store(forms[most])
        assert read() == whole, most
    assert client.run("SELECT count() FROM spans").result_rows == [(1,)]


def test_names_are_completed_quickly_where_there_are_ten_thousand() -> None:
    many = [
        span(number, attributes={f"user.{number % 1000}.{k}": "x" for k in range(10)}, start=START + number)
        for number in range(1, 4001)
    ]
    SpanWriter().write([("default", one) for one in many])
    began = time.process_time(), time.monotonic()
    names = get_reader().attribute_names("default", TraceFilter(), "attr")
    assert len(names) == 500
    assert time.monotonic() - began[1] < 5, "generous: the machine may be busy"
