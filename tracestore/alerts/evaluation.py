"""Evaluates rules: what they say now becomes alerts.

Findings rules are looked at in each pass, rules over metrics and searches when it is their turn. Nothing is
written when nothing changed, and a pass that was cut off at any line is done again by the next.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

import structlog
from django.db.models import Q

from tracestore.alerts import alert_states, evaluating_figures, evaluating_findings, rule_book
from tracestore.alerts.conditions.condition import Condition
from tracestore.alerts.models import Alert
from tracestore.alerts.rule_book import Rule
from tracestore.clickhouse import client
from tracestore.errors import Unavailable

log = structlog.get_logger(__name__)


def evaluate(now: datetime) -> int:
    """Returns how many alerts it changed.

    Raises:
        Unavailable: the store does not answer. What could be done without it is done; alerts keep their state.
    """
    changed = _end_those_of_gone_rules(now)
    over_findings, over_figures = rule_book.in_force(now)
    if not over_findings and not over_figures:
        return changed
    active = list(Alert.objects.filter(state__in=alert_states.ACTIVE))
    parts: list[tuple[Sequence[Rule[Condition]], Callable[[list[Alert]], int]]] = [
        (over_findings, lambda alerts: evaluating_findings.evaluate(over_findings, alerts, now)),
        (over_figures, lambda alerts: evaluating_figures.evaluate(over_figures, alerts, now)),
    ]
    refused: Unavailable | None = None
    for rules, judge in parts:
        try:
            numbers = {rule.row.pk for rule in rules}
            changed += judge([one for one in active if one.rule_id in numbers])
        except Unavailable as error:
            refused = refused or error
            try:
                client.ping()
            except Unavailable:
                break  # it is the store, not the question: the others would only wait for it too
        except Exception:
            log.exception("alert rules could not be evaluated")
            rule_book.failed([rule.row for rule in rules], rule_book.INTERNAL, now)
    if refused is not None:
        raise refused
    return changed


def _end_those_of_gone_rules(now: datetime) -> int:
    """Alerts of rules that were switched off or deleted are over."""
    gone = Q(rule__enabled=False) | Q(rule__deleted_at__isnull=False)
    changed = 0
    for alert in Alert.objects.filter(gone, state__in=alert_states.ACTIVE).select_related("rule"):
        changed += alert_states.end(alert, alert.rule, now)
    return changed
