"""Budgets: made and changed by people, judged by a worker. docs/brake.md says what each counts.

Of a run or session the verdict judges by itself, within a second (`tracestore.verdicts.decision`); what is judged here
as well is told as an alert. Budgets of a user, an agent and the day are of a day, from midnight UTC.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, get_args

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from tracestore import audit
from tracestore.alerts import brake_changes, budget_alerts
from tracestore.alerts.budget_spending import Day, Totals
from tracestore.alerts.models import Budget, BudgetState
from tracestore.clickhouse.detecting import verdicts
from tracestore.detectors import budget as judging
from tracestore.detectors.budget import Measure, Scope, Spent
from tracestore.detectors.standing import Standing, Subject
from tracestore.errors import InvalidInput, NotFound
from tracestore.models import Project
from tracestore.moments import nanoseconds
from tracestore.verdicts.decision import BudgetSaid, used
from tracestore.verdicts.in_force import OF_A_DAY, STATES, budget_said, detector_budget

MEASURES: Final = get_args(Measure)
SCOPES: Final = get_args(Scope)
FIELDS: Final = (
    "name", "enabled", "measure", "scope", "limit", "warn_share", "halts", "halt_on_burn", "agent",
)  # fmt: skip
MOST: Final = 100
MOST_NAME: Final = 120
MOST_AGENT: Final = 300
#: How long a deleted one can be brought back.
KEPT: Final = timedelta(days=1)
#: Traces that one pass judges, and how far back it reads them. The verdict on a run looks further back.
MOST_TRACES: Final = 1_000
BACK: Final = timedelta(days=1)
#: Reading runs and reading the day's sums take at most this share of the time each.
SHARE: Final = 1 / 20
#: The log of writes is read so far back again: a write shows up a little after the moment it says.
OVERLAP: Final = timedelta(seconds=5)
#: After an absence, at most.
FURTHEST: Final = timedelta(minutes=10)
#: Subjects that have used less of a limit are not judged: no rule of `detectors.budget` speaks below.
TOO_LITTLE: Final = 0.2
#: A state is written again when so much of the limit was spent since.
WORTH_WRITING: Final = 0.01


def listed(project_slug: str) -> QuerySet[Budget]:
    return Budget.objects.filter(project__slug=project_slug, deleted_at=None).order_by("name", "pk")


def one(project_slug: str, number: int, *, deleted: bool = False) -> Budget:
    """Raises: NotFound."""
    found = Budget.objects.filter(project__slug=project_slug, pk=number, deleted_at__isnull=not deleted).first()
    if found is None:
        raise NotFound("There is no such budget in this project.")
    return found


def states(project_slug: str) -> QuerySet[BudgetState]:
    """Those that warn or halt now, the most spent first."""
    now = timezone.now()
    found = BudgetState.objects.filter(budget__project__slug=project_slug, budget__deleted_at=None)
    return found.filter(budget__enabled=True, at__gt=now - STATES).select_related("budget").order_by("-spent", "pk")


def create(project_slug: str, fields: Mapping[str, Any]) -> Budget:
    """Makes a budget.

    Raises:
        InvalidInput: a field is unknown, missing or impossible; names it.
        NotFound: there is no such project.
    """
    project = Project.objects.filter(slug=project_slug).first()
    if project is None:
        raise NotFound("There is no such project.")
    for name in ("name", "measure", "scope", "limit"):
        if name not in fields:
            raise InvalidInput(f"{name}: expected in a new budget.", field=name)
    if listed(project_slug).count() >= MOST:
        raise InvalidInput(f"There are {MOST} budgets: expected one of them to be deleted first.")
    return _saved(Budget(project=project), fields)


def change(project_slug: str, number: int, fields: Mapping[str, Any]) -> Budget:
    """Changes the fields that are given. Raises: NotFound, InvalidInput."""
    return _saved(one(project_slug, number), fields)


def delete(project_slug: str, number: int) -> Budget:
    """For a day it can be brought back. Raises: NotFound."""
    found = one(project_slug, number)
    found.deleted_at = timezone.now()
    with transaction.atomic():
        Budget.objects.filter(project=found.project, deleted_at__lt=timezone.now() - KEPT).delete()
        found.save(update_fields=["deleted_at"])
        found.states.all().delete()
    brake_changes.tell()
    return found


def restore(project_slug: str, number: int) -> Budget:
    """Raises: NotFound, also after a day; InvalidInput: another one has its name by now."""
    found = one(project_slug, number, deleted=True)
    found.deleted_at = None
    return _saved(found, {})


def _saved(budget: Budget, fields: Mapping[str, Any]) -> Budget:
    for name, value in fields.items():
        setattr(budget, str(name), checked(str(name), value))
    try:
        detector_budget(budget)
    except OverflowError:
        raise InvalidInput("limit: expected a smaller number.", field="limit") from None
    same = listed(budget.project.slug).filter(name=budget.name).exclude(pk=budget.pk)
    if same.exists():
        raise InvalidInput("name: there is a budget of that name.", field="name")
    budget.changed_at = timezone.now()
    with transaction.atomic():
        budget.save()
        # What was said of the old limit is judged anew.
        budget.states.all().delete()
    audit.concerns(budget.pk)
    brake_changes.tell()
    return budget


def checked(name: str, value: object) -> object:
    """A field's value as it is stored. Raises: InvalidInput."""
    if name not in FIELDS:
        raise InvalidInput(f"There is no such field: expected some of {', '.join(FIELDS)}.", field=name[:100])
    if name in ("enabled", "halts", "halt_on_burn"):
        if not isinstance(value, bool):
            raise InvalidInput(f"{name}: expected true or false.", field=name)
        return value
    if name in ("limit", "warn_share"):
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e15:
            raise InvalidInput(f"{name}: expected a number above 0.", field=name)
        return float(value)
    if not isinstance(value, str):
        raise InvalidInput(f"{name}: expected a text.", field=name)
    value = value.strip()
    if name == "name" and not 0 < len(value) <= MOST_NAME:
        raise InvalidInput(f"name: expected 1 to {MOST_NAME} characters.", field=name)
    if name == "agent" and len(value) > MOST_AGENT:
        raise InvalidInput(f"agent: expected at most {MOST_AGENT} characters.", field=name)
    possible = {"measure": MEASURES, "scope": SCOPES}.get(name)
    if possible and value not in possible:
        raise InvalidInput(f"{name}={value[:100]!r} is not known: expected {', '.join(possible)}.", field=name)
    return value


