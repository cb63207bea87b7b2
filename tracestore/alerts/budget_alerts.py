"""Budgets that are nearly or wholly spent, as alerts of one built-in rule of each project.

The rule is kept and told like any other; what it says comes from the states of budgets, not from its condition, and
whoever evaluates rules leaves it out (`builtin` is BUILTIN). Runs and sessions over a budget are one alert of that
budget; a user, an agent and the day each have their own.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from tracestore.alerts import facts
from tracestore.alerts.cas import swap
from tracestore.alerts.facts import Evidence, Facts, Run
from tracestore.alerts.models import Alert, AlertRule, Budget, BudgetState, Severity
from tracestore.moments import utc_text

BUILTIN: Final = "budget"
NAME: Final = "Budget spent"
#: A run over its budget that did nothing for so long is over: nobody needs to be told that it goes on.
RECENT: Final = timedelta(minutes=10)

Labels = dict[str, str]


def follow(now: datetime) -> int:
    """Makes alerts of the states as they are, changes them, and resolves those whose state is gone."""
    changed = 0
    wanted = _wanted(now)
    rules = _rules({project for project, _ in wanted})
    seen: set[int] = set()
    for (project, _), states in wanted.items():
        rule = rules.get(project)
        if rule is None or not rule.enabled or rule.deleted_at is not None:
            continue
        alert, done = _say(rule, states, now)
        seen.add(alert.pk)
        changed += done
    over = Alert.objects.filter(rule__builtin=BUILTIN, state=Alert.State.FIRING).exclude(pk__in=seen)
    for alert in over:
        ended = facts.as_json(facts.from_json({**alert.facts, "going_on": False}))
        changed += swap(alert, state=Alert.State.RESOLVED, resolved_at=now, facts=ended)
    return changed


def _wanted(now: datetime) -> dict[tuple[int, str], list[BudgetState]]:
    """Project and key of the alert → its states, the worst first."""
    found: dict[tuple[int, str], list[BudgetState]] = {}
    rows = BudgetState.objects.filter(budget__enabled=True, budget__deleted_at=None).select_related("budget__project")
    for state in rows.order_by("-spent", "pk"):
        each = state.budget.scope not in ("run", "session")
        if each or state.at > now - RECENT:
            key = f"{state.budget_id}\0{state.subject if each else ''}"
            found.setdefault((state.budget.project_id, key), []).append(state)
    return found


def _rules(projects: set[int]) -> dict[int, AlertRule]:
    """Project → its rule about budgets, made where it has none."""
    found = {rule.project_id: rule for rule in AlertRule.objects.filter(project__in=projects, builtin=BUILTIN)}
    for project in projects - found.keys():
        if AlertRule.objects.filter(project=project, name=NAME, deleted_at=None).exists():
            continue  # one of the project's own has the name; without a rule there is no alert
        found[project] = AlertRule.objects.create(
            project_id=project, builtin=BUILTIN, name=NAME, kind=AlertRule.Kind.METRIC,
            condition={"metric": "cost_usd", "threshold": 0}, keep_firing_s=0,
        )  # fmt: skip
    return found


def _say(rule: AlertRule, states: Sequence[BudgetState], now: datetime) -> tuple[Alert, int]:
    worst, budget = states[0], states[0].budget
    halts = any(state.action == "halt" for state in states)
    severity = Severity.CRITICAL if halts else Severity.WARNING
    labels = _labels(rule, budget, worst, severity)
    fingerprint = hashlib.sha256(f"{rule.pk}\0{budget.pk}\0{_named(budget, worst)}".encode()).hexdigest()[:16]
    alert = Alert.objects.filter(rule=rule, fingerprint=fingerprint).first()
    firing = alert is not None and alert.state == Alert.State.FIRING
    said = _facts(budget, states, halts, alert.since if alert is not None and firing else now)
    fields: dict[str, Any] = {
        "labels": labels, "severity": severity, "value": worst.spent, "state": Alert.State.FIRING, "facts": said,
    }  # fmt: skip
    last_seen = max(state.at for state in states)
    if alert is None:
        since = {"since": now, "fired_at": now, "last_seen_at": last_seen}
        of = {"project_id": rule.project_id, "rule": rule, "fingerprint": fingerprint}
        return Alert.objects.create(**of, **fields, **since), 1
    if firing and all(getattr(alert, name) == value for name, value in fields.items()):
        return alert, 0
    if not firing:
        fields |= {"since": now, "fired_at": now, "resolved_at": None}
    return alert, int(swap(alert, **fields, last_seen_at=last_seen))


def _named(budget: Budget, state: BudgetState) -> str:
    return "" if budget.scope in ("run", "session") else state.subject


def _labels(rule: AlertRule, budget: Budget, worst: BudgetState, severity: str) -> Labels:
    found = {
        **{str(name): str(value) for name, value in rule.labels.items()},
        "rule": rule.name, "severity": str(severity), "project": budget.project.slug, "budget": budget.name,
        "scope": budget.scope,
    }  # fmt: skip
    if budget.agent:
        found["agent"] = budget.agent
    if budget.scope in ("agent", "user"):
        found[budget.scope] = worst.subject
    return found


def _facts(budget: Budget, states: Sequence[BudgetState], halts: bool, since: datetime) -> dict[str, Any]:
    worst = states[0]
    of = {"day": "the day", "run": "a run", "session": "a session"}.get(budget.scope, f"{budget.scope} {worst.subject}")
    end = "is spent" if halts or worst.spent >= budget.limit else "is nearly spent"
    runs = [state.subject for state in states] if budget.scope == "run" else []
    found: dict[str, Any] = json.loads(
        json.dumps(
            facts.as_json(
                Facts(
                    title=f"Budget {budget.name} of {of} {end}",
                    summary=worst.reason + (" Runs are told to halt." if halts else ""),
                    first_seen=utc_text(since),
                    last_seen=utc_text(max(state.at for state in states)),
                    run_count=len(states) if budget.scope == "run" else 0,
                    value=worst.spent,
                    threshold=budget.limit,
                    runs=tuple(Run(trace_id) for trace_id in runs[: facts.MOST_RUNS]),
                    evidence=tuple(
                        Evidence(state.reason, trace_id=state.subject if budget.scope == "run" else "")
                        for state in states[: facts.MOST_EVIDENCE]
                    ),
                )
            )
        )
    )
    return found  # as the database gives it back, so that the two can be compared
