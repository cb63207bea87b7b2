"""What on-call keeps beside ClickHouse: rules, alerts, incidents and their history, channels and what they were sent.

Whatever several workers may change at once has a `version`: a change is an UPDATE that names the version it was
made on (compare-and-swap) and raises it by one, so of two only one succeeds (`tracestore.alerts.cas`).
"""

from __future__ import annotations

from tracestore.alerts.models.brake import Breaker, BreakerChange, Budget, BudgetState, Halt
from tracestore.alerts.models.channels import Channel, Delivery, Notification, Route
from tracestore.alerts.models.incidents import Alert, Incident, Silence, Transition
from tracestore.alerts.models.rules import AlertRule, AlertWatermark, Severity

__all__ = [
    "Alert",
    "AlertRule",
    "AlertWatermark",
    "Breaker",
    "BreakerChange",
    "Budget",
    "BudgetState",
    "Channel",
    "Delivery",
    "Halt",
    "Incident",
    "Notification",
    "Route",
    "Severity",
    "Silence",
    "Transition",
]
