"""What an incident says, from what its alerts say. Pure.

Money and runs are those of all alerts that it ever had, so that the cost of an incident never falls; what is going
on, how fast and the title are those of the alerts that fire. No dollar counts twice: excess cost that is told of an
agent, a model and a user is the same money, and runs that loop and retry waste no more than they cost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from tracestore.alerts.facts import MOST_EVIDENCE, MOST_RUNS, Evidence, Facts, Run
from tracestore.alerts.severities import rank
from tracestore.detectors.waste import together

MOST_TITLE: Final = 300
MOST_CHANGED: Final = 10


@dataclass(frozen=True, slots=True)
class Said:
    """What one alert says. `problem` is the fingerprint of what is wrong: alerts of one problem (of two rules) are
    counted once.
    """

    problem: str
    severity: str
    labels: Mapping[str, str]
    facts: Facts
    firing: bool
    number: int = 0


@dataclass(frozen=True, slots=True)
class Merged:
    title: str
    severity: str
    labels: dict[str, str]
    facts: Facts
    #: The alert that is worst: its rule says owner and runbook.
    worst: Said


def merge(alerts: Sequence[Said]) -> Merged:
    """Alerts (at least one) as one."""
    firing = [one for one in alerts if one.firing] or list(alerts)
    worst = max(firing, key=lambda one: (rank(one.severity), one.facts.wasted_usd, -one.number))
    title = titled(worst.facts.title, len({one.labels.get("agent", "") for one in firing} - {""}))
    problems = list(_once(alerts))
    by_time = sorted(alerts, key=lambda one: instant(one.facts.last_seen), reverse=True)
    runs = _runs(by_time)
    speeds = [(_money(one), one.facts.usd_per_hour) for one in _once(firing) if one.facts.usd_per_hour is not None]
    facts = Facts(
        title=title,
        summary=worst.facts.summary,
        first_seen=min((one.facts.first_seen for one in alerts if one.facts.first_seen), key=instant, default=""),
        last_seen=max((one.facts.last_seen for one in alerts if one.facts.last_seen), key=instant, default=""),
        going_on=any(one.firing and one.facts.going_on for one in alerts),
        wasted_usd=_wasted(problems, runs),
        wasted_tokens=sum(one.facts.wasted_tokens for one in problems),
        usd_per_hour=together(speeds) if speeds else None,
        run_count=_run_count(problems, runs),
        value=worst.facts.value,
        threshold=worst.facts.threshold,
        runs=tuple(runs.values())[:MOST_RUNS],
        evidence=_evidence([worst, *by_time]),
        changed=tuple(dict.fromkeys(said for one in [worst, *by_time] for said in one.facts.changed))[:MOST_CHANGED],
    )
    return Merged(title, worst.severity, common([one.labels for one in firing], worst.severity), facts, worst)


def titled(title: str, agents: int) -> str:
    """One line, bounded; how many agents if several."""
    rest = f" ({agents} agents)" if agents > 1 else ""
    line = " ".join(title.split()) or "Something is wrong"
    return line[: MOST_TITLE - len(rest)] + rest


def common(labels: Sequence[Mapping[str, str]], severity: str) -> dict[str, str]:
    """The labels that all share (Alertmanager's commonLabels), and the worst severity."""
    shared = dict(labels[0])
    for one in labels[1:]:
        shared = {name: value for name, value in shared.items() if one.get(name) == value}
    return {**shared, "severity": severity}


def instant(text: str) -> datetime:
    """An RFC 3339 time to compare by; the beginning of time if it is none."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _wasted(problems: Sequence[Said], runs: Mapping[str, Run]) -> float:
    """No less than the largest finding says of itself: a loop over the turns of a session names one of its traces."""
    parts = [(_money(one), one.facts.wasted_usd) for one in problems]
    costs = [run.cost_usd for run in runs.values()]
    if costs and None not in costs and _run_count(problems, runs) == len(costs):
        told = [usd for kind, usd in parts if not kind]
        of_runs = max(min(sum(told), sum(cost or 0.0 for cost in costs)), max(told, default=0.0))
        parts = [("", of_runs), *(part for part in parts if part[0])]
    return together(parts)


def _money(alert: Said) -> str:
    """By what it looks at money, as `kind_of_money` says of a finding: excess cost is told of an agent, a model…"""
    if alert.labels.get("detector") != "cost_anomaly":
        return ""
    return next((kind for kind in ("user", "model", "agent") if kind in alert.labels), "session")


def _once(alerts: Sequence[Said]) -> list[Said]:
    """Of the alerts of one problem the one that knows of the most waste."""
    found: dict[str, Said] = {}
    for one in alerts:
        known = found.get(one.problem)
        if known is None or one.facts.wasted_usd > known.facts.wasted_usd:
            found[one.problem] = one
    return list(found.values())


def _runs(alerts: Sequence[Said]) -> dict[str, Run]:
    runs: dict[str, Run] = {}
    for one in alerts:
        for run in one.facts.runs:
            runs.setdefault(run.trace_id, run)
    return dict(sorted(runs.items(), key=lambda item: instant(item[1].at), reverse=True))


def _run_count(problems: Sequence[Said], runs: Mapping[str, Run]) -> int:
    """Exact while every alert names all its runs; else their sum, in which a run may be counted twice."""
    if all(one.facts.run_count <= len(one.facts.runs) for one in problems):
        return len(runs)
    return max(len(runs), sum(one.facts.run_count for one in problems))


def _evidence(alerts: Sequence[Said]) -> tuple[Evidence, ...]:
    """That of the worst first, which is what a message links to."""
    found = dict.fromkeys(seen for one in alerts for seen in one.facts.evidence)
    return tuple(found)[:MOST_EVIDENCE]
