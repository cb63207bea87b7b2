"""Silences and maintenance windows: when they hold, what they cover, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.alerts.world import START, World
from tracestore.alerts import silences
from tracestore.alerts.models import Silence
from tracestore.errors import InvalidInput, NotFound

BERLIN = ZoneInfo("Europe/Berlin")


def weekly(starts: datetime, ends: datetime, zone: str = "Europe/Berlin") -> Silence:
    return Silence(starts_at=starts.astimezone(UTC), ends_at=ends.astimezone(UTC), repeats="weekly", time_zone=zone)


def test_a_weekly_window_is_at_the_same_time_of_day_all_year() -> None:
    row = weekly(datetime(2026, 3, 4, 3, tzinfo=BERLIN), datetime(2026, 3, 4, 5, tzinfo=BERLIN))
    for week in range(60):
        day = datetime(2026, 3, 4) + timedelta(weeks=week)
        for hour, holds in ((2.99, False), (3, True), (4.99, True), (5, False)):
            local = (day + timedelta(hours=hour)).replace(tzinfo=BERLIN)
            assert (silences.until(row, local.astimezone(UTC)) is not None) is holds, local
    # Winter and summer are an hour apart in UTC.
    assert silences.until(row, datetime(2026, 3, 4, 2, 30, tzinfo=UTC)) == datetime(2026, 3, 4, 4, tzinfo=UTC)
    assert silences.until(row, datetime(2026, 4, 1, 1, 30, tzinfo=UTC)) == datetime(2026, 4, 1, 3, tzinfo=UTC)


def test_in_the_night_in_which_the_clock_is_changed() -> None:
    # Sundays 1:30 to 3:30. On 29 March 2026 two o'clock is three o'clock: an hour. On 25 October: three hours.
    row = weekly(datetime(2026, 3, 1, 1, 30, tzinfo=BERLIN), datetime(2026, 3, 1, 3, 30, tzinfo=BERLIN))
    assert silences.window(row, datetime(2026, 3, 28, tzinfo=UTC)) == (
        datetime(2026, 3, 29, 0, 30, tzinfo=UTC), datetime(2026, 3, 29, 1, 30, tzinfo=UTC),
    )  # fmt: skip
    assert silences.window(row, datetime(2026, 10, 24, tzinfo=UTC)) == (
        datetime(2026, 10, 24, 23, 30, tzinfo=UTC), datetime(2026, 10, 25, 2, 30, tzinfo=UTC),
    )  # fmt: skip


def test_a_time_that_is_skipped_is_taken_an_hour_later() -> None:
    row = weekly(datetime(2026, 3, 1, 2, 10, tzinfo=BERLIN), datetime(2026, 3, 1, 2, 50, tzinfo=BERLIN))
    found = silences.window(row, datetime(2026, 3, 28, tzinfo=UTC))
    assert found == (datetime(2026, 3, 29, 1, 10, tzinfo=UTC), datetime(2026, 3, 29, 1, 50, tzinfo=UTC))
    # What there is twice is silenced twice.
    found = silences.window(row, datetime(2026, 10, 24, tzinfo=UTC))
    assert found == (datetime(2026, 10, 25, 0, 10, tzinfo=UTC), datetime(2026, 10, 25, 1, 50, tzinfo=UTC))


@given(
    st.datetimes(datetime(2025, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),
    st.timedeltas(timedelta(minutes=1), timedelta(days=6, hours=20)),
    st.timedeltas(timedelta(0), timedelta(days=800)),
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]),
)
def test_the_next_window_is_never_far_nor_past(begins: datetime, lasts: timedelta, later: timedelta, zone: str) -> None:
    row = weekly(begins, begins + lasts, zone)
    now = begins + later
    found = silences.window(row, now)
    assert found is not None
    assert now < found[1]
    assert found[0] - now <= timedelta(days=7, hours=1)
    assert abs((found[1] - found[0]) - lasts) <= timedelta(hours=2)
    local = [moment.astimezone(ZoneInfo(zone)) for moment in (begins, found[0])]
    skipped = timedelta(hours=local[1].hour - local[0].hour, minutes=local[1].minute - local[0].minute)
    assert skipped in (timedelta(0), timedelta(hours=1), timedelta(minutes=30))


@pytest.mark.django_db
def test_made_changed_and_ended() -> None:
    World()
    fields = {"matchers": [{"name": "agent", "value": "planner"}], "duration_s": 3600, "comment": " deploy "}
    row = silences.create("default", fields, "ann", START)
    assert (row.starts_at, row.ends_at, row.comment, row.created_by) == (
        START, START + timedelta(hours=1), "deploy", "ann",
    )  # fmt: skip
    assert silences.state(row, START) == "active"
    assert silences.covering("default", {"agent": "planner"}, START) == [row]
    assert silences.covering("default", {"agent": "writer"}, START) == []
    assert silences.covering("default", {"agent": "planner"}, row.ends_at) == []
    row = silences.change("default", row.pk, {"ends_at": "2026-03-02T20:00:00Z"}, "bob", START)
    assert row.ends_at == datetime(2026, 3, 2, 20, tzinfo=UTC)
    later = START + timedelta(minutes=5)
    row = silences.end("default", row.pk, "bob", later)
    assert (row.ends_at, silences.state(row, later)) == (later, "expired")
    assert silences.end("default", row.pk, "bob", later + timedelta(minutes=1)).ends_at == later
    with pytest.raises(InvalidInput, match="is over"):
        silences.change("default", row.pk, {"comment": "x"}, "bob", later)
    with pytest.raises(NotFound):
        silences.end("default", row.pk + 1, "bob", later)
    assert (silences.listed("default", True, later), silences.listed("default", False, later)) == ([], [row])


@pytest.mark.django_db
def test_a_maintenance_window_with_times_of_its_zone() -> None:
    World()
    fields = {
        "kind": "maintenance", "matchers": "tool=search", "starts_at": "2026-03-04T03:00",
        "ends_at": "2026-03-04T05:00", "repeats": "weekly", "time_zone": "Europe/Berlin",
    }  # fmt: skip
    row = silences.create("default", fields, "ann", START)
    assert (row.starts_at, silences.state(row, START)) == (datetime(2026, 3, 4, 2, tzinfo=UTC), "pending")
    later = datetime(2026, 5, 6, 1, 30, tzinfo=UTC)
    assert silences.state(row, later) == "active"
    row = silences.end("default", row.pk, "ann", later)
    assert silences.state(row, later) == "expired"
    assert silences.window(row, later) is None


@pytest.mark.django_db
def test_one_that_has_not_begun_and_is_ended_never_holds() -> None:
    World()
    fields = {"matchers": "agent=a", "starts_at": START + timedelta(hours=1), "duration_s": 3600}
    row = silences.create("default", fields, "ann", START)
    assert (row.ends_at, silences.state(row, START)) == (START + timedelta(hours=2), "pending")
    row = silences.end("default", row.pk, "ann", START)
    assert silences.state(row, START + timedelta(hours=1)) == "expired"


@pytest.mark.django_db
def test_which_open_incidents_it_would_cover() -> None:
    world = World()
    world.fire("planner")
    world.fire("writer", severity="critical")
    world.end(world.fire("critic"))
    world.step()
    assert [row.labels["agent"] for row in silences.preview("default", 'agent=~"plan.*|critic"')] == ["planner"]
    assert [row.labels["agent"] for row in silences.preview("default", 'severity="critical"')] == ["writer"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({}, "matchers"),
        ({"matchers": []}, "matchers"),
        ({"matchers": 'agent=~".*"'}, "matchers"),
        ({"matchers": 'agent!="a"'}, "matchers"),
        ({"matchers": "agent=a"}, "ends_at"),
        ({"matchers": "agent=a", "ends_at": "2026-03-02T11:00:00Z"}, "ends_at"),
        ({"matchers": "agent=a", "ends_at": "soon"}, "ends_at"),
        ({"matchers": "agent=a", "duration_s": 1}, "duration_s"),
        ({"matchers": "agent=a", "duration_s": "3600"}, "duration_s"),
        ({"matchers": "agent=a", "duration_s": 3600, "starts_at": 7}, "starts_at"),
        ({"matchers": "agent=a", "ends_at": "2028-01-01T00:00:00Z"}, "ends_at"),
        ({"matchers": "agent=a", "duration_s": 7 * 86_400, "repeats": "weekly"}, "ends_at"),
        ({"matchers": "agent=a", "duration_s": 3600, "repeats": "daily"}, "repeats"),
        ({"matchers": "agent=a", "duration_s": 3600, "time_zone": "Mars/Base"}, "time_zone"),
        ({"matchers": "agent=a", "duration_s": 3600, "time_zone": "../etc/passwd"}, "time_zone"),
        ({"matchers": "agent=a", "duration_s": 3600, "kind": "nap"}, "kind"),
        ({"matchers": "agent=a", "duration_s": 3600, "comment": 7}, "comment"),
        ({"matchers": "agent=a", "duration_s": 3600, "who": "me"}, "who"),
    ],
)
def test_what_is_refused(fields: dict[str, object], field: str) -> None:
    World()
    with pytest.raises(InvalidInput) as error:
        silences.create("default", fields, "ann", START)
    assert error.value.field == field
    assert not Silence.objects.exists()
