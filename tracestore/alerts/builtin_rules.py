"""The rules that every project has from the beginning: it alerts without configuration, and does not cry wolf.

How they are chosen:

- What a detector calls critical is told at once. An alert about a run is over 15 minutes after the last evidence, or
  sooner when a later run does without; what is judged from a history each hour is kept for two hours by the
  evaluation itself. Drift is judged once a day, so it is kept for longer than that: a shorter time would end and
  reopen an incident with each judgement.
- Warnings are told of what costs money, harms or is broken. What is often harmless (an answer cut off, a search
  that finds nothing) is told when it happened five times in an hour.
- Shares are told of groups that are large enough for a share to mean something, and end lower than they begin.
- Nothing halts an agent unless somebody says so.

A shipped rule that somebody changed stays as changed through upgrades, and a deleted one stays deleted; what was left
alone follows the shipped form. `changed_at` tells which: it is `created_at` until somebody changes the rule.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.utils import timezone

from tracestore import detector_settings
from tracestore.alerts.conditions import condition as conditions
from tracestore.alerts.conditions.condition import Condition, FindingsCondition, MetricCondition
from tracestore.alerts.models import AlertRule
from tracestore.alerts.rule_conditions import as_stored
from tracestore.alerts.rule_fields import DEFAULTS, FIELDS
from tracestore.models import Project

MINUTE: Final = 60
HOUR: Final = 3_600
#: Longer than the pace of a detector that judges once a day.
DAILY: Final = 30 * HOUR

DRIFT: Final = ("semantic_drift",)
#: Detectors whose warnings are about money, harm or what is broken.
WARNING: Final = (
    "runaway_run", "prompt_injection", "cost_anomaly", "tool_error_rate", "retry_storm", "latency_regression",
    "error_cascade",
)  # fmt: skip
OFTEN_HARMLESS: Final = ("loop", "stalled_run", "context_growth", "empty_retrieval", "truncated_output")


@cache
def shipped() -> Mapping[str, Mapping[str, Any]]:
    """Key → all fields of the rule. Detectors that another package adds are in the rule of critical findings."""
    return {key: _fields(name, condition, **others) for key, name, condition, others in _rules()}


def _rules() -> Iterator[tuple[str, str, Condition, dict[str, Any]]]:
    all_but_drift = tuple(name for name in detector_settings.by_id() if name not in DRIFT)
    critical, soon, daily = {"severity": "critical"}, {"keep_firing_s": 5 * MINUTE}, {"keep_firing_s": DAILY}
    yield (
        "critical", "Critical finding",
        FindingsCondition(detectors=all_but_drift, min_severity="critical", window_s=15 * MINUTE), critical | soon,
    )  # fmt: skip
    yield (
        "critical_drift", "An agent behaves very differently",
        FindingsCondition(detectors=DRIFT, min_severity="critical", window_s=DAILY), critical | daily,
    )  # fmt: skip
    yield (
        "warning", "Money, tools, latency or safety: warning",
        FindingsCondition(detectors=WARNING, window_s=15 * MINUTE), soon,
    )  # fmt: skip
    yield (
        "warning_drift", "An agent behaves differently",
        FindingsCondition(detectors=DRIFT, window_s=DAILY), daily,
    )  # fmt: skip
    yield (
        "often", "The same small trouble five times in an hour",
        FindingsCondition(detectors=OFTEN_HARMLESS, min_count=5, window_s=HOUR), soon,
    )  # fmt: skip
    yield (
        "agent_errors", "Runs of an agent fail",
        MetricCondition("error_rate", "above", 0.3, 0.2, by=("agent",), min_volume=10, window_s=15 * MINUTE),
        {"hold_s": 2 * MINUTE},
    )  # fmt: skip
    yield (
        "tool_errors", "Calls of a tool fail",
        MetricCondition("tool_error_rate", "above", 0.5, 0.3, by=("tool",), min_volume=20, window_s=15 * MINUTE),
        {"hold_s": 2 * MINUTE},
    )  # fmt: skip
    yield (
        "model_errors", "Calls of a model fail",
        MetricCondition("llm_error_rate", "above", 0.3, 0.15, by=("model",), min_volume=20, window_s=15 * MINUTE),
        {"hold_s": 2 * MINUTE},
    )  # fmt: skip
    example = {"enabled": False}
    yield (
        "no_runs", "Example: an agent has stopped running",
        MetricCondition("runs", "absent", by=("agent",), min_volume=10, window_s=HOUR), example,
    )  # fmt: skip
    yield (
        "cost_tripled", "Example: the cost of an agent tripled",
        MetricCondition("cost_usd", "change_above", 2.0, 1.0, by=("agent",), min_volume=10, window_s=HOUR), example,
    )  # fmt: skip
    yield (
        "error_budget", "Example: errors use up the budget of an agent",
        MetricCondition("error_rate", "burn_rate", 0.02, by=("agent",), min_volume=20, window_s=HOUR), example,
    )  # fmt: skip


def _fields(name: str, condition: Condition, **others: Any) -> Mapping[str, Any]:
    kind = next(kind for kind, form in conditions.KINDS.items() if isinstance(condition, form))
    fields = {**DEFAULTS, "name": name, "kind": kind, "condition": as_stored(condition), **others}
    return {field: fields[field] for field in FIELDS}


def ensure_builtin(project: Project | str) -> int:
    """Makes the shipped rules that a project has never had, and brings those up to date that nobody changed.

    Idempotent; several processes may do it at once. Returns how many were made or brought up to date.
    """
    slug = project if isinstance(project, str) else project.slug
    rows: dict[str, AlertRule] = {}
    # Of several of one key (which only a race could leave) the first counts.
    for row in AlertRule.objects.filter(project__slug=slug).exclude(builtin="").order_by("-pk"):
        rows[row.builtin] = row
    missing = [key for key in shipped() if key not in rows]
    done = sum(_follow(row, shipped()[key]) for key, row in rows.items() if key in shipped())
    if not missing:
        return done
    owner = project if isinstance(project, Project) else Project.objects.filter(slug=slug).first()
    return done + sum(_make(owner, key, shipped()[key]) for key in missing) if owner else done


def ensure_all() -> int:
    """The same for all projects."""
    return sum(ensure_builtin(project) for project in Project.objects.order_by("pk"))


def is_shipped(rule: AlertRule) -> bool:
    """Whether this version ships it. One that only an earlier version did is the project's own."""
    return rule.builtin in shipped()


