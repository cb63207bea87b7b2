"""Searches against the engine: what each finds, before and after settling."""

from __future__ import annotations

import pytest

from tests.clickhouse.spans import SECOND, llm, span
from tests.clickhouse.test_writer import write
from tracestore.clickhouse import client, settling
from tracestore.clickhouse.orders import ORDERS
from tracestore.clickhouse.reader import get_reader
from tracestore.clickhouse.rows import TraceFilter
from tracestore.search.parser import parse

MS = 10**6


def found(question: str) -> str:
    """The names of the traces, in the order of their names."""
    page = get_reader().list_traces("default", TraceFilter(search=parse(question)))
    return "".join(sorted(trace.name for trace in page.results))


def fill() -> None:
    write(
        span(1, trace=1, name="A", agent="planner", session_id="s 1", user_id="ann", type="agent"),
        llm(2, trace=1, parent=1, model="gpt-4o", cost_usd=0.75, input_tokens=9000, input="refund the Parcel 100%"),
        span(3, trace=1, parent=1, type="tool", tool_name="search_kb",
             attributes={"http.status_code": 500, "retry count": 3}),
        span(4, trace=1, parent=1, type="tool", tool_name="send_mail", status="error", error_type="Timeout"),
    )  # fmt: skip
    write(
        span(1, trace=2, name="B", agent="writer", status="error"),
        llm(2, trace=2, parent=1, agent="critic", cost_usd=None, output="nothing to refund"),
        span(3, trace=2, parent=1, type="tool", tool_name="send_mail"),
        span(4, trace=2, parent=1, type="tool", tool_name="search_kb"),
        llm(5, trace=2, parent=1, model="o3"),
        span(6, trace=2, parent=1, type="tool", tool_name="fetch_page", attributes={"http.status_code": 200}),
    )
    write(span(1, trace=3, name="C", attributes={"a.b": "x*y"}))
    client.run(
        "INSERT INTO stored_findings (project, id, detector, severity, trace_id, version, first_seen) VALUES"
        f" ('default', '1', 'loop', 'warning', '{1:032x}', 1, now64()),"
        f" ('default', '2', 'loop', 'critical', '{1:032x}', 1, now64()),"
        f" ('default', '3', 'retry_storm', 'info', '{2:032x}', 1, now64()),"
        f" ('other', '4', 'loop', 'info', '{3:032x}', 1, now64())"
    )


