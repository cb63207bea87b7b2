"""Several workers at once, on a database file, each with its own connection: nothing is made or told twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise

import pytest
from django.db import transaction
from django.db.models import Count

from tests.alerts.world import World
from tests.database_threads import Threads
from tests.database_threads import database as database
from tracestore.alerts import cas, incidents, responding, transitions
from tracestore.alerts.models import Incident, Notification, Transition
from tracestore.alerts.transitions import Lost
from tracestore.errors import InvalidInput

pytestmark = pytest.mark.django_db

WORKERS = 4


def test_workers_that_absorb_and_tick_at_once(database: Threads) -> None:
    world: list[World] = []

    def begin() -> None:
        world.append(World())
        world[0].channel("a")
        world[0].channel("b")

    def fire() -> None:
        for number in range(5):
            for problem in "xyz":
                world[0].fire(
                    f"agent-{number}", problem=problem, severity=severities.pop() if severities else "critical"
                )

    def passes() -> None:
        incidents.absorb(world[0].now)
        incidents.tick(world[0].now)

    def end() -> None:
        world[0].end(*world[0].project.alerts.all())

    def check() -> None:
        assert Incident.objects.count() == 5
        kinds = Counter(Transition.objects.values_list("kind", flat=True))
        assert kinds == {"opened": 5, "severity": 5, "resolved": 5}
        versions = Transition.objects.values("incident").annotate(count=Count("pk")).values_list("count", flat=True)
        assert set(versions) == {3}
        assert set(Incident.objects.values_list("version", flat=True)) == {3}
        events = Counter(Notification.objects.values_list("event", flat=True))
        assert events == {"opened": 10, "severity": 10, "resolved": 10}

    database.one(begin)
    severities = ["warning"] * 30
    for seconds in (0, 3, 5, 5):
        world[0].now += timedelta(seconds=seconds)
        database.one(fire)
        assert database.run(*[passes] * WORKERS) == []
    database.one(end)
    world[0].now += timedelta(seconds=5)
    assert database.run(*[passes] * WORKERS) == []
    assert database.run(*[passes] * WORKERS) == []
    database.one(check)


def test_people_and_workers_at_once(database: Threads) -> None:
    """Acknowledge, resolve and the end of its alert meet: each happens once, in some order, and is told once."""
    world: list[World] = []

    def begin() -> None:
        world.append(World())
        world[0].channel()
        world[0].fire()
        world[0].run(10)
        world[0].end(world[0].project.alerts.get())

    def acting(act: Callable[..., Incident], name: str) -> Callable[[], None]:
        def work() -> None:
            act("default", Incident.objects.get().pk, name, now=world[0].now)

        return work

    def passes() -> None:
        incidents.absorb(world[0].now)
        incidents.tick(world[0].now)

    def check() -> None:
        kinds = Counter(Transition.objects.values_list("kind", flat=True))
        assert kinds["opened"] == kinds["resolved"] == 1
        assert kinds["acknowledged"] <= 1
        told = Counter(Notification.objects.values_list("event", flat=True))
        assert told == {name: count for name, count in kinds.items() if count}
        rows = list(Transition.objects.order_by("version").values_list("version", "from_state", "to_state"))
        assert [row[0] for row in rows] == list(range(1, len(rows) + 1))
        assert all(before[2] == after[1] for before, after in pairwise(rows))

    database.one(begin)
    failed = database.run(
        acting(responding.acknowledge, "ann"), acting(responding.acknowledge, "bob"),
        acting(responding.resolve, "ann"), acting(responding.resolve, "bob"), passes,
    )  # fmt: skip
    assert all(isinstance(error, InvalidInput) for error in failed)
    database.one(passes)
    database.one(check)


def test_who_is_second_on_a_version_changes_nothing() -> None:
    """Without any lock: two who read the same row."""
    world = World()
    world.fire()
    world.step()
    number = world.incident().pk
    mine, theirs = Incident.objects.get(pk=number), Incident.objects.get(pk=number)
    transitions.make(theirs, Transition.Kind.ACKNOWLEDGED, world.now, actor="bob", state="acknowledged")
    with pytest.raises(Lost), transaction.atomic():
        transitions.make(mine, Transition.Kind.ACKNOWLEDGED, world.now, actor="ann", state="acknowledged")
    with pytest.raises(Lost):
        transitions.refresh(mine, title="other")
    assert world.history() == ["opened", "acknowledged"]
    assert Incident.objects.get(pk=number).title == "planner: loop"


def test_who_is_second_decides_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    world.channel()
    world.fire()
    world.run(6, every=3)
    number = world.incident().pk
    real, met = cas.swap, []

    def swap(row: Incident, **changes: object) -> bool:
        if not met:
            # Somebody else's change comes between reading and writing.
            met.append(True)
            row.version -= 1
        return real(row, **changes)

    monkeypatch.setattr(cas, "swap", swap)
    row = responding.acknowledge("default", number, "ann", now=world.now)
    assert (row.state, met, world.history()) == ("acknowledged", [True], ["opened", "acknowledged"])
    assert world.told() == ["opened", "acknowledged"]
