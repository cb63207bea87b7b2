"""Silences and maintenance windows: while one holds, incidents whose labels match are kept but not told."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.utils import timezone

from tracestore import audit
from tracestore.alerts import matchers
from tracestore.alerts.matchers import Matcher
from tracestore.alerts.models import Incident, Silence
from tracestore.alerts.transitions import GOING_ON
from tracestore.errors import InvalidInput, NotFound
from tracestore.models import Project
from tracestore.moments import parse_time

FIELDS: Final = ("kind", "matchers", "starts_at", "ends_at", "duration_s", "repeats", "time_zone", "comment")
WEEK: Final = timedelta(days=7)
#: A silence that is longer is forgotten; who needs one switches the rule off.
LONGEST: Final = timedelta(days=366)
MOST_COMMENT: Final = 1_000
MOST: Final = 500

Window = tuple[datetime, datetime]


def listed(project_slug: str, active: bool | None = None, now: datetime | None = None) -> list[Silence]:
    """The newest first; only those that hold at `now` (or only the others) if asked."""
    rows = list(Silence.objects.filter(project__slug=project_slug).order_by("-created_at", "-pk")[:MOST])
    if active is None:
        return rows
    now = now or timezone.now()
    return [row for row in rows if (until(row, now) is not None) == active]


def one(project_slug: str, number: int) -> Silence:
    """Raises: NotFound."""
    found = Silence.objects.select_related("project").filter(project__slug=project_slug, pk=number).first()
    if found is None:
        raise NotFound("There is no such silence.")
    return found


def create(project_slug: str, fields: Mapping[str, Any], actor: str, now: datetime | None = None) -> Silence:
    """A silence from now (or `starts_at`) until `ends_at` (or for `duration_s` seconds).

    Raises:
        InvalidInput: a field is unknown, missing or cannot be what it is.
        NotFound: there is no such project.
    """
    now = now or timezone.now()
    project = Project.objects.filter(slug=project_slug).first()
    if project is None:
        raise NotFound("There is no such project.")
    if "matchers" not in fields:
        raise InvalidInput(f"matchers: {matchers.EXPECTED}.", field="matchers")
    row = Silence(project=project, created_by=actor[:150], created_at=now, starts_at=now)
    _fill(row, fields, now)
    row.save()
    audit.concerns(row.pk)
    recheck(project.pk, stored(row), now)
    return row


def change(
    project_slug: str, number: int, fields: Mapping[str, Any], actor: str, now: datetime | None = None
) -> Silence:
    """Changes the fields that are given. One that is over stays over: make a new one.

    Raises: as `create`.
    """
    now = now or timezone.now()
    row = one(project_slug, number)
    if state(row, now) == "expired":
        raise InvalidInput("This silence is over: expected a new one.", field="ends_at")
    before = stored(row)
    _fill(row, fields, now)
    row.save()
    recheck(row.project_id, before, now)
    recheck(row.project_id, stored(row), now)
    return row


def end(project_slug: str, number: int, actor: str, now: datetime | None = None) -> Silence:
    """Ends it now, all weeks to come too; what it kept quiet and is still going on is told. Ending twice is fine.

    Raises: NotFound.
    """
    now = now or timezone.now()
    row = one(project_slug, number)
    if state(row, now) != "expired":
        row.repeats = ""
        row.ends_at = max(row.starts_at, min(row.ends_at, now))
        row.save(update_fields=["repeats", "ends_at"])
        recheck(row.project_id, stored(row), now)
    return row


def stored(row: Silence) -> tuple[Matcher, ...]:
    return matchers.stored(row.matchers)


def state(row: Silence, now: datetime) -> Literal["active", "pending", "expired"]:
    """As Alertmanager's; a weekly window is pending between its times."""
    found = window(row, now)
    if found is None:
        return "expired"
    return "active" if found[0] <= now else "pending"


