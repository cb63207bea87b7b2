"""Alerts become incidents, which open, change, end and come back, and are told once each time."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.alerts.world import World
from tracestore.alerts import incidents, reading, responding
from tracestore.alerts.message import from_json
from tracestore.alerts.models import Alert, Incident, Notification, Transition
from tracestore.errors import NotFound

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return World()


def test_what_fires_is_an_incident_that_is_told_once_and_ends_with_its_alert(world: World) -> None:
    world.channel()
    alert = world.fire(wasted=1.5)
    world.step()
    row = world.incident()
    assert (row.state, row.severity, row.title, row.facts["wasted_usd"]) == ("open", "warning", "planner: loop", 1.5)
    assert world.told() == []
    world.step(3)
    world.run(60)
    assert world.told() == ["opened"]
    world.end(alert)
    world.step(2)
    row.refresh_from_db()
    assert (row.state, row.open_key, row.resolved_by, row.resolved_at) == ("resolved", None, "tracestore", world.now)
    assert world.told() == ["opened", "resolved"]
    assert world.history() == ["opened", "resolved"]
    assert row.facts["going_on"] is False


def test_the_message_says_what_and_where(world: World) -> None:
    world.channel()
    world.fire(wasted=2.5, rule=world.rule(owner="team-a", runbook_url="https://example.com/loops"))
    world.step()
    world.step(3)
    told = from_json(Notification.objects.get().message)
    number = world.incident().pk
    assert told.url.endswith(f"/incidents/{number}/")
    assert told.url.startswith("http://")
    assert "/traces/" in told.evidence_url
    assert told.evidence_url.endswith("/?span=" + "b" * 16)
    assert (told.key, told.number, told.state) == (f"tracestore/default/incident/{number}", number, "open")
    assert (told.owner, told.runbook_url, told.facts.wasted_usd) == ("team-a", "https://example.com/loops", 2.5)
    assert [(one.status, one.labels["agent"], one.ends_at) for one in told.alerts] == [("firing", "planner", "")]


def test_in_a_second_project_links_name_the_project() -> None:
    World()
    other = World("other")
    other.channel()
    other.fire()
    other.step()
    other.step(3)
    told = from_json(Notification.objects.get().message)
    assert told.url.endswith("/?project=other")
    assert told.evidence_url.endswith("&project=other")


def test_a_quiet_system_writes_nothing(world: World, django_assert_max_num_queries) -> None:  # type: ignore[no-untyped-def]
    world.channel()
    world.fire()
    world.step()
    world.step(3)
    before = list(Incident.objects.values())
    with django_assert_max_num_queries(4) as queries:
        world.step(2)
    assert not [one for one in queries.captured_queries if not one["sql"].startswith("SELECT")]
    assert list(Incident.objects.values()) == before


def test_a_warning_that_becomes_critical_is_the_same_incident_and_told(world: World) -> None:
    world.channel()
    world.fire()
    world.run(60)
    world.fire(severity="critical")
    world.step(1)
    world.run(60)
    assert world.told() == ["opened", "severity"]
    assert world.incident().labels["severity"] == "critical"
    # It only rises while it goes on.
    world.fire(severity="info")
    world.run(60)
    assert (world.incident().severity, world.incident().labels["severity"]) == ("critical", "critical")
    assert world.history() == ["opened", "severity"]


def test_a_channel_whose_severity_it_reaches_is_told_then(world: World) -> None:
    every, grave = world.channel("every", min_severity="info"), world.channel("grave", min_severity="critical")
    world.fire(severity="info")
    world.run(60)
    world.fire(severity="warning")
    world.run(60)
    assert (world.told(every), world.told(grave)) == (["opened"], [])
    alert = world.fire(severity="critical")
    world.run(60)
    assert (world.told(every), world.told(grave)) == (["opened", "severity"], ["opened"])
    world.end(alert)
    world.run(60)
    assert (world.told(every)[-1], world.told(grave)[-1]) == ("resolved", "resolved")


def test_what_comes_back_soon_is_the_same_incident(world: World) -> None:
    world.channel()
    for _ in range(2):
        alert = world.fire()
        world.run(60)
        world.end(alert)
        world.run(20 * 60)
    assert (world.incident().reopened, world.history()) == (1, ["opened", "resolved", "reopened", "resolved"])
    assert world.told() == ["opened", "resolved", "reopened", "resolved"]


def test_what_comes_back_late_is_a_new_one(world: World) -> None:
    world.channel()
    for _ in range(2):
        alert = world.fire()
        world.run(60)
        world.end(alert)
        world.run(31 * 60)
    assert Incident.objects.count() == 2
    assert world.told() == ["opened", "resolved"] * 2


def test_flapping_is_damped(world: World) -> None:
    """Each time it comes back, the end waits longer before it is told; what comes back meanwhile tells nothing."""
    world.channel()
    for _ in range(40):
        alert = world.fire()
        world.run(30)
        world.end(alert)
        world.run(60)
    row = world.incident()
    assert row.reopened == 39
    assert world.told() == ["opened", "resolved", "reopened", "resolved", "reopened"]
    assert row.settles_at is not None
    assert row.settles_at - (row.resolved_at or world.now) == incidents.LONGEST_WAIT
    world.run(29 * 60)
    assert world.told()[5:] == ["resolved"]


@pytest.mark.parametrize(
    ("times", "seconds"), [(0, 0), (1, 0), (2, 120), (3, 240), (4, 480), (5, 960), (6, 1800), (99, 1800)]
)
def test_how_long_the_end_waits(world: World, times: int, seconds: int) -> None:
    world.fire()
    world.step()
    row = world.incident()
    for number in range(times):
        Transition.objects.create(incident=row, version=number + 2, kind="reopened", at=world.now, actor="tracestore")
    assert incidents.settling_time(row, world.now) == timedelta(seconds=seconds)
    assert incidents.settling_time(row, world.now + incidents.FLAPS_WITHIN) == timedelta(0)


def test_the_cost_doubling_is_recorded_at_most_every_ten_minutes_and_told_to_nobody(world: World) -> None:
    world.channel()
    for minute in range(30):
        world.fire(wasted=1.5**minute)
        world.run(60)
    assert world.history() == ["opened", "grew", "grew"]
    assert world.told() == ["opened"]
    assert world.incident().facts["wasted_usd"] == 1.5**29


def test_its_cost_never_falls_while_its_parts_end(world: World) -> None:
    first, _ = world.fire(problem="one", wasted=5), world.fire(problem="two", wasted=3)
    world.step()
    world.end(first)
    world.step(2)
    assert world.incident().facts["wasted_usd"] == 8
    assert world.incident().facts["run_count"] == 2


def test_one_problem_that_two_rules_tell_is_counted_once(world: World) -> None:
    world.fire(problem="one", wasted=5)
    world.fire(problem="one", wasted=5, rule=world.rule("Dear ones", severity="critical"), severity="critical")
    world.step()
    assert (world.incident().facts["wasted_usd"], world.incident().severity) == (5, "critical")
    assert world.incident().alerts.count() == 2


def test_a_tool_that_is_down_is_one_incident_of_all_agents(world: World) -> None:
    world.channel()
    for name in ("planner", "writer", "critic"):
        world.fire(name, "tool_error_rate", tool="search", cause="tool", title="The tool search fails")
    world.fire("planner", "retry_storm", tool="search", cause="system")
    world.run(30)
    row = world.incident()
    assert row.title == "The tool search fails (3 agents)"
    assert (row.labels["tool"], "agent" in row.labels) == ("search", False)
    assert world.told() == ["opened"]


def test_an_alert_that_was_over_before_anybody_looked_is_kept_and_told_to_nobody(world: World) -> None:
    world.channel()
    world.end(world.fire())
    world.run(60)
    assert world.history() == ["opened", "resolved"]
    assert world.told() == []


def test_pending_alerts_are_nobodys_business(world: World) -> None:
    alert = world.fire()
    Alert.objects.filter(pk=alert.pk).update(state="pending", fired_at=None)
    world.run(60)
    assert not Incident.objects.exists()


def test_deleted_rules_leave_no_incident_open(world: World) -> None:
    world.channel()
    world.fire()
    world.run(30)
    world.rule().delete()
    world.step(2)
    world.step(2)
    assert (world.incident().state, world.told()) == ("resolved", ["opened", "resolved"])


def test_a_rule_that_is_grouped_otherwise_keeps_its_open_incident(world: World) -> None:
    rule = world.rule()
    alert = world.fire()
    world.step()
    rule.group_by = ["agent"]
    rule.save()
    world.fire()
    world.step(10)
    assert world.incident().state == "open"
    world.end(alert)
    world.step(1)
    assert world.incident().state == "resolved"


def test_a_thousand_changes_in_a_minute_are_one_incident_and_one_message(world: World) -> None:
    world.channel()
    world.fire(problem="0")
    for number in range(1, 1_000):
        world.fire(problem=str(number), wasted=0.01)
        if number % 33 == 0:
            world.step(2)
    world.step(2)
    row = world.incident()
    assert row.alerts.count() == 1_000
    assert row.facts["wasted_usd"] == pytest.approx(9.99)
    assert len(row.facts["evidence"]) == 10
    assert world.told() == ["opened"]


def test_a_worker_killed_anywhere_loses_and_doubles_nothing(world: World) -> None:
    """Each write of a pass fails once, in turn, until a whole story has gone through."""
    from django.db import connection

    world.channel("a")
    world.channel("b")

    class Killed(BaseException):
        pass

    left = 10**9

    def killing(execute, sql, params, many, context):  # type: ignore[no-untyped-def]
        nonlocal left
        if sql.startswith(("INSERT", "UPDATE")):
            left -= 1
            if left == 0:
                raise Killed
        return execute(sql, params, many, context)

    def survive(seconds: float) -> int:
        nonlocal left
        world.now += timedelta(seconds=seconds)
        killed = 0
        with connection.execute_wrapper(killing):
            for after in range(1, 100):
                left = after
                try:
                    incidents.absorb(world.now)
                    incidents.tick(world.now)
                except Killed:
                    killed += 1
                    continue
                break
        left = 10**9
        return killed

    alert = world.fire()
    assert survive(0) >= 3
    assert survive(3) >= 1
    world.fire(severity="critical")
    assert survive(1) >= 2
    world.end(alert)
    assert survive(60) >= 3
    assert world.history() == ["opened", "severity", "resolved"]
    assert world.told() == ["opened", "opened", "severity", "severity", "resolved", "resolved"]


def test_an_incident_of_another_project_is_not_touched(world: World) -> None:
    other = World("other")
    world.channel()
    world.fire()
    other.fire()
    world.run(30)
    assert other.incident().pk != world.incident().pk
    assert (world.told(), other.told()) == (["opened"], [])
    with pytest.raises(NotFound):
        reading.one("other", world.incident().pk)
    responding.acknowledge("other", other.incident().pk, "ann", now=world.now)
    assert world.incident().state == "open"


def test_nobody_to_tell_until_there_is_a_channel(world: World) -> None:
    world.fire()
    world.run(60)
    channel = world.channel()
    world.run(300)
    assert world.told(channel) == ["opened"]