Judged = dict[tuple[int, str], judging.BudgetState]


class Judge:
    """What a worker remembers between passes: until where it read, and the sums of hours that are over."""

    def __init__(self) -> None:
        self.day = Day()
        self._read_until: datetime | None = None
        self._runs_not_before = 0.0
        self._day_not_before = 0.0

    def judge(self, now: datetime) -> int:
        """Judges all budgets; returns how many states it changed.

        Raises:
            Unavailable: the store does not answer. What was judged before stays.
        """
        rows = {
            row.pk: (row.project.slug, said)
            for row in Budget.objects.filter(enabled=True, deleted_at=None, project__closed_at=None).select_related(
                "project"
            )
            if (said := budget_said(row)) is not None
        }
        changed = BudgetState.objects.filter(at__lte=now - STATES).delete()[0]
        changed += BudgetState.objects.exclude(budget__in=rows).delete()[0]
        try:
            if rows:
                daily = {key: row for key, row in rows.items() if row[1].of.scope in OF_A_DAY}
                changed += self._judge_runs({key: row for key, row in rows.items() if key not in daily}, now)
                changed += self._judge_day(daily, now)
        finally:
            changed += budget_alerts.follow(now)
        if changed:
            brake_changes.tell()
        return changed

    def _judge_runs(self, rows: Mapping[int, tuple[str, BudgetSaid]], now: datetime) -> int:
        began = time.monotonic()
        if not rows or began < self._runs_not_before:
            return 0
        after = max(self._read_until or now - FURTHEST, now - FURTHEST) - OVERLAP
        touched = verdicts.changed(sorted({slug for slug, _ in rows.values()}), after, MOST_TRACES)
        self._read_until = now
        if not touched:
            return 0
        now_ns, back_ns = nanoseconds(now), nanoseconds(now - BACK)
        traces = verdicts.standings({Subject(slug, "trace_id", trace): back_ns for slug, trace in touched}, now_ns)
        sessions: dict[Subject, Standing] = {}
        if any(said.of.scope == "session" for _, said in rows.values()):
            named = {
                Subject(subject.project, "session_id", name): back_ns
                for subject, standing in traces.items() for run in standing.runs for name in run.sessions
            }  # fmt: skip
            sessions = verdicts.standings(named, now_ns) if named else {}
        judged: Judged = {}
        for key, (slug, said) in rows.items():
            for subject, standing in (traces if said.of.scope == "run" else sessions).items():
                if subject.project != slug:
                    continue
                runs = [run for run in standing.runs if not said.agent or said.agent in run.agents]
                if runs:
                    spent = [Spent(now_ns, used(said.of.measure, run, now_ns)) for run in runs]
                    judged[key, subject.value] = judging.judge(said.of, spent, 0, now_ns)
        self._runs_not_before = time.monotonic() + (time.monotonic() - began) / SHARE
        return store(judged, rows, now)

    def _judge_day(self, rows: Mapping[int, tuple[str, BudgetSaid]], now: datetime) -> int:
        began = time.monotonic()
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        yesterday = BudgetState.objects.filter(budget__scope__in=OF_A_DAY, at__lt=midnight)
        changed = yesterday.delete()[0]
        if not rows or began < self._day_not_before:
            return changed
        totals = self.day.read(sorted({slug for slug, _ in rows.values()}), now)
        start_ns, now_ns = nanoseconds(midnight), nanoseconds(now)
        judged: Judged = {}
        for key, (slug, said) in rows.items():
            for subject, spent in spending_of(said, totals.get(slug, {})).items():
                if sum(entry.amount for entry in spent) >= TOO_LITTLE * said.of.limit:
                    judged[key, subject] = judging.judge(said.of, spent, start_ns, now_ns)
        stated = {(key, subject) for key, subject in judged}
        gone = [
            state.pk for state in BudgetState.objects.filter(budget__in=rows)
            if (state.budget_id, state.subject) not in stated
        ]  # fmt: skip
        changed += BudgetState.objects.filter(pk__in=gone).delete()[0]
        changed += store(judged, rows, now)
        self._day_not_before = time.monotonic() + (time.monotonic() - began) / SHARE
        return changed


