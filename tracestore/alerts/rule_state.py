"""How rules stand: what fires now, what is about to, when one last fired, and which incidents that is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import Count, Max, Q

from tracestore.alerts import budget_alerts, rule_words
from tracestore.alerts.models import Alert, AlertRule
from tracestore.models import SavedView


@dataclass(frozen=True, slots=True)
class RuleState:
    """`incidents`: the numbers of those that its firing alerts are part of, the oldest first."""

    firing: int = 0
    pending: int = 0
    last_fired_at: datetime | None = None
    incidents: tuple[int, ...] = ()


def of(rules: Iterable[AlertRule]) -> Mapping[int, RuleState]:
    """By the rule's id; all of them, in two queries."""
    numbers = [rule.pk for rule in rules]
    incidents: dict[int, set[int]] = {}
    firing = Alert.objects.filter(rule__in=numbers, state=Alert.State.FIRING, incident__isnull=False)
    for rule_id, incident_id in firing.values_list("rule", "incident").distinct():
        incidents.setdefault(rule_id, set()).add(incident_id)
    counted = (
        Alert.objects.filter(rule__in=numbers)
        .values("rule")
        .annotate(
            firing=Count("pk", filter=Q(state=Alert.State.FIRING)),
            pending=Count("pk", filter=Q(state=Alert.State.PENDING)),
            last=Max("fired_at"),
        )
    )
    found = {
        row["rule"]: RuleState(
            row["firing"], row["pending"], row["last"], tuple(sorted(incidents.get(row["rule"], ())))
        )
        for row in counted
    }
    return {number: found.get(number, RuleState()) for number in numbers}


#: The rule of budgets has no condition of its own.
BUDGETS_SAY: Final = "A budget is nearly or wholly spent."


def sentences(rules: Iterable[AlertRule]) -> Mapping[int, str]:
    """What each rule says, by its id."""
    listed = list(rules)
    views = {rule.condition.get("view") for rule in listed if rule.kind == AlertRule.Kind.SEARCH} - {None}
    names = dict(SavedView.objects.filter(pk__in=views).values_list("pk", "name"))
    return {
        rule.pk: rule_words.said_of(rule.kind, rule.condition, names.get(rule.condition.get("view"), ""))
        if rule.builtin != budget_alerts.BUILTIN
        else BUDGETS_SAY
        for rule in listed
    }


def view_name(condition: Mapping[str, Any]) -> str:
    """Of the saved view that a condition follows, '' when it follows none."""
    view = condition.get("view")
    return SavedView.objects.filter(pk=view).values_list("name", flat=True).first() or "" if view else ""


def history(rule: AlertRule, limit: int = 50) -> list[Alert]:
    """What fired of it, the latest first: each set of labels with the last time that it did."""
    found = Alert.objects.filter(rule=rule, fired_at__isnull=False).select_related("incident")
    return list(found.order_by("-fired_at", "-pk")[:limit])
