"""Who is told: routes in order, channels without one, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from tests.alerts.world import START, World
from tracestore.alerts import routing
from tracestore.alerts.models import Route
from tracestore.errors import InvalidInput, NotFound

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return World()


def make(name: str, **fields: Any) -> Route:
    return routing.create("default", {"name": name, **fields}, "ann", START)


def told(world: World, severity: str = "warning", **labels: str) -> list[str]:
    return [one.channel.name for one in routing.channels_for(world.project.pk, severity, labels)]


def test_without_routes_each_channel_by_its_severity(world: World) -> None:
    world.channel("all", min_severity="info")
    world.channel("usual")
    world.channel("grave", min_severity="critical")
    world.channel("off", enabled=False)
    world.channel("gone", deleted_at=START)
    World("other").channel("other")
    assert told(world, "info") == ["all"]
    assert told(world, "warning") == ["all", "usual"]
    assert told(world, "critical") == ["all", "usual", "grave"]


def test_the_first_route_that_matches_and_the_channels_that_no_route_names(world: World) -> None:
    a, b, _ = world.channel("a", min_severity="critical"), world.channel("b"), world.channel("unrouted")
    make("planner", matchers="agent=planner", channels=[a.pk])
    make("rest", channels=[b.pk])
    assert told(world, agent="planner") == ["a", "unrouted"]
    assert told(world, agent="writer") == ["b", "unrouted"]
    assert told(world, "info", agent="planner") == ["a"]


def test_routes_match_severity_too(world: World) -> None:
    a, b = world.channel("a"), world.channel("b")
    make("grave", matchers="severity=critical", channels=[a.pk])
    make("rest", channels=[b.pk])
    assert (told(world, "critical"), told(world, "warning")) == (["a"], ["b"])


def test_nobody_is_left_out_because_of_a_gap_in_the_routes(world: World) -> None:
    a = world.channel("a")
    make("planner", matchers="agent=planner", channels=[a.pk])
    assert told(world, agent="writer") == ["a"]


def test_a_route_to_nobody_tells_nobody_it_names(world: World) -> None:
    a = world.channel("a")
    make("noise", matchers="agent=noisy")
    make("rest", channels=[a.pk])
    assert told(world, agent="noisy") == []


def test_a_channel_of_two_routes_is_told_once(world: World) -> None:
    a = world.channel("a")
    make("one", channels=[a.pk], continues=True, repeat_s=60)
    make("two", channels=[a.pk], repeat_s=3600)
    found = routing.channels_for(world.project.pk, "warning", {})
    assert [(one.channel.name, one.repeat_s) for one in found] == [("a", 60)]


def test_escalation_of_all_routes_in_the_order_of_time(world: World) -> None:
    a, lead, boss = world.channel("a"), world.channel("lead"), world.channel("boss")
    make("one", channels=[a.pk], continues=True, escalation=[{"after_s": 1200, "channels": [boss.pk]}])
    make("two", channels=[a.pk], escalation=[{"after_s": 600, "channels": [lead.pk]}])
    steps = routing.route(world.project.pk, "warning", {}).escalation
    assert [(step.after_s, [one.name for one in step.channels]) for step in steps] == [
        (600, ["lead"]),
        (1200, ["boss"]),
    ]
    assert told(world) == ["a"]


def test_in_their_order_moved_and_deleted_and_brought_back(world: World) -> None:
    first, second, third = (make(name) for name in ("first", "second", "third"))
    assert [one.name for one in routing.listed("default")] == ["first", "second", "third"]
    assert [one.name for one in routing.move("default", third.pk, 0, "ann")] == ["third", "first", "second"]
    assert [one.name for one in routing.move("default", third.pk, 99, "ann")] == ["first", "second", "third"]
    fields = routing.delete("default", second.pk, "ann")
    assert [one.name for one in routing.listed("default")] == ["first", "third"]
    routing.create("default", fields, "ann")
    assert [one.name for one in routing.listed("default")] == ["first", "second", "third"]
    routing.change("default", first.pk, {"name": "1st", "position": 2}, "ann")
    assert [one.name for one in routing.listed("default")] == ["second", "third", "1st"]
    with pytest.raises(NotFound):
        routing.delete("default", 12345, "ann")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": 7}, "name"),
        ({"matchers": "nonsense"}, "matchers"),
        ({"continues": 1}, "continues"),
        ({"repeat_s": 59}, "repeat_s"),
        ({"repeat_s": True}, "repeat_s"),
        ({"repeat_s": "600"}, "repeat_s"),
        ({"repeat_s": 31 * 86_400}, "repeat_s"),
        ({"channels": [12345]}, "channels"),
        ({"channels": "all"}, "channels"),
        ({"channels": [True]}, "channels"),
        ({"position": -1}, "position"),
        ({"escalation": [{"after_s": 600}]}, "escalation"),
        ({"escalation": [{"after_s": 600, "channels": []}]}, "escalation"),
        ({"escalation": [{"after_s": 600, "channels": [12345]}]}, "escalation"),
        ({"escalation": {"after_s": 600}}, "escalation"),
        ({"who": "me"}, "who"),
        ({"name": "taken"}, "name"),
    ],
)
def test_what_is_refused(world: World, fields: dict[str, Any], field: str) -> None:
    make("taken")
    with pytest.raises(InvalidInput) as error:
        routing.create("default", {"name": "new", **fields}, "ann", START)
    assert error.value.field == field
    assert [one.name for one in routing.listed("default")] == ["taken"]


def test_escalation_goes_on_in_time(world: World) -> None:
    a = world.channel("a")
    steps = [{"after_s": 600, "channels": [a.pk]}, {"after_s": 600, "channels": [a.pk]}]
    with pytest.raises(InvalidInput, match="later than the one before"):
        make("x", escalation=steps)


def test_channels_of_another_project_are_none(world: World) -> None:
    theirs = World("other").channel("theirs")
    with pytest.raises(InvalidInput, match="there is no channel"):
        make("x", channels=[theirs.pk])
