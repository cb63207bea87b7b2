"""Rules over metrics and searches against a real store."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, get_args

import pytest

from tests.clickhouse.alerting.rules import SECOND, alert, finding, ns, project, rule, start, store, told
from tests.clickhouse.spans import llm, span
from tests.clickhouse.test_writer import write
from tracestore.alerts import evaluation
from tracestore.alerts.conditions.condition import Metric
from tracestore.alerts.models import Alert, AlertRule
from tracestore.clickhouse import client
from tracestore.errors import Unavailable
from tracestore.models import SavedView

pytestmark = pytest.mark.django_db


def later(at: datetime, seconds: float) -> datetime:
    return at + timedelta(seconds=seconds)


def run(trace: int, begun: datetime, *, agent: str = "planner", slug: str = "default", **fields: Any) -> None:
    """A run of ten seconds with one model call (110 tokens, 0.001 USD) and one call of `search` of two seconds."""
    failed = fields.pop("status", "ok")
    tool_failed = fields.pop("tool_status", "ok")
    model = fields.pop("model", "gpt-4o-mini")
    given = {"agent": agent, "trace": trace, **fields}
    at = ns(begun)
    write(
        span(1, type="agent", start=at, end_ns=at + 10 * SECOND, status=failed, **given),
        llm(2, parent=1, start=at + SECOND, end_ns=at + 4 * SECOND, model=model, status=failed, **given),
        span(3, parent=1, type="tool", tool_name="search", start=at + 4 * SECOND, end_ns=at + 6 * SECOND,
             status=tool_failed, **given),
        project=slug,
    )  # fmt: skip


def metric(name: str, threshold: float, **fields: Any) -> dict[str, Any]:
    return {"metric": name, "threshold": threshold, "window_s": 600, **fields}


#: What two runs of which one failed, and one of whose tool calls failed, come to.
EXPECTED: dict[Metric, float] = {
    "error_rate": 0.5, "runs": 2, "cost_usd": 0.002, "cost_per_run": 0.001, "tokens": 220, "tokens_per_run": 110,
    "steps_per_run": 1, "latency_p50": 10, "latency_p95": 10, "latency_p99": 10, "tool_calls": 2,
    "tool_error_rate": 0.5, "tool_latency_p95": 2, "llm_calls": 2, "llm_error_rate": 0.5, "llm_latency_p95": 3,
}  # fmt: skip


@pytest.mark.parametrize("name", get_args(Metric))
def test_every_metric_is_read_and_told_with_an_example(name: Metric) -> None:
    now = start()
    run(1, later(now, -100))
    run(2, later(now, -90), status="error", tool_status="error")
    run(3, later(now, -700))  # before the window
    rule(kind="metric", condition=metric(name, EXPECTED[name] * 0.9, by=["agent"]))
    evaluation.evaluate(now)
    one = alert()
    assert (one.value, one.labels["agent"]) == (pytest.approx(EXPECTED[name]), "planner")
    said = told(one)
    assert said.threshold == pytest.approx(EXPECTED[name] * 0.9)
    assert said.evidence[0].trace_id in (f"{1:032x}", f"{2:032x}")
    if name.endswith("error_rate"):
        assert [r.trace_id for r in said.runs] == [f"{2:032x}"]
    raised = metric(name, EXPECTED[name] * 1.1, by=["agent"])
    AlertRule.objects.update(condition=raised, changed_at=later(now, 1), keep_firing_s=0)
    evaluation.evaluate(later(now, 20))
    assert alert().state == "resolved"


@pytest.mark.parametrize(
    ("name", "by", "expected"),
    [
        ("runs", [], [{}]),
        ("runs", ["agent"], [{"agent": "cook"}, {"agent": "planner"}]),
        ("runs", ["tool"], [{"tool": "search"}]),
        ("runs", ["model", "user"], [{"model": "gpt-4o", "user": "bob"}, {"model": "gpt-4o-mini", "user": "ada"}]),
        ("runs", ["version"], [{"version": "1"}, {"version": "2"}]),
        ("runs", ["agent", "version"], [{"agent": "cook", "version": "2"}, {"agent": "planner", "version": "1"}]),
        ("cost_usd", ["model"], [{"model": "gpt-4o"}, {"model": "gpt-4o-mini"}]),
        ("tokens", ["version"], [{"version": "1"}, {"version": "2"}]),
        ("tool_calls", ["tool", "agent"], [{"agent": name, "tool": "search"} for name in ("cook", "planner")]),
        ("tool_calls", ["user", "version"], [{"user": "ada", "version": "1"}, {"user": "bob", "version": "2"}]),
        (
            "llm_calls", ["model", "version"],
            [{"model": "gpt-4o", "version": "2"}, {"model": "gpt-4o-mini", "version": "1"}],
        ),
        ("llm_calls", ["user", "agent"], [{"agent": "cook", "user": "bob"}, {"agent": "planner", "user": "ada"}]),
    ],
)  # fmt: skip
def test_every_dimension_makes_its_groups(name: str, by: list[str], expected: list[dict[str, str]]) -> None:
    now = start()
    run(1, later(now, -100), agent_version="1", user_id="ada")
    run(2, later(now, -90), agent="cook", agent_version="2", user_id="bob", model="gpt-4o")
    rule(kind="metric", condition=metric(name, 0.0001, by=by))
    evaluation.evaluate(now)
    own = ("agent", "tool", "model", "user", "version")
    found = [{key: one.labels[key] for key in own if key in one.labels} for one in Alert.objects.all()]
    assert sorted(found, key=str) == sorted(expected, key=str)


def test_only_one_value_of_a_dimension_is_looked_at() -> None:
    now = start()
    run(1, later(now, -100))
    run(2, later(now, -90), agent="cook")
    rule(kind="metric", condition=metric("runs", 0.5, only={"agent": "cook"}))
    evaluation.evaluate(now)
    assert alert().labels["agent"] == "cook"


def test_projects_that_ask_the_same_are_read_at_once_and_judged_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    now = start()
    for trace in range(1, 4):
        run(trace, later(now, -100))
    run(9, later(now, -100), slug="other")
    for slug in ("default", "other"):
        rule(f"Runs of {slug}", kind="metric", slug=slug, condition=metric("runs", 2))
        rule(f"Errors of {slug}", kind="metric", slug=slug, condition=metric("error_rate", 0.5))
    asked: list[str] = []
    run_statement = client.run
    monkeypatch.setattr(client, "run", lambda text, *a, **n: asked.append(text) or run_statement(text, *a, **n))
    evaluation.evaluate(now)
    assert len(asked) == 1
    assert alert().rule.name == "Runs of default"


def test_between_threshold_and_clear_it_stays_as_it_is() -> None:
    now = start()
    rule(kind="metric", condition=metric("runs", 2, clear=1, window_s=60), keep_firing_s=0)
    for trace in range(1, 4):
        run(trace, later(now, -55 + trace * 10))
    evaluation.evaluate(now)
    assert alert().state == "firing"
    evaluation.evaluate(later(now, 20))  # two are left
    assert alert().state == "firing"
    evaluation.evaluate(later(now, 30))
    assert alert().state == "resolved"


def test_too_few_runs_say_nothing() -> None:
    now = start()
    rule(kind="metric", condition=metric("error_rate", 0.1, min_volume=3))
    run(1, later(now, -100), status="error")
    run(2, later(now, -100), status="error")
    evaluation.evaluate(now)
    assert not Alert.objects.exists()
    run(3, later(now, 5), status="error")
    evaluation.evaluate(later(now, 70))
    assert alert().value == 1.0


def test_a_change_is_told_as_a_share_of_before() -> None:
    now = start()
    rule(kind="metric", condition=metric("cost_usd", 0.9, compare="change_above"))
    run(1, later(now, -700))
    run(2, later(now, -100))
    run(3, later(now, -90))
    evaluation.evaluate(now)
    assert alert().value == pytest.approx(1.0)


def test_absence_is_told_once_and_over_when_something_comes() -> None:
    now = start()
    rule(kind="metric", condition=metric("runs", 0, compare="absent", by=["agent"], window_s=60), keep_firing_s=0)
    run(1, later(now, -20))
    evaluation.evaluate(now)
    assert not Alert.objects.exists()
    evaluation.evaluate(later(now, 60))
    assert alert().state == "firing"
    evaluation.evaluate(later(now, 600))  # nothing in both windows
    assert alert().state == "firing"
    run(2, later(now, 610))
    evaluation.evaluate(later(now, 620))
    assert alert().state == "resolved"


def test_a_budget_of_errors_that_burns_fast_is_told() -> None:
    now = start()
    condition = metric("error_rate", 0.01, compare="burn_rate", window_s=3_600)
    rule(kind="metric", condition=condition, keep_firing_s=0)
    for trace in range(1, 9):
        run(trace, later(now, -1_000 + trace), status="error" if trace < 3 else "ok")
    evaluation.evaluate(now)  # a quarter failed in the hour, but nothing lately
    assert not Alert.objects.exists()
    run(20, later(now, -20), status="error")
    evaluation.evaluate(later(now, 100))
    one = alert()
    assert one.value == pytest.approx(3 / 9)
    assert told(one).threshold == pytest.approx(0.144)
    evaluation.evaluate(later(now, 400))  # the short window is calm
    assert alert().state == "resolved"


def test_it_is_looked_at_when_it_is_due() -> None:
    now = start()
    one = rule(kind="metric", condition=metric("runs", 100, window_s=600))
    for seconds in range(0, 60, 2):
        evaluation.evaluate(later(now, seconds))
    one.refresh_from_db()
    assert one.evaluated_at == later(now, 40)  # each 40 s


def test_a_rule_that_fails_says_so_and_costs_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    now = start()
    view = SavedView.objects.create(project=project(), name="Slow", shared=True, query="duration:>5s")
    follows = rule("Follows", kind="search", condition={"view": view.pk, "threshold": 0}, keep_firing_s=0)
    rule("Broken", kind="metric", condition={"metric": "nonsense"})
    rule("Fine", kind="metric", condition=metric("runs", 0.5))
    run(1, later(now, -100))
    evaluation.evaluate(now)
    assert {one.rule.name for one in Alert.objects.all()} == {"Follows", "Fine"}
    SavedView.objects.update(deleted_at=now)
    evaluation.evaluate(later(now, 1_000))
    follows.refresh_from_db()
    assert "deleted" in follows.failure
    assert follows.evaluated_at == later(now, 1_000)
    assert (alert(rule=follows).state, alert(rule=follows).version) == ("firing", 1)
    assert "metric" in AlertRule.objects.get(name="Broken").failure
    SavedView.objects.update(deleted_at=None)
    evaluation.evaluate(later(now, 2_000))
    follows.refresh_from_db()
    assert (follows.failure, alert(rule=follows).state) == ("", "resolved")


def test_a_question_that_the_store_refuses_fails_its_rules_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    now = start()
    rule("Runs", kind="metric", condition=metric("runs", 0.5))
    slow = rule("Tools", kind="metric", condition=metric("tool_calls", 0.5))
    rule("Loops")
    run(1, later(now, -100))
    store(now, finding(now))
    run_statement = client.run

    def some_fail(text: str, *more: Any, **named: Any) -> Any:
        if "tool_calls" in text and "tool_is" in text and "FROM tool_calls" in text:
            raise Unavailable("It took too long.")
        return run_statement(text, *more, **named)

    monkeypatch.setattr(client, "run", some_fail)
    evaluation.evaluate(now)
    slow.refresh_from_db()
    assert slow.failure == "It took too long."
    assert {one.rule.name for one in Alert.objects.all()} == {"Runs", "Loops"}


def test_a_search_counts_traces_by_agent_and_follows_its_view() -> None:
    now = start()
    view = SavedView.objects.create(project=project(), name="Errors", shared=True, query="status:error")
    rule(kind="search", condition={"view": view.pk, "threshold": 1, "by": ["agent"], "window_s": 600})
    for trace in range(1, 4):
        run(trace, later(now, -100), status="error")
    run(4, later(now, -100), agent="cook", status="error")
    for trace in range(5, 9):
        run(trace, later(now, -100), agent="cook")
    run(10, later(now, -700), agent="cook", status="error")
    evaluation.evaluate(now)
    one = alert()
    assert (one.labels["agent"], one.value) == ("planner", 3.0)
    assert {r.trace_id for r in told(one).runs} == {f"{n:032x}" for n in (1, 2, 3)}
    SavedView.objects.update(query="agent:cook")
    evaluation.evaluate(later(now, 60))
    assert alert(labels__agent="cook").value == 5.0


def test_a_search_below_tells_of_nothing_too() -> None:
    now = start()
    rule(kind="search", condition={"query": "tool:search", "compare": "below", "threshold": 1, "window_s": 600})
    run(1, later(now, -700))
    evaluation.evaluate(now)
    assert alert().value == 0.0


def test_groups_that_a_changed_rule_does_not_ask_for_are_over() -> None:
    now = start()
    run(1, later(now, -100))
    rule(kind="metric", condition=metric("runs", 0.5, by=["agent"]))
    evaluation.evaluate(now)
    AlertRule.objects.update(condition=metric("runs", 0.5, by=["tool"]), changed_at=later(now, 1))
    evaluation.evaluate(later(now, 2))
    assert {(one.state, one.labels.get("tool", "")) for one in Alert.objects.all()} == {
        ("resolved", ""), ("firing", "search"),
    }  # fmt: skip


def test_a_figure_that_stays_beyond_is_written_each_ten_seconds_at_most() -> None:
    now = start()
    run(1, later(now, -20))
    rule(kind="metric", condition=metric("runs", 0.5, window_s=120))
    for seconds in range(0, 62, 2):
        evaluation.evaluate(later(now, seconds))
    assert 1 < alert().version <= 7
