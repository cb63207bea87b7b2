"""Circuit breakers of agents and tools: closed, open, half open, after M. Nygard, "Release It!" (2nd ed., chapter 5).

A firing alert of a rule that halts opens the breaker of the agent and tool that it names. After a while (60 s, twice
as long after each failure, at most half an hour) one run may try. If that goes well, or the alert is over, it closes;
if the rule finds something new, it opens again. The steps are in `breaker_steps`, which is pure; this is the rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from tracestore import audit
from tracestore.alerts import brake_changes, halts
from tracestore.alerts.breaker_steps import HandOver, Now, Step, after_failure, next_step
from tracestore.alerts.cas import swap
from tracestore.alerts.models import Alert, AlertRule, Breaker, BreakerChange, Incident, Transition
from tracestore.clickhouse.detecting import verdicts
from tracestore.detectors.standing import Run, Standing, Subject
from tracestore.errors import InvalidInput, NotFound, Unavailable
from tracestore.models import Project
from tracestore.moments import nanoseconds

ITSELF: Final = "tracestore"
MOST_NAME: Final = 300
MOST_REASON: Final = 300
OPEN, HALF_OPEN, CLOSED = Breaker.State.OPEN, Breaker.State.HALF_OPEN, Breaker.State.CLOSED


def listed(project_slug: str) -> QuerySet[Breaker]:
    """All that were ever open, those that are first."""
    return (
        Breaker.objects.filter(project__slug=project_slug)
        .select_related("rule", "incident")
        .order_by("-state", "agent", "tool")
    )


def one(project_slug: str, number: int) -> Breaker:
    """Raises: NotFound."""
    found = listed(project_slug).filter(pk=number).first()
    if found is None:
        raise NotFound("There is no such breaker in this project.")
    return found


def history(breaker: Breaker, limit: int = 50) -> list[BreakerChange]:
    """The latest first."""
    return list(breaker.changes.order_by("-version")[:limit])


def open_by_hand(
    project_slug: str,
    agent: str,
    tool: str,
    reason: str,
    actor: str,
    incident: Incident | None = None,
    now: datetime | None = None,
) -> Breaker:
    """Opens the breaker of an agent, a tool, or a tool of an agent, until somebody releases it.

    Raises:
        InvalidInput: neither is named, or something is too long; names it.
        NotFound: there is no such project.
    """
    now = now or timezone.now()
    agent, tool, reason = agent.strip(), tool.strip(), reason.strip()
    if not agent and not tool:
        raise InvalidInput("agent: expected an agent, a tool, or both.", field="agent")
    for name, value, most in (("agent", agent, MOST_NAME), ("tool", tool, MOST_NAME), ("reason", reason, MOST_REASON)):
        if len(value) > most:
            raise InvalidInput(f"{name}: expected at most {most} characters.", field=name)
    project = Project.objects.filter(slug=project_slug).first()
    if project is None:
        raise NotFound("There is no such project.")
    audit.concerns(" ".join(name for name in (agent, tool) if name))
    for _ in range(5):
        found, _is_new = Breaker.objects.get_or_create(project=project, agent=agent, tool=tool)
        if found.state == OPEN and found.by_hand and found.reason == reason:
            return found
        opened = {"by_hand": True, "opened_at": now, "trial_at": None, "trial_trace": ""}
        if _change(found, OPEN, now, actor, reason, incident=incident or found.incident, reason=reason, **opened):
            if incident is not None:
                Transition.objects.create(
                    incident=incident, kind=Transition.Kind.HALTED, from_state=incident.state, to_state=incident.state,
                    at=now, actor=actor, note=reason, data={"breaker": found.pk, "agent": agent, "tool": tool},
                )  # fmt: skip
            return found
    raise Unavailable("This breaker is changed by others right now. Try again.")


def release(project_slug: str, number: int, actor: str, reason: str = "", now: datetime | None = None) -> Breaker:
    """Closes a breaker, whoever opened it. A closed one stays as it is.

    Raises:
        NotFound: there is no such breaker.
        InvalidInput: the reason is too long.
    """
    now = now or timezone.now()
    if len(reason) > MOST_REASON:
        raise InvalidInput(f"reason: expected at most {MOST_REASON} characters.", field="reason")
    for _ in range(5):
        found = one(project_slug, number)
        if found.state == CLOSED or _change(found, CLOSED, now, actor, reason.strip(), **_CLEARED):
            return found
    raise Unavailable("This breaker is changed by others right now. Try again.")


def take_trial(number: int, trace_id: str, now: datetime) -> bool:
    """Makes a trace the trial run of a half-open breaker; whether this one got it."""
    found = Breaker.objects.filter(pk=number, state=HALF_OPEN, trial_trace__in=("", HandOver.ANY)).first()
    if found is None or found.trial_trace == trace_id:
        return False
    if not swap(found, trial_trace=trace_id, trial_at=now + HandOver.LASTS):
        return False
    brake_changes.tell()
    return True


def follow(now: datetime) -> int:
    """Moves each breaker as its alerts and the time say; returns how many it moved. Also ends halts that are over."""
    moved = halts.end_stale(now)
    evidence = _firing()
    held = {
        (row.project_id, row.agent, row.tool): row
        for row in Breaker.objects.filter(project__closed_at=None).exclude(state=CLOSED).select_related("project")
    }
    for place in evidence.keys() - held.keys():
        project, agent, tool = place
        found = Breaker.objects.filter(project_id=project, agent=agent, tool=tool).first()
        moved += _open(found, place, evidence[place], now)
    for place, row in held.items():
        if not row.by_hand:
            moved += _follow_one(row, evidence.get(place), now)
    return moved


def _firing() -> dict[tuple[int, str, str], Alert]:
    """Project, agent and tool → the alert with the latest evidence, of the rules that halt."""
    found: dict[tuple[int, str, str], Alert] = {}
    rows = Alert.objects.filter(
        rule__halts=True, rule__enabled=True, rule__deleted_at=None, state=Alert.State.FIRING,
        project__closed_at=None,
    ).order_by("last_seen_at", "pk")  # fmt: skip
    for row in rows:
        agent, tool = (str(row.labels.get(name, ""))[:MOST_NAME] for name in ("agent", "tool"))
        if agent or tool:
            found[row.project_id, agent, tool] = row
    return found


def _open(found: Breaker | None, place: tuple[int, str, str], alert: Alert, now: datetime) -> int:
    """Opens a closed one, unless what fires is what it was already released from or proved wrong by a trial."""
    project, agent, tool = place
    if found is None:
        try:
            with transaction.atomic():
                found = Breaker.objects.create(project_id=project, agent=agent, tool=tool)
        except IntegrityError:
            return 0
    last = found.changes.order_by("-version").first()
    if last is not None and alert.last_seen_at <= last.at:
        return 0
    return _fail(found, alert, now)


def _fail(row: Breaker, alert: Alert, now: datetime) -> int:
    wait = after_failure(_failures(row))
    reason = str(alert.facts.get("title") or alert.rule.name)[:MOST_REASON]
    opened = {"rule": alert.rule, "opened_at": now, "trial_at": now + wait, "trial_trace": "", "by_hand": False}
    changed = _change(row, OPEN, now, ITSELF, reason, reason=reason, incident=alert.incident or row.incident, **opened)
    return int(changed)


def _follow_one(row: Breaker, alert: Alert | None, now: datetime) -> int:
    since = row.changes.order_by("-version").values_list("at", flat=True).first() or row.opened_at or now
    trial = _trial_run(row, now) if row.state == HALF_OPEN and row.trial_trace else None
    seen = Now(
        now, since, row.state, row.trial_at, bool(row.trial_trace), alert.last_seen_at if alert else None,
        trial_over=trial is not None and _is_over(trial, now),
        trial_bad=trial is not None and _is_bad(row, trial),
        rule_gone=row.rule_id is None or not AlertRule.objects.filter(
            pk=row.rule_id, halts=True, enabled=True, deleted_at=None
        ).exists(),
    )  # fmt: skip
    match next_step(seen):
        case Step.OPEN if alert is not None:
            return _fail(row, alert, now)
        case Step.OPEN:
            wait = after_failure(_failures(row))
            bad = "The trial run went wrong"
            opened = {"opened_at": now, "trial_at": now + wait, "trial_trace": ""}
            return int(_change(row, OPEN, now, ITSELF, bad, **opened))
        case Step.TRY:
            return int(_change(row, HALF_OPEN, now, ITSELF, "One run may try", trial_trace="", trial_at=now))
        case Step.CLOSE:
            reason = "The trial run went well" if seen.trial_over else "The alert is over"
            return int(_change(row, CLOSED, now, ITSELF, reason, **_CLEARED))
        case Step.FREE:
            if swap(row, trial_trace="", trial_at=now):
                brake_changes.tell()
                return 1
    return 0


_CLEARED: Final[Mapping[str, Any]] = {"by_hand": False, "trial_at": None, "trial_trace": ""}


def _change(row: Breaker, to: str, now: datetime, actor: str, why: str, **changes: Any) -> bool:
    """Moves a breaker and writes that down, both or neither; whether this one did it."""
    before = row.state
    with transaction.atomic():
        if not swap(row, state=to, **changes):
            return False
        BreakerChange.objects.create(
            breaker=row, version=row.version, from_state=before, to_state=to, at=now, actor=actor, reason=why
        )
    brake_changes.tell()
    return True


def _failures(row: Breaker) -> int:
    """How often it opened since it was last closed."""
    closed = row.changes.filter(to_state=CLOSED).order_by("-version").values_list("version", flat=True).first()
    return row.changes.filter(to_state=OPEN, version__gt=closed or 0).count()


def _trial_run(row: Breaker, now: datetime) -> Standing | None:
    """How the trial run stands; None when that is not known (yet, or while the store is away)."""
    if row.trial_trace == HandOver.ANY:
        return None
    try:
        subject = Subject(row.project.slug, "trace_id", row.trial_trace)
        found = verdicts.standing(subject, nanoseconds(now))
    except Unavailable:
        return None
    return found if found.runs else None


def _is_over(trial: Standing, now: datetime) -> bool:
    run: Run = trial.runs[0]
    silent_ns = nanoseconds(now) - run.end_ns
    return run.over or silent_ns > HandOver.SILENT.total_seconds() * 1e9


def _is_bad(row: Breaker, trial: Standing) -> bool:
    """Whether something critical was found of the trial run: of the rule's detectors, if it is about some."""
    detectors = row.rule.condition.get("detectors", ()) if row.rule is not None else ()
    return any(one.severity == "critical" and (not detectors or one.detector in detectors) for one in trial.against)
