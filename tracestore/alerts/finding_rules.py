"""What rules over findings make of a problem: which takes it, whether it goes on, its labels and facts. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from tracestore.alerts.conditions.condition import FindingsCondition
from tracestore.alerts.conditions.finding_tools import tool_of
from tracestore.alerts.facts import MOST_EVIDENCE, MOST_RUNS, Evidence, Facts, Run
from tracestore.alerts.severities import rank
from tracestore.clickhouse.alerting.said import Problem, RunSeen, Said
from tracestore.moments import rfc3339

#: What is said of a window of time is said again only when the window is judged again.
WINDOWS_KEEP: Final = timedelta(hours=2)
#: After a run without the problem it is waited so long before it counts as gone.
FIXED_AFTER: Final = timedelta(seconds=20)
#: Evidence so old still counts as coming.
GOING_ON: Final = timedelta(seconds=60)
#: Detectors of windows that name a trace as an example.
_WITH_EXAMPLE: Final = frozenset({"latency_regression", "semantic_drift"})
_HOUR: Final = timedelta(hours=1)


def matching(condition: FindingsCondition, problem: Problem) -> tuple[Said, ...]:
    """The findings of a problem that the condition is about, the newest first."""
    if condition.detectors and problem.detector not in condition.detectors:
        return ()
    least = rank(condition.min_severity)
    return tuple(
        one
        for one in problem.findings
        if rank(one.severity) >= least and (not condition.agents or one.agent in condition.agents)
    )


def met(condition: FindingsCondition, found: Sequence[Said], now: datetime) -> bool:
    """Whether there are enough of them in the window, and they wasted enough."""
    since = now - timedelta(seconds=condition.window_s)
    recent = [one for one in found if one.seen > since]
    return len(recent) >= condition.min_count and sum(one.wasted_usd for one in recent) >= condition.min_wasted_usd


def worst(found: Sequence[Said]) -> Said:
    """The newest of the worst."""
    return max(found, key=lambda one: (rank(one.severity), one.last_ns, one.id))


def about_runs(problem: Problem) -> bool:
    """Whether its findings are about single runs, not about windows of time."""
    return problem.detector not in _WITH_EXAMPLE and any(one.trace_id for one in problem.findings)


def over(
    problem: Problem,
    found: Sequence[Said],
    keep_firing_s: int,
    now: datetime,
    *,
    going: bool,
    clean_end: datetime | None,
) -> bool:
    """Whether an alert ends: nothing new for long enough and no run of it goes on; or, sooner, a later run of the
    agent ended (`clean_end`) without the problem.
    """
    if not found:
        return True
    keep = timedelta(seconds=keep_firing_s)
    if not about_runs(problem):
        return now - newest(found) >= max(keep, WINDOWS_KEEP)
    if going:
        return False
    if clean_end is not None and now - clean_end >= FIXED_AFTER:
        return True
    return now - newest(found) >= keep


def newest(found: Sequence[Said]) -> datetime:
    return max(one.seen for one in found)


def labels(problem: Problem, said: Said) -> dict[str, str]:
    """What the problem is about, as far as known."""
    evidence = problem.worst.evidence
    found = {
        "detector": problem.detector,
        "agent": said.agent,
        "tool": tool_of(problem.detector, problem.key, evidence),
        "cause": said.cause,
        "problem": problem.fingerprint,
        "version": _text(evidence.get("agent_version")),
    }
    kind, name = evidence.get("kind"), _text(evidence.get("name"))
    if problem.detector == "cost_anomaly" and kind in ("user", "model"):
        found[str(kind)] = name
    return {label: value for label, value in found.items() if value}


def facts(
    problem: Problem,
    found: Sequence[Said],
    runs: Mapping[str, RunSeen],
    now: datetime,
    changed: tuple[str, ...] = (),
) -> Facts:
    """What is to be told; `runs` by trace id, as far as they are known."""
    chosen = worst(found)
    last = newest(found)
    traces = list(dict.fromkeys(one.trace_id for one in sorted(found, key=_by_time, reverse=True) if one.trace_id))
    going = any(run.goes_on for trace_id in traces if (run := runs.get(trace_id)))
    ordered = sorted(found, key=lambda one: (rank(one.severity), one.last_ns, one.id), reverse=True)
    return Facts(
        title=chosen.title[:300],
        summary=(chosen.explanation or problem.worst.explanation)[:1000],
        first_seen=rfc3339(min(one.first_ns for one in found)),
        last_seen=rfc3339(max(one.last_ns for one in found)),
        going_on=going or now - last < GOING_ON or not about_runs(problem),
        wasted_usd=round(sum(one.wasted_usd for one in found), 6),
        wasted_tokens=sum(one.wasted_tokens for one in found),
        usd_per_hour=_per_hour(found, last),
        run_count=len(traces),
        runs=tuple(_run(trace_id, runs.get(trace_id)) for trace_id in traces[:MOST_RUNS]),
        evidence=tuple(Evidence(one.title[:300], one.trace_id, one.span_id, one.id) for one in ordered[:MOST_EVIDENCE]),
        changed=changed,
    )


def _per_hour(found: Sequence[Said], last: datetime) -> float | None:
    """What was wasted in the last hour of it, by the time that took, a minute at least."""
    recent = [one for one in found if last - one.seen < _HOUR and one.wasted_usd > 0]
    if not recent:
        return None
    took = (max(one.last_ns for one in recent) - min(one.first_ns for one in recent)) / 1e9
    return round(sum(one.wasted_usd for one in recent) * 3600 / max(took, 60.0), 4)


def _run(trace_id: str, seen: RunSeen | None) -> Run:
    if seen is None:
        return Run(trace_id)
    return Run(trace_id, seen.name, seen.agent, seen.cost_usd, rfc3339(seen.start_ns), seen.goes_on)


def _by_time(said: Said) -> tuple[int, str]:
    return said.last_ns, said.id


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
