"""What people do to incidents, and what follows from it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.alerts.world import World
from tracestore.alerts import reading, responding, routing, silences
from tracestore.alerts.message import from_json
from tracestore.alerts.models import Incident, Notification, Transition
from tracestore.errors import InvalidInput, NotFound

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    made = World()
    made.channel()
    return made


def opened(world: World) -> int:
    world.fire()
    world.run(4, every=2)
    return world.incident().pk


def repeat(world: World, seconds: int) -> None:
    routing.create("default", {"name": "all", "repeat_s": seconds,
                   "channels": [one.pk for one in world.project.channels.all()]}, "ann", world.now)  # fmt: skip


def test_acknowledged_is_told_once_and_ends_reminders(world: World) -> None:
    repeat(world, 600)
    number = opened(world)
    row = responding.acknowledge("default", number, "ann", "I look at it", world.now)
    assert (row.state, row.acknowledged_by, row.acknowledged_at) == ("acknowledged", "ann", world.now)
    responding.acknowledge("default", number, "bob", now=world.now)
    world.run(7200)
    assert world.told() == ["opened", "acknowledged"]
    told = from_json(Notification.objects.get(event="acknowledged").message)
    assert (told.actor, told.note, told.state) == ("ann", "I look at it", "acknowledged")
    assert reading.one("default", number).acknowledged_by == "ann"


def test_acknowledged_it_is_told_all_the_same_if_it_becomes_critical(world: World) -> None:
    number = opened(world)
    responding.acknowledge("default", number, "ann", now=world.now)
    world.fire(severity="critical")
    world.run(7200)
    assert world.told() == ["opened", "acknowledged", "severity"]
    assert reading.one("default", number).state == "acknowledged"


def test_acknowledged_before_it_was_told_it_is_told_to_nobody(world: World) -> None:
    world.fire()
    world.step()
    number = world.incident().pk
    responding.acknowledge("default", number, "ann", now=world.now)
    world.run(60)
    assert world.told() == []
    responding.unacknowledge("default", number, "ann", now=world.now)
    assert world.told() == ["opened"]


def test_unacknowledged_reminders_begin_anew(world: World) -> None:
    repeat(world, 600)
    number = opened(world)
    responding.acknowledge("default", number, "ann", now=world.now)
    world.run(3600)
    row = responding.unacknowledge("default", number, "ann", now=world.now)
    assert (row.state, row.acknowledged_by, row.acknowledged_at) == ("open", "", None)
    world.run(599)
    assert world.told() == ["opened", "acknowledged", "unacknowledged"]
    world.run(60)
    assert world.told() == ["opened", "acknowledged", "unacknowledged", "reminder"]


def test_resolved_by_hand_is_told_once_and_stays_so(world: World) -> None:
    number = opened(world)
    row = responding.resolve("default", number, "ann", "restarted it", world.now)
    assert (row.state, row.resolved_by) == ("resolved", "ann")
    assert world.told() == ["opened", "resolved"]
    # The alert fires on for a while with evidence that is not new.
    for _ in range(4):
        world.now += timedelta(seconds=60)
        world.fire()
        world.step()
    assert reading.one("default", number).state == "resolved"
    assert world.told() == ["opened", "resolved"]
    told = from_json(Notification.objects.get(event="resolved").message)
    assert (told.actor, told.note, told.alerts[0].status) == ("ann", "restarted it", "resolved")


def test_resolved_by_hand_evidence_five_minutes_newer_reopens_it(world: World) -> None:
    number = opened(world)
    responding.resolve("default", number, "ann", now=world.now)
    world.now += timedelta(minutes=5, seconds=1)
    world.fire()
    world.run(10)
    row = reading.one("default", number)
    assert (row.state, row.reopened) == ("open", 1)
    assert world.told() == ["opened", "resolved", "reopened"]


def test_resolved_by_hand_the_end_of_its_alert_is_no_news_and_a_new_one_is(world: World) -> None:
    number = opened(world)
    responding.resolve("default", number, "ann", now=world.now)
    alert = world.incident().alerts.get()
    world.now += timedelta(seconds=60)
    world.end(alert)
    world.run(60)
    assert reading.one("default", number).state == "resolved"
    world.fire()
    world.run(60)
    assert reading.one("default", number).state == "open"
    assert world.told() == ["opened", "resolved", "reopened"]


def test_resolved_by_hand_long_ago_and_never_over_is_the_same_incident(world: World) -> None:
    number = opened(world)
    responding.resolve("default", number, "ann", now=world.now)
    world.now += timedelta(hours=3)
    world.fire()
    world.run(10)
    assert (world.incident().pk, world.incident().state) == (number, "open")


def test_reopened_by_hand_is_told_and_stays_until_somebody_resolves_it(world: World) -> None:
    number = opened(world)
    world.end(world.incident().alerts.get())
    world.run(10)
    responding.reopen("default", number, "ann", "not yet", world.now)
    assert world.told() == ["opened", "resolved", "reopened"]
    world.run(3600)
    assert reading.one("default", number).state == "open"
    responding.resolve("default", number, "ann", now=world.now)
    assert world.told() == ["opened", "resolved", "reopened", "resolved"]


def test_reopening_beside_a_newer_one_is_refused(world: World) -> None:
    number = opened(world)
    world.end(world.incident().alerts.get())
    world.run(3600)
    world.fire()
    world.step()
    with pytest.raises(InvalidInput, match="about the same is open"):
        responding.reopen("default", number, "ann", now=world.now)


def test_snoozed_it_is_quiet_then_open_again_and_told(world: World) -> None:
    repeat(world, 600)
    number = opened(world)
    responding.acknowledge("default", number, "ann", now=world.now)
    row = responding.snooze("default", number, world.now + timedelta(hours=2), "ann", "after lunch", world.now)
    assert (row.state, row.snoozed_until) == ("acknowledged", world.now + timedelta(hours=2))
    world.run(7190)
    assert world.told() == ["opened", "acknowledged"]
    world.run(60)
    row = reading.one("default", number)
    assert (row.state, row.snoozed_until, row.acknowledged_by) == ("open", None, "")
    assert world.told() == ["opened", "acknowledged", "reminder"]
    assert world.history() == ["opened", "acknowledged", "snoozed", "woken"]


def test_a_snooze_ends_when_it_becomes_critical(world: World) -> None:
    number = opened(world)
    responding.snooze("default", number, world.now + timedelta(hours=2), "ann", now=world.now)
    world.fire(severity="critical")
    world.run(10)
    assert world.told() == ["opened", "severity"]
    assert world.history() == ["opened", "snoozed", "severity", "woken"]


def test_snoozed_and_over_it_is_told_as_over(world: World) -> None:
    number = opened(world)
    responding.snooze("default", number, world.now + timedelta(hours=2), "ann", now=world.now)
    world.end(world.incident().alerts.get())
    world.run(10)
    assert world.told() == ["opened", "resolved"]
    assert reading.one("default", number).snoozed_until is None


def test_woken_by_hand_tells_nobody_again(world: World) -> None:
    number = opened(world)
    responding.snooze("default", number, world.now + timedelta(hours=2), "ann", now=world.now)
    responding.wake("default", number, "ann", now=world.now)
    world.run(60)
    assert world.told() == ["opened"]
    with pytest.raises(InvalidInput, match="not snoozed"):
        responding.wake("default", number, "ann", now=world.now)


def test_silenced_nothing_of_what_people_do_is_told(world: World) -> None:
    number = opened(world)
    silences.create("default", {"matchers": 'agent="planner"', "duration_s": 3600}, "ann", world.now)
    responding.acknowledge("default", number, "ann", now=world.now)
    responding.resolve("default", number, "ann", now=world.now)
    world.run(3000)
    assert world.told() == ["opened"]
    world.run(700)
    assert world.told() == ["opened", "resolved"]


def test_escalation_step_by_step_until_somebody_has_it(world: World) -> None:
    first = world.project.channels.get()
    lead, boss = world.channel("lead"), world.channel("boss")
    routing.create("default", {"name": "all", "channels": [first.pk], "escalation": [
        {"after_s": 600, "channels": [lead.pk]}, {"after_s": 1200, "channels": [boss.pk, lead.pk]},
    ]}, "ann", world.now)  # fmt: skip
    number = opened(world)
    world.run(590)
    assert (world.told(lead), world.told(boss)) == ([], [])
    world.run(60)
    assert (world.told(lead), world.told(boss)) == (["escalated"], [])
    world.run(1200)
    assert (world.told(lead), world.told(boss)) == (["escalated"] * 2, ["escalated"])
    assert world.told(first) == ["opened"]
    assert world.history() == ["opened", "escalated", "escalated"]
    # Who was called in is told of the end.
    responding.resolve("default", number, "ann", now=world.now)
    assert (world.told(first)[-1], world.told(lead)[-1], world.told(boss)[-1]) == ("resolved",) * 3


def test_escalation_stops_when_it_is_acknowledged(world: World) -> None:
    first, lead = world.project.channels.get(), world.channel("lead")
    steps = [{"after_s": 600, "channels": [lead.pk]}]
    routing.create("default", {"name": "all", "channels": [first.pk], "escalation": steps}, "ann", world.now)
    number = opened(world)
    responding.acknowledge("default", number, "ann", now=world.now)
    world.run(7200)
    assert world.told(lead) == []
    responding.unacknowledge("default", number, "ann", now=world.now)
    world.run(590)
    assert world.told(lead) == []
    world.run(60)
    assert world.told(lead) == ["escalated"]


def test_notes_stand_in_the_history_and_change_nothing(world: World) -> None:
    number = opened(world)
    version = reading.one("default", number).version
    responding.note("default", number, " it is the cache ", "ann", world.now)
    row = reading.one("default", number)
    assert (row.version, [one.note for one in reading.history(row)]) == (version, ["", "it is the cache"])
    for text in ("", "  ", "x" * 4001):
        with pytest.raises(InvalidInput):
            responding.note("default", number, text, "ann")
    responding.halted(row, "ann", "stopped the planner", {"halt": 1}, world.now)
    assert [one.kind for one in reading.history(row)] == ["opened", "noted", "halted"]


def test_what_the_state_does_not_allow_is_refused(world: World) -> None:
    number = opened(world)
    with pytest.raises(InvalidInput, match="not resolved"):
        responding.reopen("default", number, "ann")
    with pytest.raises(InvalidInput, match="not acknowledged"):
        responding.unacknowledge("default", number, "ann")
    with pytest.raises(InvalidInput, match="time to come"):
        responding.snooze("default", number, world.now, "ann", now=world.now)
    with pytest.raises(InvalidInput, match="at most 30 days"):
        responding.snooze("default", number, world.now + timedelta(days=31), "ann", now=world.now)
    responding.resolve("default", number, "ann", now=world.now)
    for act in (responding.acknowledge, responding.resolve):
        with pytest.raises(InvalidInput, match="resolved"):
            act("default", number, "ann")
    with pytest.raises(InvalidInput, match="resolved"):
        responding.snooze("default", number, world.now + timedelta(days=1), "ann", now=world.now)
    with pytest.raises(NotFound):
        responding.acknowledge("default", number + 1, "ann")
    assert Transition.objects.filter(actor="ann").count() == 1


def test_a_failed_first_message_has_no_end(world: World) -> None:
    number = opened(world)
    Notification.objects.update(state="failed")
    responding.resolve("default", number, "ann", now=world.now)
    assert world.told() == ["opened"]


def test_a_row_that_a_test_or_import_made_can_be_answered(world: World) -> None:
    row = Incident.objects.create(project=world.project, key="k", open_key="k", severity="warning", title="By hand")
    responding.acknowledge("default", row.pk, "ann")
    responding.resolve("default", row.pk, "ann")
    assert reading.one("default", row.pk).state == "resolved"