def until(row: Silence, now: datetime) -> datetime | None:
    """The end of the time in which it holds now, None if it does not."""
    found = window(row, now)
    return found[1] if found is not None and found[0] <= now else None


def window(row: Silence, now: datetime) -> Window | None:
    """The time in which it holds now, else the next one; None if there is none any more. The end is outside.

    Weekly ones begin and end at the same times of the clock in their zone, so that they last an hour longer or
    shorter in the night in which the clock is changed. A time that is skipped there is taken an hour later.
    """
    if row.repeats != "weekly":
        return (row.starts_at, row.ends_at) if now < row.ends_at else None
    zone = ZoneInfo(row.time_zone)
    begins = row.starts_at.astimezone(zone).replace(tzinfo=None)
    ends = row.ends_at.astimezone(zone).replace(tzinfo=None)
    if ends <= begins:
        # Shorter than what the clock was set back by: take its length for what it is.
        ends = begins + (row.ends_at - row.starts_at)
    weeks = max(0, (now - row.starts_at) // WEEK - 1)
    for later in range(weeks, weeks + 4):
        begin, last = begins + later * WEEK, ends + later * WEEK
        # Of a time that there is twice, begin at the first and end at the second.
        found = (
            begin.replace(tzinfo=zone).astimezone(UTC),
            max(last.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)),
        )
        if now < found[1] and found[0] < found[1]:
            return found
    return None


def covering(project_slug: str, labels: Mapping[str, str], now: datetime) -> list[Silence]:
    """Those that hold and match, the oldest first."""
    return [
        row
        for row in Silence.objects.filter(project__slug=project_slug).order_by("pk")
        if until(row, now) is not None and matchers.matches(stored(row), labels)
    ]


def over(project_slug: str, of_alerts: list[Mapping[str, str]], now: datetime) -> tuple[list[Silence], datetime | None]:
    """The silences that together cover alerts of these labels, and when the first alert comes out from under them.

    ([], None) if one of them is not covered: then the incident is told, as in Alertmanager, where a group is told
    of the alerts that are not silenced.
    """
    holding = [
        (row, stored(row), ends)
        for row in Silence.objects.filter(project__slug=project_slug).order_by("pk")
        if (ends := until(row, now)) is not None
    ]
    if not holding or not of_alerts:
        return [], None
    used: dict[int, Silence] = {}
    first: datetime | None = None
    for labels in of_alerts:
        found = [(row, ends) for row, wanted, ends in holding if matchers.matches(wanted, labels)]
        if not found:
            return [], None
        used |= {row.pk: row for row, _ in found}
        last = max(ends for _, ends in found)
        first = last if first is None else min(first, last)
    return list(used.values()), first


def preview(project_slug: str, given: object) -> list[Incident]:
    """The incidents that are not over and that a silence of these matchers would cover, the newest first.

    Raises:
        InvalidInput: these are no matchers.
    """
    wanted = checked_matchers(given)
    going_on = Incident.objects.filter(project__slug=project_slug, state__in=GOING_ON).order_by("-opened_at", "-pk")
    return [row for row in going_on if matchers.matches(wanted, {**row.labels, "severity": row.severity})]


def recheck(project_id: int, wanted: tuple[Matcher, ...], now: datetime) -> None:
    """Has the next tick look at the incidents that these matchers concern."""
    rows = Incident.objects.filter(project_id=project_id).exclude(state="resolved", settles_at=None)
    # Labels of an incident are those that its alerts share; one of its alerts may match where it does not.
    found = [
        row.pk
        for row in rows.prefetch_related("alerts")
        if any(matchers.matches(wanted, labels) for labels in [row.labels, *(one.labels for one in row.alerts.all())])
    ]
    Incident.objects.filter(pk__in=found).update(next_notice_at=now)


