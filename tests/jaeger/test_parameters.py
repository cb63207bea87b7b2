"""What a request asks for: Jaeger's names and units, and refusals that name the parameter."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import QueryDict

from dashboard.jaeger import parameters
from tracestore.errors import InvalidInput

NOW = 1_790_000_000 * 10**9
HOUR = 3600 * 10**9
DAY = 24 * HOUR


@pytest.fixture(autouse=True)
def fixed_now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parameters, "now", lambda: NOW)


@pytest.mark.parametrize(
    ("written", "nanoseconds"),
    [
        ("1.5s", 1_500_000_000), ("100ms", 100_000_000), ("250us", 250_000), ("250µs", 250_000), ("7ns", 7),
        ("1h30m", 90 * 60 * 10**9), ("0", 0), (".5s", 500_000_000), ("1.s", 10**9), ("0.000000001s", 1),
        ("1.0000000015s", 1_000_000_001), ("999999999999h", 2**63 - 1),
    ],
)  # fmt: skip
def test_durations_are_written_as_go_does(written: str, nanoseconds: int) -> None:
    params = QueryDict(mutable=True)
    params["minDuration"] = written
    assert parameters.trace_search(params).min_duration_ns == nanoseconds


@pytest.mark.parametrize(
    ("query", "start_ns", "end_ns"),
    [
        ("", NOW - 2 * DAY, NOW),
        ("start=1790000000000000&end=1790000001000000", NOW, NOW + 10**9),
        ("start=1&end=99999999999999999999"[:-1], 1000, 2**63 - 1),
        ("lookback=1h", NOW - HOUR, NOW),
        ("lookback=2w&end=1790000001000000", NOW + 10**9 - 14 * DAY, NOW + 10**9),
        ("lookback=custom", NOW - 2 * DAY, NOW),
        ("start=1789999999000000&lookback=1h", NOW - 10**9, NOW),
        ("start=-5&end=0", 0, 0),
    ],
)
def test_times_are_microseconds_and_default_to_two_days(query: str, start_ns: int, end_ns: int) -> None:
    found = parameters.trace_search(QueryDict(query))
    assert (found.start_ns, found.end_ns) == (start_ns, end_ns)


def test_tags_in_both_forms() -> None:
    query = 'tag=a:1&tag=url:http://x/&tags={"b":"2","c":3,"d":true,"e":0.5}&tags={"a":"last"}'
    assert parameters.trace_search(QueryDict(query)).tags == {
        "a": "last", "url": "http://x/", "b": "2", "c": 3, "d": True, "e": 0.5,
    }  # fmt: skip


def test_both_spellings_of_v3() -> None:
    newer = (
        "query.serviceName=s&query.operationName=o&query.durationMin=1s&query.durationMax=2s&query.searchDepth=7"
        '&query.startTimeMin=2026-09-21T00:00:00Z&query.startTimeMax=2026-09-21T01:00:00Z&query.attributes={"a":"1"}'
    )
    older = (
        "query.service_name=s&query.operation_name=o&query.duration_min=1s&query.duration_max=2s&query.num_traces=7"
        '&query.start_time_min=2026-09-21T00:00:00Z&query.start_time_max=2026-09-21T01:00:00Z&query.attributes={"a":"1"}'
    )
    found = parameters.trace_search_v3(QueryDict(newer))
    assert found == parameters.trace_search_v3(QueryDict(older))
    assert (found.service, found.operation, found.limit, found.tags) == ("s", "o", 7, {"a": "1"})
    assert (found.min_duration_ns, found.max_duration_ns, found.end_ns - found.start_ns) == (10**9, 2 * 10**9, HOUR)


def test_v3_without_times_looks_back_two_days() -> None:
    found = parameters.trace_search_v3(QueryDict(""))
    assert (found.start_ns, found.end_ns) == (NOW - 2 * DAY, NOW)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("start=yesterday", "start"), ("end=1.5", "end"), ("end=", None), ("start=2&end=1", "start"),
        ("lookback=1y", "lookback"), ("lookback=-1h", "lookback"),
        ("minDuration=5", "minDuration"), ("minDuration=-1s", "minDuration"), ("maxDuration=1s2", "maxDuration"),
        ("maxDuration=1 s", "maxDuration"), ("minDuration=2s&maxDuration=1s", "maxDuration"),
        ("limit=0", "limit"), ("limit=1501", "limit"), ("limit=ten", "limit"), ("limit=1500", None),
        ("tag=novalue", "tag"), ("tag=:v", "tag"), ("tag=k:", None),
        ("tags=k=v", "tags"), ("tags=[]", "tags"), ('tags={"a":null}', "tags"), ('tags={"a":[1]}', "tags"),
        ('tags={"a":{"b":1}}', "tags"), ("tags={}", None),
        ("service=" + "s" * 2001, "service"), ("operation=" + "o" * 2001, "operation"),
        ('tags={"a":"' + "v" * 2001 + '"}', "tags"),
        ("&".join(f"tag=k{n}:v" for n in range(33)), "tags"),
    ],
)  # fmt: skip
def test_a_bad_value_is_refused_by_name(query: str, field: str | None) -> None:
    refused(lambda: parameters.trace_search(QueryDict(query)), field)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("query.startTimeMin=soon", "query.startTimeMin"), ("query.start_time_max=x", "query.start_time_max"),
        ("query.startTimeMin=2026-09-21T00:00:01Z&query.startTimeMax=2026-09-21T00:00:00Z", "query.startTimeMin"),
        ("query.searchDepth=0", "query.searchDepth"), ("query.num_traces=x", "query.num_traces"),
        ("query.duration_min=5", "query.duration_min"), ("query.attributes=x", "query.attributes"),
    ],
)  # fmt: skip
def test_a_bad_value_of_v3_is_refused_by_the_name_that_was_sent(query: str, field: str) -> None:
    refused(lambda: parameters.trace_search_v3(QueryDict(query)), field)


@pytest.mark.parametrize(
    ("read", "query", "field"),
    [
        (parameters.trace_ids, "traceID=xyz", "traceID"), (parameters.trace_ids, "traceID=", "traceID"),
        (parameters.trace_ids, "traceID=" + "a" * 33, "traceID"),
        (parameters.trace_ids, "&".join(["traceID=1"] * 501), "traceID"),
        (parameters.dependencies_range, "endTs=now", "endTs"),
        (parameters.dependencies_range, "lookback=1d", "lookback"),
        (parameters.required_service, "service=", "service"), (parameters.required_service, "", "service"),
        (parameters.span_kind, "spanKind=boss", "spanKind"), (parameters.span_kind, "span_kind=boss", "span_kind"),
    ],
)  # fmt: skip
def test_bad_values_of_the_other_questions(read: Any, query: str, field: str) -> None:
    refused(lambda: read(QueryDict(query)), field)


def refused(read: Any, field: str | None) -> None:
    if field is None:
        read()
        return
    with pytest.raises(InvalidInput) as caught:
        read()
    assert caught.value.field == field
    assert field in caught.value.message


def test_trace_ids_may_lack_their_zeros() -> None:
    assert parameters.trace_ids(QueryDict("traceID=1F&traceID=" + "a" * 32)) == [f"{0x1F:032x}", "a" * 32]


def test_dependencies_are_asked_for_in_milliseconds() -> None:
    assert parameters.dependencies_range(QueryDict("endTs=1790000000000&lookback=3600000")) == (NOW - HOUR, NOW)
    assert parameters.dependencies_range(QueryDict("")) == (NOW - DAY, NOW)
