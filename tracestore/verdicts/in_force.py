"""What projects have in force against runs going on, read from the metadata of all that are asked about in one go."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Final

from django.db.models import Q

from tracestore.alerts.models import Breaker, Budget, BudgetState, Halt
from tracestore.detector_settings import ProjectSettings, all_settings
from tracestore.detectors import budget as budgets
from tracestore.detectors.histories import DAY_NS
from tracestore.errors import InvalidInput
from tracestore.verdicts.decision import Brakes, BreakerSaid, BudgetSaid, HaltSaid, StateSaid

#: Lifts older than that are forgotten: no verdict looks further back.
LIFTS: Final = timedelta(days=31)
#: A state of a run or session that was not judged again for so long is void.
STATES: Final = timedelta(days=1)
MOST_LIFTS: Final = 5_000
MOST_STATES: Final = 20_000
#: Scopes whose budgets are of a day, from midnight UTC.
OF_A_DAY: Final = ("user", "agent", "day")


def ns(moment: datetime | None) -> int:
    """Nanoseconds since 1970, exact to the microsecond; 0 for None."""
    if moment is None:
        return 0
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return ((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds) * 1000


def brakes_of(projects: Collection[str], now: datetime) -> dict[str, Brakes]:
    """Project → what it has in force. Six indexed reads, however many projects."""
    settings = all_settings(project__slug__in=projects)
    named = {"project__slug__in": projects}
    halts: dict[str, list[HaltSaid]] = {}
    current = Q(until=None) | Q(until__gt=now)
    by_hand = Halt.objects.filter(current, **named, source=Halt.Source.HAND).exclude(active_key=None)
    for halt in by_hand.select_related("project"):
        said = HaltSaid(halt.pk, halt.by, halt.subject, halt.reason, halt.actor, ns(halt.until), halt.incident_id)
        halts.setdefault(halt.project.slug, []).append(said)
    lifts: dict[str, dict[tuple[str, str], int]] = {}
    lifted = Halt.objects.filter(**named, lifted_at__gt=now - LIFTS).order_by("-lifted_at")
    for project, by, subject, at in lifted.values_list("project__slug", "by", "subject", "lifted_at")[:MOST_LIFTS]:
        if at is not None:
            lifts.setdefault(project, {}).setdefault((by, subject), ns(at))
    breakers: dict[str, list[BreakerSaid]] = {}
    for one in Breaker.objects.filter(**named).exclude(state=Breaker.State.CLOSED).select_related("project"):
        breakers.setdefault(one.project.slug, []).append(said_of(one))
    held: dict[str, list[BudgetSaid]] = {}
    for row in Budget.objects.filter(**named, enabled=True, deleted_at=None).select_related("project").order_by("pk"):
        if (budget := budget_said(row)) is not None:
            held.setdefault(row.project.slug, []).append(budget)
    states: dict[str, dict[tuple[int, str], StateSaid]] = {}
    if held:
        rows = BudgetState.objects.filter(budget__project__slug__in=held, at__gt=now - STATES)
        for state in rows.select_related("budget__project")[:MOST_STATES]:
            daily = state.budget.scope in OF_A_DAY
            until = (ns(state.at) // DAY_NS + 1) * DAY_NS if daily else ns(state.at + STATES)
            stated = StateSaid(state.budget_id, state.subject, state.action, state.reason, until)
            states.setdefault(state.budget.project.slug, {})[state.budget_id, state.subject] = stated
    return {
        project: Brakes(
            tuple(halts.get(project, ())),
            lifts.get(project, {}),
            tuple(breakers.get(project, ())),
            tuple(held.get(project, ())),
            states.get(project, {}),
            settings.get(project, ProjectSettings()).halts,
        )
        for project in projects
    }


def said_of(one: Breaker) -> BreakerSaid:
    return BreakerSaid(
        one.pk, one.agent, one.tool, one.state, one.reason, ns(one.opened_at), ns(one.trial_at), one.trial_trace,
        one.incident_id,
    )  # fmt: skip


def budget_said(row: Budget) -> BudgetSaid | None:
    """The budget of a row; None when what is stored fits no more."""
    try:
        return BudgetSaid(row.pk, row.name, detector_budget(row), row.halts, row.agent)
    except InvalidInput:
        return None


def detector_budget(row: Budget) -> budgets.Budget:
    """Raises: InvalidInput, when a value is impossible."""
    return budgets.Budget(
        row.measure,  # type: ignore[arg-type]  # checked where it was stored
        row.scope,  # type: ignore[arg-type]
        row.limit,
        DAY_NS if row.scope in OF_A_DAY else 0,
        row.warn_share,
        row.halt_on_burn,
    )