def checked_matchers(given: object) -> tuple[Matcher, ...]:
    """Raises: InvalidInput, also for matchers that would silence everything."""
    found = matchers.parse(given)
    if not found or matchers.matches(found, {}):
        # As Alertmanager: at least one must not match the empty text.
        raise InvalidInput(
            'matchers: these match everything: expected at least one that does not match "".', field="matchers"
        )
    return found


def _fill(row: Silence, fields: Mapping[str, Any], now: datetime) -> None:
    for name in fields:
        if name not in FIELDS:
            raise InvalidInput(f"There is no such field: expected some of {', '.join(FIELDS)}.", field=str(name)[:100])
    if "kind" in fields:
        if fields["kind"] not in Silence.Kind.values:
            raise InvalidInput(f"kind: expected {' or '.join(Silence.Kind.values)}.", field="kind")
        row.kind = fields["kind"]
    if "matchers" in fields:
        row.matchers = matchers.as_json(checked_matchers(fields["matchers"]))
    if "comment" in fields:
        if not isinstance(fields["comment"], str) or len(fields["comment"]) > MOST_COMMENT:
            raise InvalidInput(f"comment: expected a text of at most {MOST_COMMENT} characters.", field="comment")
        row.comment = fields["comment"].strip()
    if "time_zone" in fields:
        row.time_zone = _zone(fields["time_zone"])
    if "repeats" in fields:
        if fields["repeats"] not in ("", "weekly"):
            raise InvalidInput('repeats: expected "" or "weekly".', field="repeats")
        row.repeats = fields["repeats"]
    _fill_times(row, fields, now)


def _fill_times(row: Silence, fields: Mapping[str, Any], now: datetime) -> None:
    if fields.get("starts_at"):
        row.starts_at = _moment(fields["starts_at"], "starts_at", row.time_zone, now)
    if fields.get("ends_at"):
        row.ends_at = _moment(fields["ends_at"], "ends_at", row.time_zone, now)
    elif "duration_s" in fields:
        seconds = fields["duration_s"]
        if not isinstance(seconds, int) or isinstance(seconds, bool) or not 60 <= seconds <= LONGEST.total_seconds():
            raise InvalidInput("duration_s: expected a number of seconds from 60 on.", field="duration_s")
        row.ends_at = max(row.starts_at, now if row.repeats == "" else row.starts_at) + timedelta(seconds=seconds)
    if row.ends_at is None:
        raise InvalidInput("ends_at: expected when it ends, or duration_s.", field="ends_at")
    if row.ends_at <= row.starts_at:
        raise InvalidInput("ends_at: expected a time after starts_at.", field="ends_at")
    if row.repeats == "weekly" and row.ends_at - row.starts_at >= WEEK:
        raise InvalidInput("ends_at: expected less than a week after starts_at, as it repeats weekly.", field="ends_at")
    if row.repeats == "" and row.ends_at <= now:
        raise InvalidInput("ends_at: expected a time to come.", field="ends_at")
    if row.ends_at - row.starts_at > LONGEST:
        raise InvalidInput("ends_at: expected at most a year after starts_at.", field="ends_at")


def _moment(given: object, field: str, zone: str, now: datetime) -> datetime:
    """A time; one without an offset (a form's) is the zone's."""
    if isinstance(given, datetime):
        found = given
    elif isinstance(given, str):
        try:
            found = datetime.fromisoformat(given.strip())
        except ValueError:
            found = parse_time(given[:60], field, now=now)
    else:
        raise InvalidInput(f"{field}: expected a time as RFC 3339.", field=field)
    return (found if found.tzinfo else found.replace(tzinfo=ZoneInfo(zone))).astimezone(UTC)


def _zone(given: object) -> str:
    try:
        if isinstance(given, str) and 0 < len(given) <= 64:
            ZoneInfo(given)
            return given
    except (ZoneInfoNotFoundError, ValueError, OSError):
        pass
    raise InvalidInput("time_zone: expected a name such as Europe/Berlin.", field="time_zone")
