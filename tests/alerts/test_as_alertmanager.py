"""What people know from Alertmanager holds here too: its acceptance tests (0.34), told again as our own cases with
our own time.
"""

from __future__ import annotations

import pytest

from tests.alerts.world import World
from tracestore.alerts import incidents, routing, silences
from tracestore.alerts.message import from_json
from tracestore.alerts.models import Incident, Notification, Route

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return World()


def repeats(world: World, seconds: int, **values: object) -> None:
    channels = [one.pk for one in world.project.channels.all()]
    routing.create("default", {"name": "all", "channels": channels, "repeat_s": seconds, **values}, "ann", world.now)


def test_merge_an_alert_said_again_is_no_second_one(world: World) -> None:
    world.channel()
    alert = world.fire(wasted=1)
    world.step()
    for cost in (2, 3, 4):
        world.now = world.now.replace(second=world.now.second + 1)
        world.fire(wasted=cost)
        world.step()
    world.step(3)
    row = world.incident()
    assert (row.facts["wasted_usd"], row.facts["last_seen"]) == (4, "2026-03-02T12:00:03Z")
    assert row.facts["first_seen"] == "2026-03-02T12:00:03Z"
    assert [one.pk for one in row.alerts.all()] == [alert.pk]
    assert world.told() == ["opened"]


def test_merge_with_ends_at_what_ends_later_is_what_counts(world: World) -> None:
    world.channel()
    first, second = world.fire(problem="one"), world.fire(problem="two")
    world.step()
    world.step(3)
    world.end(first)
    world.step(10)
    assert world.incident().state == "open"
    world.end(second)
    world.step(10)
    assert world.incident().resolved_at == world.now
    assert world.told() == ["opened", "resolved"]


def test_repeat_at_each_interval_while_nobody_has_it(world: World) -> None:
    world.channel()
    repeats(world, 600)
    world.fire()
    world.step()
    world.run(3)
    world.run(599)
    assert world.told() == ["opened"]
    world.step(1)
    assert world.told() == ["opened", "reminder"]
    world.run(1800)
    assert world.told() == ["opened"] + ["reminder"] * 4


def test_repeat_zero_is_never(world: World) -> None:
    world.channel()
    repeats(world, 0)
    world.fire()
    world.run(86_400, every=3600)
    assert world.told() == ["opened"]


def test_batching_what_comes_together_is_one_message(world: World) -> None:
    world.channel()
    world.fire(problem="one", wasted=1)
    world.step()
    world.fire(problem="two", wasted=2)
    world.step(1)
    world.fire(problem="three", severity="critical", wasted=3)
    world.step(1)
    assert world.told() == []
    world.step(1)
    told = from_json(Notification.objects.get().message)
    assert (told.event, told.severity, len(told.alerts), told.facts.wasted_usd) == ("opened", "critical", 3, 6)


def test_batching_a_race_on_the_first_alert_still_tells_it(world: World) -> None:
    """Dispatcher: the first alert of a group must be told although it came before there was a group."""
    world.channel()
    world.fire()
    incidents.tick(world.now)
    incidents.absorb(world.now)
    world.run(6, every=1)
    assert world.told() == ["opened"]


def test_resolved_is_told_only_when_all_are(world: World) -> None:
    world.channel()
    alerts = [world.fire(problem=name) for name in "abc"]
    world.step()
    world.step(3)
    for alert in alerts:
        assert world.told() == ["opened"]
        world.end(alert)
        world.step(60)
    assert world.told() == ["opened", "resolved"]
    told = from_json(Notification.objects.get(event="resolved").message)
    assert {one.status for one in told.alerts} == {"resolved"}
    assert all(one.ends_at for one in told.alerts)
    assert told.resolved_at


def test_resolved_before_the_group_was_told_is_told_to_nobody(world: World) -> None:
    world.channel()
    alert = world.fire()
    world.step()
    world.end(alert)
    world.step(1)
    world.run(60)
    assert world.told() == []
    assert world.history() == ["opened", "resolved"]


def test_resolved_filter_a_channel_that_does_not_want_it(world: World) -> None:
    wants, other = world.channel("wants"), world.channel("other", send_resolved=False)
    alert = world.fire()
    world.step()
    world.step(3)
    world.end(alert)
    world.step(1)
    assert (world.told(wants), world.told(other)) == (["opened", "resolved"], ["opened"])
    # It was over all the same: coming back is news to both.
    world.step(60)
    world.fire()
    world.step(1)
    world.step(3)
    assert (world.told(wants), world.told(other)) == (["opened", "resolved", "reopened"], ["opened", "reopened"])


def test_cold_start_nothing_is_in_memory(world: World) -> None:
    """A new process knows from the database what was told; the outside is asked nothing."""
    world.channel()
    repeats(world, 3600)
    world.fire()
    world.step()
    world.step(3)
    again = World(now=world.now)
    again.run(3590)
    assert again.told() == ["opened"]
    again.run(60)
    assert again.told() == ["opened", "reminder"]


def test_reload_changed_routes_tell_nobody_twice(world: World) -> None:
    first = world.channel("first")
    world.fire()
    world.step()
    world.step(3)
    assert world.told(first) == ["opened"]
    second = world.channel("second")
    repeats(world, 3600)
    world.step(1)
    world.run(600)
    # The one that is new to it learns of what goes on.
    assert (world.told(first), world.told(second)) == (["opened"], ["opened"])