def is_changed(rule: AlertRule) -> bool:
    """Whether somebody changed a shipped rule."""
    fields = shipped().get(rule.builtin)
    return fields is not None and any(getattr(rule, name) != value for name, value in fields.items())


def _make(project: Project, key: str, fields: Mapping[str, Any]) -> int:
    now = timezone.now()
    for name in (fields["name"], f"{fields['name']} (shipped)"):
        try:
            with transaction.atomic():
                # The name may be one of the project's own; that another process was first looks the same.
                AlertRule.objects.create(
                    project=project, builtin=key, created_at=now, changed_at=now, **{**fields, "name": name}
                )
                return 1
        except IntegrityError:
            if AlertRule.objects.filter(project=project, builtin=key).exists():
                return 0
    return 0


def _follow(rule: AlertRule, fields: Mapping[str, Any]) -> int:
    """Brings a rule that nobody changed up to its shipped form; its name stays, for what points to it by name."""
    new = {name: value for name, value in fields.items() if name != "name" and getattr(rule, name) != value}
    if not new or rule.deleted_at is not None or rule.changed_at != rule.created_at:
        return 0
    # Changed by somebody in this moment, it stays as changed.
    return AlertRule.objects.filter(pk=rule.pk, changed_at=rule.created_at).update(**new)
