"""The list of incidents and what is beside one."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.alerts.world import START, World
from tracestore.alerts import reading, responding
from tracestore.alerts.models import Incident
from tracestore.alerts.reading import IncidentFilter
from tracestore.errors import InvalidInput, NotFound

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return World()


def several(world: World) -> list[Incident]:
    for number in range(7):
        world.fire(f"agent-{number}", severity="critical" if number % 2 else "warning")
        # Two at each time, so that a page may end between them.
        world.step(number % 2)
    return list(Incident.objects.order_by("-opened_at", "-pk"))


def test_pages_of_all_the_latest_first_while_new_ones_come(world: World) -> None:
    expected = several(world)
    found: list[Incident] = []
    cursor = None
    while True:
        page = reading.listed("default", limit=2, cursor=cursor)
        found += page.results
        if page.next is None:
            break
        cursor = page.next
        world.fire(f"new-{len(found)}")
        world.step(5)
    assert found == expected


def test_what_is_asked_for(world: World) -> None:
    several(world)
    newest, other, *_ = reading.listed("default").results
    responding.acknowledge("default", newest.pk, "ann")
    responding.resolve("default", other.pk, "ann")

    def numbers(**wanted: object) -> list[int]:
        return [row.pk for row in reading.listed("default", IncidentFilter(**wanted)).results]  # type: ignore[arg-type]

    assert numbers(state="acknowledged") == [newest.pk]
    assert numbers(state="resolved") == [other.pk]
    assert len(numbers(state="open")) == 5
    assert len(numbers(state="active")) == 6
    assert len(numbers(severity="critical")) == 3
    assert numbers(agent="agent-3") == numbers(q="agent-3") == numbers(q="AGENT-3")
    assert len(numbers(agent="agent-3")) == 1
    assert newest.pk in numbers(q=f"#{newest.pk}")
    assert numbers(q="nothing like it") == []
    assert len(numbers(since=START + timedelta(seconds=2))) + len(numbers(until=START + timedelta(seconds=2))) == 7
    assert reading.counts("default") == {"open": 5, "acknowledged": 1, "critical": 3 - (other.severity == "critical")}
    assert reading.counts("nothing") == {"open": 0, "acknowledged": 0, "critical": 0}


def test_incidents_of_a_tool_are_found_by_any_of_its_agents(world: World) -> None:
    for agent in ("planner", "writer"):
        world.fire(agent, "tool_error_rate", tool="suche-für", cause="tool")
    world.step()
    row = world.incident()
    for wanted in (IncidentFilter(agent="writer"), IncidentFilter(agent="planner"), IncidentFilter(q="suche-für")):
        assert reading.listed("default", wanted).results == [row]
    assert reading.listed("default", IncidentFilter(agent="write")).results == []


@pytest.mark.parametrize(
    ("wanted", "field"),
    [({"state": "new"}, "state"), ({"severity": "bad"}, "severity"), ({"q": "x" * 201}, "q")],
)
def test_what_is_refused(world: World, wanted: dict[str, str], field: str) -> None:
    with pytest.raises(InvalidInput) as error:
        reading.listed("default", IncidentFilter(**wanted))
    assert error.value.field == field


@pytest.mark.parametrize(
    "cursor", ["x", "aW5jaWRlbnQ", "💥", "aW5jaWRlbnQuMS4y" * 9, "aW5jaWRlbnQuOTk5OTk5OTk5OTk5OTk5OTk5OTkuMQ"]
)
def test_cursors_are_from_answers(world: World, cursor: str) -> None:
    with pytest.raises(InvalidInput) as error:
        reading.listed("default", cursor=cursor)
    assert error.value.field == "cursor"


@pytest.mark.parametrize("number", [0, -1, 12345, 2**63, 10**30])
def test_there_is_no_such_incident(world: World, number: int) -> None:
    with pytest.raises(NotFound):
        reading.one("default", number)


def test_what_was_like_it_and_what_was_done_then(world: World) -> None:
    def past(agent: str, detector: str, **labels: str) -> Incident:
        alert = world.fire(agent, detector, **labels)
        world.step(1)
        alert.refresh_from_db()
        assert alert.incident is not None
        row = alert.incident
        responding.note("default", row.pk, f"looked at {agent}", "ann", world.now)
        responding.resolve("default", row.pk, "ann", "pinned the model", world.now)
        world.end(alert)
        world.step(3600)
        return row

    detector_only = past("writer", "loop")
    past("writer", "runaway_run")
    same_tool = past("critic", "runaway_run", tool="search")
    same = past("planner", "loop")
    world.fire("planner", "loop", tool="search")
    world.step()
    row = Incident.objects.get(state="open")
    found = reading.similar(row)
    assert found == [same, same_tool, detector_only]
    assert reading.similar(row, limit=1) == [same]
    done = reading.done(found)
    assert [(one.kind, one.note) for one in done[same.pk]] == [
        ("noted", "looked at planner"), ("resolved", "pinned the model"),
    ]  # fmt: skip


def test_history_and_alerts_and_effects(world: World) -> None:
    world.end(world.fire("planner", "loop", tool="search", problem="1"))
    world.fire("planner", "loop", tool="search", problem="2")
    world.fire("", "tool_error_rate", tool="search", cause="tool")
    world.step()
    agent = Incident.objects.exclude(cause=None).get()
    assert [one.kind for one in reading.history(agent)] == ["opened", "cause"]
    assert [one.state for one in reading.alerts(agent)] == ["firing", "resolved"]
    assert agent.cause is not None
    assert reading.effects(agent.cause) == [agent]