@pytest.fixture(params=["open", "settled"])
def filled(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    fill()
    if request.param == "settled":
        monkeypatch.setattr(settling, "QUIET_MS", 0)
        assert settling.settle().traces == 3


QUESTIONS = {
    "": "ABC",
    "agent:planner": "A",
    "agent:critic": "B",
    "agent:*r": "AB",
    "-agent:planner": "BC",
    'agent:""': "C",
    "has:agent": "AB",
    "tool:search_kb tool:fetch_page": "B",
    "tool:search_kb OR name:C": "ABC",
    "tool:search_*": "AB",
    "tool:search\\*": "",
    "status:error": "B",
    'session:"s 1" user:ann': "A",
    "service:shop": "ABC",
    "cost>0.5": "A",
    "cost<=0.001": "B",
    "-has:cost": "C",
    "has:cost": "AB",
    "cost<1 OR -cost<1": "ABC",
    "tokens>9k": "A",
    "input_tokens>=9000": "A",
    "errors:0": "C",
    "errors>0": "AB",
    "steps:2": "B",
    "tool_calls<1": "C",
    "span_count:4": "A",
    "duration>1s": "AB",
    "finding:loop": "A",
    "-finding:loop": "BC",
    "finding:*r*": "B",
    "severity:critical": "A",
    "findings:0": "C",
    "findings>1": "A",
    "findings<2": "BC",
    "has:findings": "AB",
    "refund": "AB",
    '"refund the parcel"': "A",
    "REFUND -parcel": "B",
    "parcel OR nothing": "AB",
    '"100%"': "A",
    "type:llm": "AB",
    "error:Timeout": "A",
    "attr.http.status_code:500": "A",
    "attr.http.status_code>=200": "AB",
    "attr.http.status_code<500": "B",
    'attr."retry count">2': "A",
    "attr.a.b:x\\*y": "C",
    "attr.a.b:x*": "C",
    "has:attr.http.status_code": "AB",
    "-has:attr.http.status_code": "C",
    "resource.service.name:shop": "ABC",
    "span(type:tool status:error)": "A",
    "span(tool:search_kb status:error)": "",
    "span(type:llm refund)": "AB",
    "span(tool:search_kb attr.http.status_code:500)": "A",
    "span(type:tool -tool:send_mail -tool:search_kb)": "B",
    "tool:search_kb -> tool:send_mail": "A",
    "tool:send_mail -> tool:search_kb": "B",
    "tool:send_mail -> tool:fetch_page": "",
    "tool:send_mail ~> tool:fetch_page": "B",
    "tool:send_mail -> tool:search_kb -> tool:fetch_page": "B",
    "tool:search_kb -> model:o3 ~> tool:fetch_page": "B",
    "span(type:llm model:gpt-*) ~> span(status:error)": "A",
    "tool:fetch_page ~> tool:search_kb": "",
    "-tool:send_mail ~> tool:search_kb": "AC",
    f"{2:032x}": "B",
    f"{6:016x}": "B",
    f"trace:{1:032x}": "A",
    f"span:{6:016x}": "B",
}


def test_every_question_finds_what_it_means(filled: None) -> None:
    assert {question: found(question) for question in QUESTIONS} == QUESTIONS


def test_a_span_that_changed_is_found_as_it_is_now() -> None:
    write(span(1, trace=1, name="A", agent="before"))
    write(span(1, trace=1, name="A", agent="after"))
    assert (found("span(agent:before)"), found("span(agent:after)")) == ("", "A")


@pytest.mark.parametrize("order", ["time", "duration", "cost", "tokens", "errors"])
@pytest.mark.parametrize("way", ["", "-up"])
@pytest.mark.parametrize("settle", [True, False])
def test_pages_in_every_order_show_each_trace_once(
    order: str, way: str, settle: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(1, 12):
        cost = None if number % 5 == 0 else (number % 3) / 7
        end = 2 * 10**18 + number % 3
        write(llm(number, trace=number, name=f"{number}", cost_usd=cost, input_tokens=number % 4, end_ns=end))
    if settle:
        monkeypatch.setattr(settling, "QUIET_MS", 0)
        settling.settle()
        write(span(90, trace=4, parent=4))  # one of them is open again
    chosen = ORDERS[order + way]
    seen, cursor = [], None
    for _ in range(20):
        page = get_reader().list_traces("default", TraceFilter(), limit=3, cursor=cursor, order=chosen)
        seen += page.results
        cursor = page.next
        if cursor is None:
            break
    assert len(seen) == len({trace.trace_id for trace in seen}) == 11
    places = [chosen.place(trace) for trace in seen]
    assert places == sorted(places, reverse=not way)


def test_a_summary_that_changed_stands_where_it_belongs_now() -> None:
    columns = "project, trace_id, name, start_time, duration_ns, status, version, deleted"
    rows = [
        ("a", 9, "ok", 1),
        ("a", 1, "error", 2),
        ("b", 5, "ok", 1),
        ("c", 3, "ok", 1),
        ("d", 2, "ok", 1),
        ("e", 7, "ok", 1),
    ]
    for name, duration, status, version in rows:
        at = f"toDateTime64({1_790_000_000 + ord(name)}, 9, 'UTC')"
        client.run(
            f"INSERT INTO stored_traces ({columns}) VALUES"
            f" ('default', '{name * 32}', '{name}', {at}, {duration * SECOND}, '{status}', {version}, 0)"
        )
    client.run(
        f"INSERT INTO stored_traces ({columns}) VALUES ('default', '{'e' * 32}', 'e',"
        f" toDateTime64({1_790_000_000 + ord('e')}, 9, 'UTC'), 1, 'ok', 2, 1)"
    )

    def pages(order: str, question: str = "") -> str:
        seen, cursor = "", None
        for _ in range(9):
            wanted = TraceFilter(search=parse(question))
            page = get_reader().list_traces("default", wanted, limit=1, cursor=cursor, order=ORDERS[order])
            seen += "".join(trace.name for trace in page.results)
            if (cursor := page.next) is None:
                return seen
        raise AssertionError(seen)

    assert pages("time") == "dcba"
    assert pages("duration") == "bcda"
    assert pages("duration-up") == "adcb"
    assert pages("time", "status:ok") == "dcb"
    assert pages("duration", "status:error") == "a"


def test_volume_counts_every_matching_trace_once(filled: None) -> None:
    volume = get_reader().volume("default", TraceFilter())
    assert (sum(volume.traces), sum(volume.errors)) == (3, 1)
    assert len(volume.traces) <= 60
    assert sum(get_reader().volume("default", TraceFilter(search=parse("tool:search_kb"))).traces) == 2
    assert sum(get_reader().volume("other", TraceFilter()).traces) == 0


def test_facets_count_traces(filled: None) -> None:
    facets = get_reader().facets("default", TraceFilter())
    assert facets["agent"] == [("critic", 1), ("planner", 1), ("writer", 1)]
    assert facets["tool"] == [("search_kb", 2), ("send_mail", 2), ("fetch_page", 1)]
    assert facets["status"] == [("ok", 2), ("error", 1)]
    assert facets["finding"] == [("loop", 1), ("retry_storm", 1)]
    assert facets["user"] == [("ann", 1)]
    only = get_reader().facets("default", TraceFilter(search=parse("agent:planner")), limit=1)
    assert (only["tool"], only["finding"]) == ([("search_kb", 1)], [("loop", 1)])


def test_names_of_attributes_are_known() -> None:
    write(span(1, attributes={"a": 1, "b": 2}), span(2, parent=1, attributes={"b": 3}))
    assert get_reader().attribute_names("default", TraceFilter(), "attr") == ["b", "a"]
    assert get_reader().attribute_names("default", TraceFilter(), "resource") == ["service.name"]
