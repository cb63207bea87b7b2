"""Figures over many traces: exact whatever was sent twice, of one project, of one time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.clickhouse.spans import SECOND, START, llm, span
from tests.clickhouse.test_settling import settle
from tests.clickhouse.test_writer import write
from tracestore.clickhouse import client
from tracestore.clickhouse.aggregates import agents, judged, period, sessions, spend, tools, totals, worst_runs
from tracestore.clickhouse.aggregates.period import MOST_PLACES, Period
from tracestore.clickhouse.detecting import findings
from tracestore.errors import InvalidInput, NotFound
from tracestore.spans.model import Span

AT = datetime.fromtimestamp(START / 1e9, UTC)
HOUR = Period("default", AT - timedelta(minutes=1), AT + timedelta(hours=1))


def run(
    trace: int, *, tools_called: tuple[str, ...] = (), cost: float = 0.5, later_s: int = 0, **fields: Any
) -> list[Span]:
    """A root, one model call and some tools, all of one agent."""
    agent = {"agent": "planner", "agent_version": "1", "session_id": "s-1", "user_id": "u-1", **fields}
    begun = START + later_s * SECOND
    made = [span(1, trace=trace, type="agent", start=begun, end_ns=begun + 4 * SECOND, name="plan", **agent)]
    made.append(llm(2, trace=trace, parent=1, start=begun + 1, cost_usd=cost, **agent))
    for k, name in enumerate(tools_called):
        made.append(span(10 + k, trace=trace, parent=1, type="tool", tool_name=name, start=begun + 2 + k, **agent))
    return made


def failing(trace: int, message: str, **fields: Any) -> Span:
    given = {"type": "tool", "tool_name": "search", "agent": "planner", **fields}
    return span(30, trace=trace, parent=1, status="error", status_message=message, start=START + 9, **given)


@given(st.integers(0, 4_000_000_000), st.integers(1, 400_000_000))
def test_a_grid_covers_its_period_with_few_places(since: int, length: int) -> None:
    asked = Period("p", datetime.fromtimestamp(since, UTC), datetime.fromtimestamp(since + length, UTC))
    grid = period.grid(asked)
    assert grid.starts()[0] <= asked.since < grid.ends()[0]
    assert grid.starts()[-1] < asked.until <= grid.ends()[-1]
    assert 1 <= grid.places <= MOST_PLACES


def test_totals_count_once_what_was_sent_twice_open_or_settled() -> None:
    sent = [*run(1, tools_called=("search",)), *run(2, cost=1.5, later_s=60), failing(1, "boom")]
    write(*sent)
    write(*sent)
    write(*run(3), project="other")
    for _ in range(2):
        found = totals.totals(HOUR)
        assert (found.traces, found.failed, found.errors, found.llm_calls, found.tool_calls) == (2, 0, 1, 2, 2)
        assert (found.tokens, found.cost_usd, found.steps) == (220, 2.0, 1.0)
        places = totals.over_time(HOUR, period.grid(HOUR))
        assert sum(place.traces for place in places) == 2
        assert sum(place.cost_usd or 0 for place in places) == 2.0
        settle()
    assert totals.totals(HOUR, agent="nobody") == totals.Totals(steps=None)
    assert totals.totals(HOUR.before()).traces == 0
    assert period.begun("default") == datetime.fromtimestamp(START // SECOND, UTC)
    assert period.begun("empty") is None


def test_a_series_has_each_trace_where_it_began() -> None:
    write(*run(1), *run(2, later_s=600), *run(3, later_s=601))
    grid = period.grid(HOUR)
    counts = [place.traces for place in totals.over_time(HOUR, grid)]
    by_start = dict(zip(grid.starts(), counts, strict=True))
    assert sum(counts) == 3
    late = AT + timedelta(seconds=600)
    assert sum(n for start, n in by_start.items() if start <= late < start + timedelta(seconds=grid.step_s)) == 2


def test_agents_have_what_is_theirs_and_sums_over_them_count_nothing_twice() -> None:
    write(
        *run(1, tools_called=("search", "search", "book")),
        llm(5, trace=1, parent=1, agent="helper", cost_usd=0.25, start=START + 5),
        *run(2, cost=1.0, agent_version="2", later_s=30),
        failing(2, "boom"),
        llm(6, trace=4, cost_usd=9.0),
    )
    planner, helper = agents.agents(HOUR)
    assert (planner.agent, planner.traces, planner.llm_calls, planner.tool_calls, planner.errors) == (
        "planner", 2, 2, 4, 1,
    )  # fmt: skip
    assert (planner.cost_usd, planner.models, planner.tools) == (1.5, ["gpt-4o-mini"], ["book", "search"])
    assert planner.versions == ["1", "2"]
    assert planner.p50_ns == pytest.approx(4 * SECOND, rel=0.01)
    assert (helper.traces, helper.cost_usd, helper.p95_ns) == (1, 0.25, 0)
    assert agents.agent(HOUR, "helper") == helper
    # The failed call names no version, so it is of none.
    versions = {one.version: one for one in agents.versions(HOUR, "planner")}
    assert {name: one.errors for name, one in versions.items()} == {"1": 0, "2": 0, "": 1}
    assert sum(one.cost_usd or 0 for one in versions.values()) == 1.5
    places = agents.versions_over_time(HOUR, "planner", period.grid(HOUR))
    assert sum(place.cost_usd or 0 for place in places) == 1.5


def test_an_agent_that_rested_is_known_and_an_unknown_one_is_not() -> None:
    write(*run(1))
    assert agents.agent(HOUR.before(), "planner").traces == 0
    with pytest.raises(NotFound):
        agents.agent(HOUR, "nobody")
    with pytest.raises(NotFound):
        agents.agent(Period("other"), "planner")


def test_the_usual_way_counts_repeats_once_and_keeps_the_order() -> None:
    write(
        *run(1, tools_called=("search", "search", "book")),
        *run(2, tools_called=("search", "book")),
        *run(3, tools_called=("book", "search")),
        *run(4),
    )
    paths = agents.paths(HOUR, "planner")
    assert [(path.tools, path.traces) for path in paths] == [
        (["search", "book"], 2), ([], 1), (["book", "search"], 1),
    ]  # fmt: skip
    assert [path.share for path in paths] == [0.5, 0.25, 0.25]
    assert paths[1].trace_id == f"{4:032x}"


def test_spreads_hold_every_trace() -> None:
    write(*run(1, cost=0.001), *run(2, cost=1.0), llm(7, trace=2, agent="planner", cost_usd=None, input_tokens=9_900))
    found = agents.spread(HOUR, "planner")
    assert found["steps"] == [(1, 1), (2, 1)]
    # 110 tokens are 10^(8/4) and above; 10,120 are 10^(16/4) and above.
    assert found["tokens"] == [(8, 1), (16, 1)]
    assert found["cost"] == [(12, 1), (24, 1)]


def test_tools_their_callers_and_what_they_answer() -> None:
    write(
        *run(1, tools_called=("search", "search", "book")),
        failing(1, "timeout after 30 s for 'alpha' at 0x7fe1b58067d0"),
        failing(2, 'timeout after 5.5 s for "beta" at 0x7fe1b580aaaa', agent="helper"),
        failing(3, "job 8c7e1f0a-4b1d-4c5e-9a44-0242ac120002 can't be found, it's gone", error_type="NotFound"),
        span(40, trace=3, type="agent", status="error", status_message="timeout after 1 s", start=START + 1),
    )
    search, book = tools.tools(HOUR)
    assert (search.tool, search.calls, search.errors, search.traces) == ("search", 5, 3, 3)
    assert search.agents == ["helper", "planner"]
    assert tools.tool(HOUR, "book") == book
    assert [(c.agent, c.calls, c.errors) for c in tools.callers(HOUR, "search")] == [
        ("planner", 4, 2),
        ("helper", 1, 1),
    ]
    places = tools.over_time(HOUR, "search", period.grid(HOUR))
    assert (sum(p.calls for p in places), sum(p.errors for p in places)) == (5, 3)
    first, second = tools.errors(HOUR, tool="search")
    assert first.template == 'timeout after <n> s for "…" at <id>'
    assert (first.occurrences, first.traces, first.where, first.search) == (2, 2, ["search"], '"timeout after"')
    # An apostrophe inside a word is no quotation mark.
    assert second.template == "job <id> can't be found, it's gone"
    assert (second.error_type, second.example[:9], second.trace_id) == ("NotFound", "job 8c7e1", f"{3:032x}")
    assert [kind.occurrences for kind in tools.errors(HOUR, agent="helper")] == [1]
    assert tools.tool(HOUR.before(), "search").calls == 0
    with pytest.raises(NotFound):
        tools.tool(HOUR, "none")


def test_spend_by_anything_adds_up_to_the_same() -> None:
    write(
        *run(1, cost=1.0), *run(2, cost=2.0, user_id="u-2", session_id="s-2", agent="writer"),
        llm(9, trace=3, cost_usd=None), llm(8, trace=3, cost_usd=0.5, model="", request_model="asked"),
    )  # fmt: skip
    for by in spend.BY:
        rows = spend.spend(HOUR, by)
        assert sum(row.cost_usd or 0 for row in rows) == 3.5
        assert sum(row.unpriced_calls for row in rows) == 1
        grid = period.grid(HOUR)
        series = spend.over_time(HOUR, by, grid, [rows[0].name])
        assert sum(sum(values) for values in series.values()) == 3.5
        assert sum(series[rows[0].name]) == rows[0].cost_usd
    assert [(row.name, row.cost_usd) for row in spend.spend(HOUR, "model")] == [("gpt-4o-mini", 3.0), ("asked", 0.5)]
    assert [row.name for row in spend.spend(HOUR, "user", agent="writer")] == ["u-2"]
    in_ways = spend.spend_in_ways(HOUR, tuple(spend.BY), limit=1)
    assert in_ways == {by: spend.spend(HOUR, by)[:1] for by in spend.BY}
    assert spend.spend_in_ways(HOUR.before(), ("user", "agent")) == {"user": [], "agent": []}
    with pytest.raises(InvalidInput):
        spend.spend(HOUR, "1; DROP TABLE x")


def test_sessions_last_active_first_page_by_page() -> None:
    for number in range(5):
        write(*run(number + 1, session_id=f"s {number}|ü", later_s=60 * number, user_id=f"u-{number % 2}"))
    write(*run(9, session_id="s 1|ü", cost=0.25, later_s=600), *run(10, session_id=""))
    found, cursor = [], ""
    for _ in range(3):
        page = sessions.sessions(HOUR, limit=2, cursor=cursor)
        found += page.results
        cursor = page.next or ""
    assert [row.session_id for row in found] == ["s 1|ü", "s 4|ü", "s 3|ü", "s 2|ü", "s 0|ü"]
    assert cursor == ""
    assert (found[0].traces, found[0].cost_usd, found[0].agents, found[0].failed) == (2, 0.75, ["planner"], 0)
    assert [row.session_id for row in sessions.sessions(HOUR, user="u-1").results] == ["s 1|ü", "s 3|ü"]
    assert sessions.sessions(HOUR, agent="nobody").results == []
    assert sessions.session("default", "s 1|ü").traces == 2
    for project, name in (("default", "none"), ("default", ""), ("other", "s 1|ü")):
        with pytest.raises(NotFound):
            sessions.session(project, name)


@pytest.mark.parametrize("cursor", ["x", "c3g", "czEyMw", "bTE", "czAuYQ"])
def test_a_cursor_that_is_none_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidInput):
        sessions.sessions(HOUR, cursor=cursor)


def test_the_worst_runs_say_what_made_them_so() -> None:
    for trace in range(1, 7):
        write(*run(trace, cost=0.1))
    big = [
        llm(
            50 + k, trace=7, parent=1, agent="planner", start=START + 20 + k, input_tokens=1000 * (k + 1),
            cost_usd=0.1 * (k + 1),
        )
        for k in range(3)
    ]  # fmt: skip
    write(*run(7, cost=0.1, tools_called=("search",) * 4), *big)
    dearest, *others = worst_runs.worst_runs(HOUR, "cost")
    assert (dearest.trace_id, len(others)) == (f"{7:032x}", 6)
    assert dearest.cost_usd == pytest.approx(0.7)
    assert dearest.times_cost == pytest.approx(7.0)
    why = dearest.why
    assert (why.dearest_model, why.dearest_model_calls, why.dearest_span) == ("gpt-4o-mini", 4, f"{52:016x}")
    assert (why.first_context, why.largest_context) == (100, 3000)
    assert (why.repeated_tool, why.repeats, why.distinct) == ("search", 4, 1)
    assert worst_runs.worst_runs(HOUR, "errors") == []
    assert len(worst_runs.worst_runs(HOUR, "duration", agent="planner", limit=3)) == 3
    with pytest.raises(InvalidInput):
        worst_runs.worst_runs(HOUR, "mood")


def finding(
    identity: str, detector: str, severity: str, at: datetime, agent: str = "planner", wasted: float = 0.5,
    trace: str = "aa", key: str = "",
) -> None:  # fmt: skip
    client.run(
        "INSERT INTO stored_findings (project, id, detector, severity, title, agent, trace_id, span_ids, first_seen,"
        " last_seen, wasted_cost_usd, version, key) VALUES"
        " ('default', {id:String}, {detector:String}, {severity:String},"
        " 'it loops', {agent:String}, {trace:String}, ['bb'], {at:DateTime64(3)}, {at:DateTime64(3)}, {wasted:Float64},"
        " 1, {key:String})",
        {
            "id": identity,
            "detector": detector,
            "severity": severity,
            "agent": agent,
            "at": at,
            "wasted": wasted,
            "trace": trace,
            "key": key,
        },
    )


def test_findings_by_detector_and_of_an_agent() -> None:
    finding("1", "loop", "critical", AT)
    finding("1", "loop", "critical", AT)
    finding("2", "loop", "warning", AT, "writer")
    finding("3", "cost_anomaly", "warning", AT - timedelta(days=1))
    [loop] = judged.by_detector(HOUR)
    assert (loop.detector, loop.findings, loop.critical, loop.warnings, loop.wasted_cost_usd) == ("loop", 2, 1, 1, 1.0)
    [only] = judged.findings(HOUR, agent="writer")
    assert (only.id, only.title, only.span_ids) == ("2", "it loops", ["bb"])


def test_the_same_dollars_by_agent_model_and_user_count_once() -> None:
    for number, (key, wasted) in enumerate((("agent:a", 3.0), ("model:m", 4.0), ("user:u", 2.0), ("user:v", 1.5)), 1):
        finding(f"{number}", "cost_anomaly", "warning", AT, "", wasted, trace="", key=key)
    [dear] = judged.by_detector(HOUR)
    assert (dear.findings, dear.warnings, dear.wasted_cost_usd) == (4, 4, 4.0)
    told = findings.counts("default", AT - timedelta(hours=1))["cost_anomaly"]
    assert (told["findings"], told["warning"], told["wasted_cost_usd"]) == (4, 4, 4.0)


def test_health_now_and_its_changes() -> None:
    client.command("TRUNCATE TABLE stored_agent_health")
    for minute, state in enumerate(("healthy", "healthy", "critical", "critical", "degraded")):
        client.run(
            "INSERT INTO stored_agent_health (project, agent, at, state, reasons, version)"
            " VALUES ('default', 'planner', {at:DateTime64(3)}, {state:String}, [{state:String}], 1)",
            {"at": AT + timedelta(minutes=minute), "state": state},
        )
    assert {name: one.state for name, one in judged.latest_health("default").items()} == {"planner": "degraded"}
    changes = judged.health_over_time(HOUR, "planner")
    assert [one.state for one in changes] == ["degraded", "critical", "healthy"]
    assert changes[-1].at_ns == int(AT.timestamp() * 1000) * 10**6
    assert judged.latest_health("other") == {}


def test_retrievals_by_what_they_brought() -> None:
    def fetched(number: int, **told: float) -> Span:
        attributes = {f"tracestore.retrieval.{name}": value for name, value in told.items()}
        return span(number, trace=1, type="retrieval", name="docs", agent="planner", attributes=attributes)

    write(
        fetched(1, hits=3, best_score=0.9, worst_score=0.3), fetched(2, hits=1, best_score=0.5, worst_score=0.5),
        fetched(3, hits=0), fetched(4),
    )  # fmt: skip
    [docs] = judged.retrieval(HOUR, "planner")
    assert (docs.retriever, docs.retrievals, docs.empty) == ("docs", 3, 1)
    assert docs.documents == pytest.approx(4 / 3)
    assert (docs.best_score, docs.worst_score) == pytest.approx((0.7, 0.4))
