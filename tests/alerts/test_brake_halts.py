"""Halts by hand and the record of those told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tracestore.alerts import halts
from tracestore.alerts.halts import Told
from tracestore.alerts.models import Halt, Incident, Transition
from tracestore.detectors.standing import Subject
from tracestore.errors import InvalidInput, NotFound
from tracestore.models import Project

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
AGENT = Subject("default", "agent", "planner")


@pytest.fixture(autouse=True)
def project() -> Project:
    return Project.objects.get_or_create(slug="default", defaults={"name": "Default"})[0]


def later(**time: float) -> datetime:
    return NOW + timedelta(**time)


def test_a_halt_holds_until_its_time_or_until_it_is_lifted() -> None:
    timed = halts.halt("default", "agent", "planner", "costly", "ada", later(hours=1), now=NOW)
    lasting = halts.halt("default", "session_id", "s1", "", "ada", now=NOW)
    assert set(halts.active("default", later(minutes=59))) == {timed, lasting}
    assert set(halts.active("default", later(hours=1))) == {lasting}
    lifted = halts.lift("default", lasting.pk, "eve", "done", later(minutes=5))
    assert (lifted.lifted_by, lifted.lift_reason, lifted.lifted_at) == ("eve", "done", later(minutes=5))
    again = halts.lift("default", lasting.pk, "bob", "x", later(minutes=6))
    assert again.lifted_by == "eve"
    assert not halts.active("other").exists()


def test_halting_again_changes_the_one_there_is_and_after_its_time_makes_another() -> None:
    first = halts.halt("default", "agent", "planner", "a", "ada", later(hours=1), now=NOW)
    same = halts.halt("default", "agent", "planner", "b", "eve", now=later(minutes=1))
    assert (same.pk, same.reason, same.until) == (first.pk, "b", None)
    halts.halt("default", "agent", "planner", "b", "eve", later(minutes=2), now=later(minutes=1))
    another = halts.halt("default", "agent", "planner", "c", "ada", now=later(hours=2))
    assert another.pk != first.pk
    first.refresh_from_db()
    assert (first.active_key, first.until) == (None, later(minutes=2))


def test_one_by_hand_takes_the_place_of_a_stretch_that_is_told() -> None:
    halts.record({AGENT: Told(3, "finding", "loop: x", NOW)})
    made = halts.halt("default", "agent", "planner", "enough", "ada", now=later(minutes=1))
    told = Halt.objects.exclude(pk=made.pk).get()
    assert (told.until, told.active_key) == (later(minutes=1), None)
    halts.record({AGENT: Told(2, "hand", "x", later(minutes=2), halt=made.pk)})
    made.refresh_from_db()
    assert (made.told, made.source, made.reason) == (2, "hand", "enough")
    halts.over([AGENT], later(minutes=3))
    made.refresh_from_db()
    assert made.active_key is not None


def test_a_stretch_counts_and_ends_when_nobody_asks_any_more() -> None:
    for minute in range(3):
        halts.record({AGENT: Told(2, "budget", "Budget b", later(minutes=minute))})
    (row,) = Halt.objects.all()
    assert (row.told, row.last_told_at, row.since) == (6, later(minutes=2), NOW)
    assert halts.end_stale(later(minutes=11)) == 0
    assert list(halts.active("default", later(minutes=11))) == [row]
    assert halts.end_stale(later(minutes=12)) == 1
    row.refresh_from_db()
    assert row.until == later(minutes=2)
    assert halts.end_stale(later(minutes=13)) == 0


def test_time_ends_a_halt_by_hand() -> None:
    made = halts.halt("default", "agent", "planner", "x", "ada", later(minutes=1), now=NOW)
    assert halts.end_stale(later(minutes=2)) == 1
    made.refresh_from_db()
    assert (made.active_key, made.until) == (None, later(minutes=1))


def test_the_incident_behind_it_is_found_and_noted(project: Project) -> None:
    trace = "a" * 32
    by_run = Incident.objects.create(
        project=project, key="1", severity="critical", title="x", facts={"runs": [{"trace_id": trace}]}
    )
    by_agent = Incident.objects.create(
        project=project, key="2", severity="critical", title="x", labels={"agent": "planner"}
    )
    run = Subject("default", "trace_id", trace)
    other = Subject("default", "trace_id", "b" * 32)
    halts.record({subject: Told(1, "finding", "x", NOW) for subject in (run, AGENT, other)})
    assert [Halt.objects.get(subject=one.value).incident for one in (run, AGENT, other)] == [by_run, by_agent, None]
    halts.halt("default", "agent", "other", "stop", "ada", incident=by_agent, now=NOW)
    (noted,) = by_agent.transitions.all()
    assert (noted.kind, noted.note, noted.version) == (Transition.Kind.HALTED, "stop", None)


@pytest.mark.parametrize(
    ("words", "field"),
    [
        (("user", "x", ""), "by"), (("agent", " ", ""), "subject"), (("agent", "x" * 301, ""), "subject"),
        (("trace_id", "xyz", ""), "subject"), (("agent", "x", "r" * 1001), "reason"),
    ],
)  # fmt: skip
def test_bad_input_names_the_field(words: tuple[str, str, str], field: str) -> None:
    with pytest.raises(InvalidInput) as error:
        halts.halt("default", *words, "ada", now=NOW)
    assert error.value.field == field
    with pytest.raises(InvalidInput):
        halts.halt("default", "agent", "x", "", "ada", NOW, now=NOW)


def test_what_is_not_there_is_not_found() -> None:
    with pytest.raises(NotFound):
        halts.lift("default", 999, "ada")
    with pytest.raises(NotFound):
        halts.halt("nowhere", "agent", "x", "", "ada")
    made = halts.halt("default", "agent", "x", "", "ada")
    with pytest.raises(NotFound):
        halts.lift("other", made.pk, "ada")