def test_inhibiting_what_a_tool_does_to_agents_is_not_told_apart(world: World) -> None:
    world.channel()
    world.fire("planner", "loop", tool="search")
    world.fire("", "tool_error_rate", tool="search", cause="tool")
    world.run(60)
    tool, agent = Incident.objects.order_by("-key").get(cause=None), Incident.objects.exclude(cause=None).get()
    assert (tool.labels["tool"], agent.cause_id) == ("search", tool.pk)
    assert (world.told(incident=tool), world.told(incident=agent)) == (["opened"], [])
    assert world.history(agent) == ["opened", "cause"]


def test_inhibiting_ends_with_its_source(world: World) -> None:
    world.channel()
    world.fire("planner", "loop", tool="search")
    tool_alert = world.fire("", "tool_error_rate", tool="search", cause="tool")
    world.run(60)
    agent = Incident.objects.exclude(cause=None).get()
    world.end(tool_alert)
    world.step(1)
    world.run(100)
    # Looked at for another reason meanwhile.
    routing.recheck(world.project.pk, world.now)
    world.run(190)
    assert world.told(incident=agent) == []
    world.run(60)
    # The tool is well again for five minutes and the agent still is not.
    assert world.told(incident=agent) == ["opened"]
    assert world.history(agent) == ["opened", "cause", "woken"]


def test_inhibiting_an_agent_that_recovers_with_the_tool_is_never_told(world: World) -> None:
    world.channel()
    agent_alert = world.fire("planner", "loop", tool="search")
    tool_alert = world.fire("", "tool_error_rate", tool="search", cause="tool")
    world.run(60)
    world.end(tool_alert)
    world.step(1)
    world.end(agent_alert)
    world.step(60)
    world.run(3600)
    assert world.told() == ["opened", "resolved"]


def test_inhibiting_is_not_of_others(world: World) -> None:
    world.channel()
    world.fire("", "tool_error_rate", tool="search", cause="tool")
    other = world.fire("planner", "loop", tool="fetch")
    third = world.fire("writer", "runaway_run")
    world.run(30)
    for alert in (other, third):
        alert.refresh_from_db()
        assert alert.incident is not None
        assert world.told(incident=alert.incident) == ["opened"]


def test_inhibiting_never_of_itself(world: World) -> None:
    world.channel()
    world.fire("planner", "tool_error_rate", tool="search", cause="tool")
    world.run(30)
    assert world.incident().cause is None
    assert world.told() == ["opened"]


def test_silencing_what_is_silenced_from_the_beginning(world: World) -> None:
    world.channel()
    silences.create("default", {"matchers": 'agent="planner"', "duration_s": 3600}, "ann", world.now)
    world.fire()
    world.fire("writer")
    world.run(600)
    quiet = Incident.objects.get(labels__agent="planner")
    assert world.told(incident=quiet) == []
    assert world.told() == ["opened"]
    assert world.history(quiet) == ["opened", "silenced"]
    world.run(3600)
    assert world.told(incident=quiet) == ["opened"]
    assert world.history(quiet) == ["opened", "silenced", "woken"]


def test_silencing_what_was_told_before(world: World) -> None:
    world.channel()
    repeats(world, 600)
    alert = world.fire()
    world.step()
    world.step(3)
    silence = silences.create("default", {"matchers": 'agent="planner"', "duration_s": 7200}, "ann", world.now)
    world.run(6000)
    assert world.told() == ["opened"]
    # It ends meanwhile: who was told that it began is told that it is over, when the silence is.
    world.end(alert)
    world.run(600)
    assert world.told() == ["opened"]
    world.now = silence.ends_at
    world.step(1)
    assert world.told() == ["opened", "resolved"]


def test_silencing_a_part_of_a_group_tells_the_rest(world: World) -> None:
    world.channel()
    rule = world.rule(group_by=["detector"])
    world.fire("planner", rule=rule)
    world.fire("writer", rule=rule)
    silences.create("default", {"matchers": 'agent="planner"', "duration_s": 3600}, "ann", world.now)
    world.run(30)
    assert world.told() == ["opened"]


def test_silence_delete_tells_at_once(world: World) -> None:
    world.channel()
    silence = silences.create("default", {"matchers": 'agent="planner"', "duration_s": 36_000}, "ann", world.now)
    world.fire()
    world.run(60)
    assert world.told() == []
    silences.end("default", silence.pk, "ann", world.now)
    world.step(1)
    assert world.told() == ["opened"]
    assert silences.listed("default", True, world.now) == []


def test_group_limits_beyond_the_most_all_are_one(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(incidents, "MOST_INCIDENTS", 3)
    world.channel()
    alerts = [world.fire(f"agent {number}") for number in range(10)]
    world.run(30)
    assert Incident.objects.count() == 4
    assert world.told() == ["opened"] * 4
    rest = Incident.objects.get(title="More than 3 incidents at once")
    assert rest.alerts.count() == 7
    # Nothing is dropped, and it ends as any other.
    world.end(*alerts)
    world.step(5)
    assert not Incident.objects.exclude(state="resolved").exists()
    assert world.told().count("resolved") == 4


def test_two_routes_the_first_wins_unless_it_continues(world: World) -> None:
    first, second = world.channel("first"), world.channel("second")
    routing.create("default", {"name": "a", "matchers": 'agent="planner"', "channels": [first.pk]}, "ann", world.now)
    routing.create("default", {"name": "b", "channels": [second.pk]}, "ann", world.now)
    world.fire()
    world.run(10)
    assert (world.told(first), world.told(second)) == (["opened"], [])
    route = Route.objects.get(name="a")
    routing.change("default", route.pk, {"continues": True}, "ann", world.now)
    world.step(1)
    assert (world.told(first), world.told(second)) == (["opened"], ["opened"])
