"""Budgets: made by people, judged over a store of figures, told as alerts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tracestore.alerts import budget_alerts, budgets
from tracestore.alerts.budgets import Judge
from tracestore.alerts.models import Alert, AlertRule, Budget, BudgetState
from tracestore.clickhouse.detecting import verdicts
from tracestore.clickhouse.detecting.verdicts import Spending
from tracestore.detectors.standing import Run, Standing, Subject
from tracestore.errors import InvalidInput, NotFound, Unavailable
from tracestore.models import Project

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 26, 12, 30, tzinfo=UTC)
SECOND = 10**9
RUN = Run("t1", 3.0, 10, 500, int(NOW.timestamp()) * SECOND - 60 * SECOND, int(NOW.timestamp()) * SECOND,
          agents=("planner",), sessions=("s1",), users=("ada",))  # fmt: skip


class Store:
    """Figures of runs and of the day; counts what was read."""

    def __init__(self) -> None:
        self.runs: list[Run] = []
        self.spent: list[Spending] = []
        self.hours: list[int] = []
        self.fails = False

    def changed(self, projects: Sequence[str], after: datetime, limit: int) -> list[tuple[str, str]]:
        if self.fails:
            raise Unavailable("The store does not answer.")
        return [("default", run.trace_id) for run in self.runs]

    def standings(self, wanted: Mapping[Subject, int], now_ns: int) -> dict[Subject, Standing]:
        names = {"trace_id": lambda run: (run.trace_id,), "session_id": lambda run: run.sessions}
        return {
            one: Standing([run for run in self.runs if one.value in names[one.by](run)]) for one in wanted
        }  # fmt: skip

    def spending(self, projects: Sequence[str], from_ns: int, until_ns: int, limit: int) -> list[Spending]:
        self.hours.append(from_ns)
        return [row for row in self.spent if from_ns <= row.at * SECOND < until_ns and row.project in projects]


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Store:
    Project.objects.get_or_create(slug="default", defaults={"name": "Default"})
    made = Store()
    for name in ("changed", "standings", "spending"):
        monkeypatch.setattr(verdicts, name, getattr(made, name))
    monkeypatch.setattr(budgets, "SHARE", 1e9)  # each pass reads
    return made


def make(**fields: Any) -> Budget:
    wanted = {"name": "b", "measure": "usd", "scope": "run", "limit": 5, **fields}
    return budgets.create("default", wanted)


def used(usd: float, *, agent: str = "planner", user: str = "ada", minutes_ago: int = 10) -> Spending:
    return Spending("default", int(NOW.timestamp()) - 60 * minutes_ago, agent, user, usd, 1000, 5, 1.0)


def states() -> dict[str, tuple[str, float]]:
    return {row.subject: (row.action, row.spent) for row in BudgetState.objects.all()}


def test_without_budgets_nothing_is_read(store: Store) -> None:
    store.fails = True
    assert Judge().judge(NOW) == 0


def test_runs_and_sessions_over_their_budget_are_kept_and_forgotten(store: Store) -> None:
    make()
    make(name="talk", scope="session", limit=7)
    make(name="others", agent="other", limit=1)
    store.runs = [RUN, replace(RUN, trace_id="t2", cost_usd=4.1)]
    judge = Judge()
    judge.judge(NOW)
    assert states() == {"t2": ("warn", 4.1), "s1": ("halt", 7.1)}
    assert judge.judge(NOW) == 0
    store.runs[1] = replace(RUN, trace_id="t2", cost_usd=6.0)
    judge.judge(NOW + timedelta(seconds=2))
    assert states()["t2"] == ("halt", 6.0)
    store.runs[1] = replace(RUN, trace_id="t2", cost_usd=0.1)  # priced anew
    judge.judge(NOW + timedelta(seconds=4))
    assert states() == {}
    store.runs = [replace(RUN, cost_usd=6.0)]
    judge.judge(NOW)
    store.runs = []
    judge.judge(NOW + timedelta(days=1, seconds=1))
    assert states() == {}


def test_a_budget_that_only_warns_warns_at_its_limit(store: Store) -> None:
    make(halts=False)
    store.runs = [replace(RUN, cost_usd=50.0)]
    Judge().judge(NOW)
    assert states() == {"t1": ("warn", 50.0)}


def test_users_agents_and_the_day_are_summed_from_midnight(store: Store) -> None:
    make(name="user", scope="user", limit=10)
    make(name="agent", scope="agent", limit=10)
    make(name="day", scope="day", limit=20, measure="usd")
    make(name="one", scope="user", limit=6, agent="writer")
    store.spent = [
        used(6.0), used(5.0, minutes_ago=200), used(6.5, agent="writer", user="eve"),
        used(100.0, minutes_ago=13 * 60),  # yesterday
    ]  # fmt: skip
    Judge().judge(NOW)
    found = {(row.budget.name, row.subject): (row.action, row.spent) for row in BudgetState.objects.all()}
    assert found["user", "ada"] == ("halt", 11.0)
    assert found["agent", "planner"] == ("halt", 11.0)
    assert found["one", "eve"] == ("halt", 6.5)
    assert found["day", ""][0] == "warn"
    assert found["day", ""][1] == pytest.approx(17.5)


def test_hours_that_are_over_are_read_once(store: Store) -> None:
    make(scope="day")
    judge = Judge()
    judge.judge(NOW)
    assert len(store.hours) == 13
    store.hours.clear()
    judge.judge(NOW + timedelta(minutes=1))
    assert [datetime.fromtimestamp(hour / SECOND, UTC).hour for hour in store.hours] == [12]
    store.hours.clear()
    judge.judge(NOW + timedelta(minutes=35))
    # The hour before is still counted anew: spans come late.
    assert [datetime.fromtimestamp(hour / SECOND, UTC).hour for hour in store.hours] == [12, 13]
    store.hours.clear()
    judge.judge(NOW + timedelta(hours=12))
    assert len(store.hours) == 1  # another day


def test_what_was_spent_yesterday_is_void_today(store: Store) -> None:
    make(scope="day")
    store.spent = [used(9.0)]
    judge = Judge()
    judge.judge(NOW)
    assert states() == {"": ("halt", 9.0)}
    judge.judge(NOW.replace(hour=0, minute=0) + timedelta(days=1))
    assert states() == {}


def test_passes_take_a_small_share_of_the_time(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    make(scope="day")
    monkeypatch.setattr(budgets, "SHARE", 1e-9)
    judge = Judge()
    judge.judge(NOW)
    store.hours.clear()
    judge.judge(NOW + timedelta(seconds=2))
    assert store.hours == []


def test_a_spent_budget_is_an_alert_that_ends_with_it(store: Store) -> None:
    make(limit=5)
    store.runs = [replace(RUN, cost_usd=4.5)]
    judge = Judge()
    judge.judge(NOW)
    alert = Alert.objects.get()
    assert (alert.state, alert.severity, alert.value) == ("firing", "warning", 4.5)
    assert (alert.rule.builtin, alert.rule.halts) == ("budget", False)
    assert alert.labels == {
        "rule": "Budget spent", "severity": "warning", "project": "default", "budget": "b", "scope": "run"
    }  # fmt: skip
    assert alert.facts["runs"][0]["trace_id"] == "t1"
    assert judge.judge(NOW + timedelta(seconds=2)) == 0
    store.runs = [replace(RUN, cost_usd=5.5), replace(RUN, trace_id="t2", cost_usd=5.1)]
    judge.judge(NOW + timedelta(seconds=4))
    alert.refresh_from_db()
    assert (alert.severity, alert.version, alert.facts["run_count"]) == ("critical", 2, 2)
    store.runs = []
    judge.judge(NOW + timedelta(minutes=9))
    alert.refresh_from_db()
    assert alert.state == "firing"
    judge.judge(NOW + timedelta(minutes=11))
    alert.refresh_from_db()
    assert (alert.state, alert.version, Alert.objects.count()) == ("resolved", 3, 1)
    assert alert.facts["going_on"] is False
    assert judge.judge(NOW + timedelta(minutes=12)) == 0


def test_each_user_has_an_alert_and_who_switches_the_rule_off_has_none(store: Store) -> None:
    make(scope="user", limit=5)
    store.spent = [used(6.0), used(7.0, user="eve")]
    judge = Judge()
    judge.judge(NOW)
    assert {alert.labels["user"] for alert in Alert.objects.filter(state="firing")} == {"ada", "eve"}
    AlertRule.objects.update(enabled=False)
    judge.judge(NOW + timedelta(seconds=2))
    assert not Alert.objects.filter(state="firing").exists()
    AlertRule.objects.all().delete()
    AlertRule.objects.create(project=Project.objects.get(slug="default"), name=budget_alerts.NAME, kind="metric")
    judge.judge(NOW + timedelta(seconds=4))
    assert not Alert.objects.exists()


def test_a_store_that_is_away_leaves_what_was_judged(store: Store) -> None:
    make()
    store.runs = [replace(RUN, cost_usd=6.0)]
    judge = Judge()
    judge.judge(NOW)
    store.fails = True
    with pytest.raises(Unavailable):
        judge.judge(NOW + timedelta(seconds=2))
    assert states() == {"t1": ("halt", 6.0)}


def test_deleting_can_be_undone_for_a_day(store: Store) -> None:
    made = make()
    store.runs = [replace(RUN, cost_usd=6.0)]
    Judge().judge(NOW)
    budgets.delete("default", made.pk)
    assert (states(), list(budgets.listed("default"))) == ({}, [])
    make()
    with pytest.raises(InvalidInput):
        budgets.restore("default", made.pk)
    budgets.change("default", budgets.listed("default").get().pk, {"name": "c"})
    assert budgets.restore("default", made.pk).deleted_at is None
    with pytest.raises(NotFound):
        budgets.restore("default", made.pk)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"limit": 0}, "limit"), ({"limit": "5"}, "limit"), ({"limit": True}, "limit"), ({"limit": 1e300}, "limit"),
        ({"measure": "euro"}, "measure"), ({"scope": "team"}, "scope"), ({"warn_share": 2}, "warn_share"),
        ({"name": " "}, "name"), ({"halts": "yes"}, "halts"), ({"colour": 1}, "colour"), ({"agent": 5}, "agent"),
    ],
)  # fmt: skip
def test_bad_input_names_the_field(store: Store, fields: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as error:
        make(**fields)
    assert error.value.field == field


def test_names_are_unique_and_new_ones_whole(store: Store) -> None:
    make()
    with pytest.raises(InvalidInput) as error:
        make()
    assert error.value.field == "name"
    with pytest.raises(InvalidInput) as error:
        budgets.create("default", {"name": "x", "measure": "usd", "scope": "run"})
    assert error.value.field == "limit"
