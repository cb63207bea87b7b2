"""The rules in force, read once a pass."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Generic, TypeVar

from tracestore.alerts import budget_alerts
from tracestore.alerts.conditions import condition
from tracestore.alerts.conditions.condition import Condition, FindingsCondition, MetricCondition, SearchCondition
from tracestore.alerts.models import AlertRule
from tracestore.errors import InvalidInput

MOST_FAILURE: Final = 300
INTERNAL: Final = "An internal error occurred. The worker's log tells more."


C = TypeVar("C", bound=Condition, covariant=True)


@dataclass(frozen=True)
class Rule(Generic[C]):
    """A rule and its condition."""

    row: AlertRule
    condition: C

    @property
    def project(self) -> str:
        return self.row.project.slug

    def labels(self, of: dict[str, str], severity: str) -> dict[str, str]:
        """The labels of an alert: the rule's own never hide what is known."""
        own = {str(name): str(value) for name, value in self.row.labels.items()}
        return {**own, **of, "rule": self.row.name, "severity": severity, "project": self.project}

    def fresh(self) -> bool:
        """New or changed since it was last evaluated."""
        return self.row.evaluated_at is None or self.row.changed_at > self.row.evaluated_at

    def due(self, now: datetime) -> bool:
        """Every max(10 s, min(60 s, window / 15)): often enough for the window, and not more."""
        every = max(10.0, min(60.0, self.condition.window_s / 15))
        # A second less, as passes do not come on the dot.
        return (
            self.fresh() or self.row.evaluated_at is None or now - self.row.evaluated_at >= timedelta(seconds=every - 1)
        )


FindingsRule = Rule[FindingsCondition]
FigureRule = Rule[MetricCondition | SearchCondition]


def in_force(now: datetime) -> tuple[list[FindingsRule], list[FigureRule]]:
    """All that are enabled: those over findings, and those over metrics and searches. Not that of budgets, whose
    alerts `budget_alerts` makes.

    One whose condition cannot be read is marked as failed and left out."""
    enabled = AlertRule.objects.filter(enabled=True, deleted_at=None, project__closed_at=None).exclude(
        builtin=budget_alerts.BUILTIN
    )
    rows = enabled.select_related("project").order_by("pk")
    over_findings: list[FindingsRule] = []
    over_figures: list[FigureRule] = []
    for row in rows:
        try:
            read = condition.parse(row.kind, row.condition)
        except InvalidInput as error:
            if row.failure != error.message[:MOST_FAILURE]:
                failed([row], error.message, now)
            continue
        if isinstance(read, FindingsCondition):
            over_findings.append(Rule(row, read))
        else:
            over_figures.append(Rule(row, read))
    return over_findings, over_figures


def done(rules: Iterable[Rule[Condition]], now: datetime) -> None:
    """Notes that rules were evaluated."""
    numbers = [rule.row.pk for rule in rules]
    for start in range(0, len(numbers), 500):
        AlertRule.objects.filter(pk__in=numbers[start : start + 500]).update(evaluated_at=now, failure="")


def failed(rows: Iterable[AlertRule], why: str, now: datetime) -> None:
    """Notes that rules could not be evaluated, and why. Their alerts stay as they are."""
    numbers = [row.pk for row in rows]
    AlertRule.objects.filter(pk__in=numbers).update(evaluated_at=now, failure=why[:MOST_FAILURE])
