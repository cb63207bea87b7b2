"""Rules over findings against a real store: one alert for a problem, kept while it goes on, over when it is."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.clickhouse.alerting.rules import (
    SECOND,
    alert,
    finding,
    ns,
    passes,
    project,
    rule,
    start,
    store,
    told,
    withdraw,
)
from tests.clickhouse.spans import llm, span
from tests.clickhouse.test_writer import write
from tracestore.alerts import evaluation
from tracestore.alerts.models import Alert, AlertRule
from tracestore.clickhouse import client, settling
from tracestore.clickhouse.detecting import findings
from tracestore.errors import Unavailable

pytestmark = pytest.mark.django_db


def later(at: datetime, seconds: float) -> datetime:
    return at + timedelta(seconds=seconds)


def run(begun: datetime, trace: int = 1, *, over: bool = True, seconds: int = 5, **fields: Any) -> None:
    """A run of the agent planner; one that is not over has no root yet."""
    given = {"agent": "planner", "trace": trace, **fields}
    ends = ns(begun) + seconds * SECOND
    write(llm(2, parent=1, start=ns(begun) + SECOND, end_ns=ends, **given))
    if over:
        write(span(1, type="agent", name="plan a trip", start=ns(begun), end_ns=ends, **given))


@pytest.fixture
def settle(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(settling, "QUIET_MS", 10)

    def settled() -> None:
        deadline = time.monotonic() + 5
        while client.run("SELECT count() FROM open_traces").result_rows[0][0]:
            assert time.monotonic() < deadline, "a trace stays open"
            time.sleep(0.02)
            settling.settle()

    return settled


def test_a_finding_becomes_an_alert_that_says_what_is_wrong() -> None:
    now = start()
    rule("Loops", severity="critical", labels={"team": "shop", "agent": "no"}, runbook_url="https://r")
    run(later(now, -40), over=False)
    store(now, finding(now))
    assert evaluation.evaluate(later(now, 1)) == 1
    one = alert()
    assert (one.state, one.severity, one.version) == ("firing", "critical", 1)
    assert one.labels == {
        "rule": "Loops", "severity": "critical", "project": "default", "detector": "loop", "agent": "planner",
        "tool": "search", "cause": "model", "problem": finding(now).fingerprint, "team": "shop",
    }  # fmt: skip
    said = told(one)
    assert (said.title, said.wasted_usd, said.wasted_tokens) == ("search called 6 times", 0.5, 1_000)
    assert (said.run_count, said.going_on) == (1, True)
    assert [(r.trace_id, r.agent, r.cost_usd, r.running) for r in said.runs] == [(f"{1:032x}", "planner", 0.001, True)]
    (shown,) = said.evidence
    assert (shown.trace_id, shown.span_id, shown.finding_id) == (
        f"{1:032x}", f"{2:016x}", finding(now).identity("default"),
    )  # fmt: skip
    assert said.usd_per_hour == pytest.approx(30.0)  # half a dollar in a minute at least


def test_a_quiet_pass_asks_once_and_writes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    now = start()
    rule()
    store(now, finding(now, severity="info"))
    passes(now, 40)
    asked: list[str] = []
    run_statement = client.run
    monkeypatch.setattr(
        client, "run", lambda text, *more, **named: asked.append(text) or run_statement(text, *more, **named)
    )
    with CaptureQueriesContext(connection) as queries:
        assert evaluation.evaluate(later(now, 42)) == 0
    assert [q["sql"] for q in queries.captured_queries if not q["sql"].startswith("SELECT")] == []
    assert len(asked) == 1


def test_a_thousand_findings_of_one_problem_make_one_alert_and_few_writes() -> None:
    now = start()
    rule()
    for second in range(60):
        at = later(now, second)
        store(at, *(finding(at, trace=100 * second + n + 1, wasted_cost_usd=0.01) for n in range(17)))
        if second % 2:
            evaluation.evaluate(at)
    end = passes(later(now, 60), 12)
    one = alert()
    assert told(one).run_count == 60 * 17
    assert told(one).wasted_usd == pytest.approx(0.01 * 60 * 17)
    assert len(told(one).runs) == 20
    assert one.version <= 10
    assert end - one.last_seen_at >= timedelta(seconds=12)


def test_the_rule_of_the_highest_severity_speaks_alone() -> None:
    now = start()
    warns = rule("All", severity="warning")
    rule("Critical", severity="critical", condition={"min_severity": "critical"})
    store(now, finding(now))
    evaluation.evaluate(now)
    assert alert().rule.name == "Critical"
    store(later(now, 4), finding(later(now, 4), trace=2, key="fetch", severity="warning"))
    evaluation.evaluate(later(now, 5))
    assert alert(rule=warns).labels["tool"] == "fetch"


def test_a_problem_that_becomes_critical_moves_to_the_rule_of_critical_ones() -> None:
    now = start()
    warns, cries = rule("All"), rule("Critical", severity="critical", condition={"min_severity": "critical"})
    store(now, finding(now, severity="warning"))
    evaluation.evaluate(now)
    store(later(now, 10), finding(later(now, 10), severity="critical", first_seen_ns=ns(now) - 30 * SECOND))
    evaluation.evaluate(later(now, 10))
    assert (alert(rule=warns).state, alert(rule=cries).state) == ("resolved", "firing")
    # When it is over, the other rule does not begin to tell of it.
    passes(later(now, 12), 700, every=20)
    assert (alert(rule=warns).state, alert(rule=cries).state) == ("resolved", "resolved")
    assert alert(rule=warns).version == 2


def test_an_alert_is_as_severe_as_its_worst_finding_or_its_rule() -> None:
    now = start()
    rule("Low", severity="info", condition={"detectors": ["loop"], "min_severity": "info"})
    rule("High", severity="critical", condition={"detectors": ["retry_storm"]})
    store(now, finding(now), finding(now, 2, detector="retry_storm", severity="warning"))
    evaluation.evaluate(now)
    assert alert(rule__name="Low").severity == "critical"
    assert alert(rule__name="High").severity == "critical"


@pytest.mark.parametrize("taken_back", [True, False])
def test_what_is_taken_back_or_dismissed_is_over_at_once(taken_back: bool) -> None:
    now = start()
    rule()
    said = finding(now)
    store(now, said)
    evaluation.evaluate(now)
    assert alert().state == "firing"
    if taken_back:
        withdraw(later(now, 2), said)
        now = later(now, 4)
    else:
        findings.dismiss("default", said.fingerprint)
        now = later(now, 2)
    evaluation.evaluate(now)
    one = alert()
    assert (one.state, one.resolved_at, told(one).going_on) == ("resolved", now, False)


def test_it_ends_when_nothing_new_came_and_stays_ended() -> None:
    now = start()
    rule(keep_firing_s=60)
    run(later(now, -40))
    store(now, finding(now))
    passes(now, 58)
    assert alert().state == "firing"
    passes(later(now, 60), 40)
    one = alert()
    assert (one.state, one.resolved_at) == ("resolved", later(now, 60))
    assert told(one).going_on is False


def test_it_goes_on_while_a_run_of_it_does() -> None:
    now = start()
    rule(keep_firing_s=60)
    run(later(now, -40), over=False)
    store(now, finding(now))
    passes(now, 120, every=10)
    assert alert().state == "firing"
    evaluation.evaluate(later(now, 1_000))  # silent for more than a quarter of an hour
    assert alert().state == "resolved"


def test_a_later_run_without_the_problem_ends_it_sooner(settle: Any) -> None:
    now = start()
    rule(keep_firing_s=600)
    run(later(now, -40))
    store(now, finding(now))
    evaluation.evaluate(now)
    run(later(now, 5), trace=2)
    settle()
    passes(later(now, 6), 22)
    assert alert().state == "firing"  # the run ended at 10 s
    evaluation.evaluate(later(now, 30))
    one = alert()
    assert (one.state, one.resolved_at) == ("resolved", later(now, 30))
    # The same evidence does not make it fire again, new evidence does.
    passes(later(now, 32), 10)
    assert alert().state == "resolved"
    store(later(now, 50), finding(later(now, 50), trace=3))
    evaluation.evaluate(later(now, 50))
    one = alert()
    assert (one.state, one.since, one.resolved_at) == ("firing", later(now, 50), None)


def test_a_later_run_that_has_it_too_ends_nothing(settle: Any) -> None:
    now = start()
    rule(keep_firing_s=600)
    run(later(now, -40))
    store(now, finding(now))
    evaluation.evaluate(now)
    run(later(now, 5), trace=2)
    settle()
    store(later(now, 6), finding(later(now, 6), trace=2, first_seen_ns=ns(now) + 5 * SECOND))
    passes(later(now, 8), 60)
    assert alert().state == "firing"
    assert told(alert()).run_count == 2


def test_a_finding_about_a_window_stays_two_hours_at_least() -> None:
    now = start()
    rule(keep_firing_s=60)
    store(now, finding(now, detector="tool_error_rate", trace_id="", window=5, evidence={"tool": "search"}))
    evaluation.evaluate(now)
    evaluation.evaluate(later(now, 7_100))
    assert alert().state == "firing"
    evaluation.evaluate(later(now, 7_201))
    assert alert().state == "resolved"


def test_it_is_told_when_there_are_enough_of_them_and_they_cost_enough() -> None:
    now = start()
    rule(condition={"min_count": 3, "min_wasted_usd": 1.5, "window_s": 600})
    for number in range(2):
        store(later(now, number), finding(now, trace=number + 1))
    evaluation.evaluate(later(now, 2))
    assert not Alert.objects.exists()
    store(later(now, 3), finding(now, trace=3))
    evaluation.evaluate(later(now, 4))
    assert alert().state == "firing"


def test_findings_of_too_long_ago_do_not_count_together() -> None:
    now = start()
    rule(condition={"min_count": 2, "window_s": 60})
    store(later(now, -100), finding(later(now, -100)))
    store(now, finding(now, trace=2))
    evaluation.evaluate(now)
    assert not Alert.objects.exists()


def test_it_is_pending_until_it_held() -> None:
    now = start()
    rule(hold_s=30, keep_firing_s=600)
    store(now, finding(now))
    passes(now, 28)
    assert alert().state == "pending"
    evaluation.evaluate(later(now, 30))
    one = alert()
    assert (one.state, one.since, one.fired_at) == ("firing", now, later(now, 30))


def test_only_the_detectors_and_agents_of_a_rule_count() -> None:
    now = start()
    rule(condition={"detectors": ["retry_storm"], "agents": ["planner"]})
    store(now, finding(now), finding(now, detector="retry_storm", agent="cook"))
    evaluation.evaluate(now)
    assert not Alert.objects.exists()


def test_projects_are_judged_apart() -> None:
    now = start()
    rule()
    rule(slug="other", condition={"detectors": ["retry_storm"]})
    store(now, finding(now), slug="other")
    evaluation.evaluate(now)
    assert not Alert.objects.exists()
    store(now, finding(now, detector="retry_storm"), slug="other")
    evaluation.evaluate(later(now, 1))
    assert alert().project == project("other")


def test_a_rule_that_is_switched_off_or_deleted_ends_its_alerts() -> None:
    now = start()
    first, second = rule("One"), rule("Two", slug="other")
    store(now, finding(now))
    store(now, finding(now), slug="other")
    evaluation.evaluate(now)
    AlertRule.objects.filter(pk=first.pk).update(enabled=False)
    AlertRule.objects.filter(pk=second.pk).update(deleted_at=now)
    evaluation.evaluate(later(now, 2))
    assert {one.state for one in Alert.objects.all()} == {"resolved"}


def test_a_new_rule_tells_of_what_goes_on_and_not_of_history() -> None:
    now = start()
    store(later(now, -1_800), finding(later(now, -1_800)))
    store(later(now, -20), finding(later(now, -20), trace=2, key="fetch"))
    rule()
    evaluation.evaluate(now)
    assert alert().labels["tool"] == "fetch"


def test_what_came_while_the_worker_was_away_is_told() -> None:
    now = start()
    rule()
    store(later(now, -3_000), finding(later(now, -3_000), severity="info"))
    evaluation.evaluate(later(now, -2_990))
    store(later(now, -1_800), finding(later(now, -1_800)))
    evaluation.evaluate(now)
    assert Alert.objects.count() == 1


def test_an_import_of_the_past_is_no_alert() -> None:
    now = start()
    rule()
    store(now, finding(now - timedelta(days=10)))
    evaluation.evaluate(now)
    assert not Alert.objects.exists()


def test_while_the_store_is_away_alerts_keep_their_state(monkeypatch: pytest.MonkeyPatch) -> None:
    now = start()
    rule(keep_firing_s=0)
    store(now, finding(now))
    evaluation.evaluate(now)

    def away(*_: Any, **__: Any) -> Any:
        raise Unavailable("The store does not answer.")

    with monkeypatch.context() as gone:
        gone.setattr(client, "run", away)
        with pytest.raises(Unavailable):
            evaluation.evaluate(later(now, 900))
    assert (alert().state, alert().version) == ("firing", 1)
    store(later(now, 890), finding(later(now, 890), trace=2))
    evaluation.evaluate(later(now, 902))
    assert alert().last_seen_at == later(now, 890)


def test_a_pass_cut_off_before_the_watermark_is_done_again(monkeypatch: pytest.MonkeyPatch) -> None:
    from tracestore.alerts import alert_states

    now = start()
    rule()
    evaluation.evaluate(later(now, -10))
    store(now, finding(now))

    def dies(*_: Any) -> bool:
        raise KeyboardInterrupt

    with monkeypatch.context() as killed:
        killed.setattr(alert_states, "write", dies)
        with pytest.raises(KeyboardInterrupt):
            evaluation.evaluate(now)
    evaluation.evaluate(later(now, 2))
    assert alert().state == "firing"


def test_two_workers_make_one_alert(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second finds none, and at the moment of writing there is one."""
    from tracestore.alerts import evaluating_findings

    now = start()
    rule()
    store(now, finding(now))
    sentences = evaluating_findings.sentences

    def meanwhile(*given: Any) -> tuple[str, ...]:
        monkeypatch.setattr(evaluating_findings, "sentences", sentences)
        evaluation.evaluate(now)
        return sentences(*given)

    monkeypatch.setattr(evaluating_findings, "sentences", meanwhile)
    evaluation.evaluate(now)
    assert Alert.objects.count() == 1
    assert alert().version == 1


def test_what_changed_is_told() -> None:
    now = start()
    rule()
    run(later(now, -7_200), trace=7, agent_version="1", model="gpt-4o")
    run(later(now, -40), agent_version="2", model="gpt-4o-mini")
    store(now, finding(now))
    evaluation.evaluate(now)
    since = f"{later(now, -40):%Y-%m-%d %H:%M} UTC"
    assert told(alert()).changed == (
        f"planner runs version 2 since {since}, before 1.",
        f"planner runs with gpt-4o-mini since {since}, before gpt-4o.",
    )