def spending_of(said: BudgetSaid, totals: Totals) -> dict[str, list[Spent]]:
    """Subject → what it spent: of a budget of users by user, of agents by agent, of the day all together."""
    found: dict[str, list[Spent]] = {}
    for (agent, user), entries in totals.items():
        if said.agent and agent != said.agent:
            continue
        subject = {"user": user, "agent": agent}.get(said.of.scope, "")
        if subject or said.of.scope == "day":
            found.setdefault(subject[:300], []).extend(
                Spent(entry.at * 10**9, float(getattr(entry, said.of.measure))) for entry in entries
            )
    return found


def store(judged: Judged, rows: Mapping[int, tuple[str, BudgetSaid]], now: datetime) -> int:
    """Keeps what warns or halts, forgets the rest of what was judged; returns how many rows it changed."""
    kept = {
        (state.budget_id, state.subject): state
        for state in BudgetState.objects.filter(budget__in={key for key, _ in judged})
    }
    changed = 0
    for (key, subject), found in judged.items():
        old, said = kept.get((key, subject)), rows[key][1]
        action = "warn" if found.action == "halt" and not said.halts else found.action
        if action == "continue":
            if old is not None:
                changed += BudgetState.objects.filter(pk=old.pk).delete()[0]
            continue
        if old is not None and old.action == action and not _worth_writing(old, found, said, now):
            continue
        BudgetState.objects.update_or_create(
            budget_id=key, subject=subject,
            defaults={"action": action, "spent": found.spent, "reason": found.reason[:300], "at": now},
        )  # fmt: skip
        changed += 1
    return changed


def _worth_writing(old: BudgetState, found: judging.BudgetState, said: BudgetSaid, now: datetime) -> bool:
    """More was spent, or its time of judgement grows old enough to be taken for one that is over."""
    return (
        abs(found.spent - old.spent) >= WORTH_WRITING * said.of.limit
        or now - old.at > budget_alerts.RECENT / 2
        or old.at.astimezone(UTC).date() != now.date()
    )


_judge = Judge()


def judge_all(now: datetime) -> int:
    """Judges all budgets, in this worker; see `Judge.judge`."""
    return _judge.judge(now)
