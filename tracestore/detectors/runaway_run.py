"""`runaway_run`: a run far beyond what its agent's runs need, and no longer doing anything new.

Pure. Beyond is `x > max(2 P95, P75 (P75 / P25)^3)` in steps, tokens, cost or time: twice the usual extreme, and
in log scale three ranges between quartiles above the upper one (Tukey's far fence), of at least 30 finished runs.
Of an agent with fewer runs three times the P95 of all agents is the limit; when that is not known nothing is said.
A long run that still makes new calls and gets new results is long, not runaway.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tracestore.analysis.trajectory import TraceSpan, Trajectory
from tracestore.detectors import canonical
from tracestore.detectors.detector import Norms, Usual, setting
from tracestore.detectors.finding import Finding, Severity

_MEASURES: Final = ("steps", "tokens", "cost", "seconds")
#: The spending of the last five minutes goes on for ten more: the time until somebody has looked.
_RECENT_NS: Final = 300 * 10**9
_AHEAD: Final = 2


@dataclass(frozen=True, slots=True)
class Settings:
    runs: int = setting(30, "So many finished runs must be known before a run is compared with them", minimum=5)
    factor: float = setting(2.0, "A run is beyond the usual from so many times the P95 on", minimum=1, maximum=100)
    fleet_factor: float = setting(
        3.0, "The same against the runs of all agents, while an agent's own are too few", minimum=1, maximum=100
    )
    recent: int = setting(20, "Whether a run does anything new is judged by so many last calls", minimum=5, maximum=200)
    novelty: float = setting(0.15, "With a larger share of new calls a run is long, not runaway", minimum=0, maximum=1)
    far: float = setting(3.0, "So many times the limit are critical; long runs are told from there on", minimum=1)


@dataclass(frozen=True, slots=True)
class Beyond:
    """One measure of a run that is over its limit."""

    measure: str
    value: float
    limit: float
    usual: float

    @property
    def times(self) -> float:
        return self.value / self.limit


@dataclass(frozen=True, slots=True)
class RunawayRun:
    id: str = "runaway_run"
    version: str = "1"
    title: str = "Runaway runs"
    method: str = (
        "Steps, tokens, cost or time far beyond the agent's own finished runs, while the last calls bring nothing new"
    )
    defaults: Settings = Settings()

    def detect(self, trajectory: Trajectory, settings: Settings, norms: Norms) -> list[Finding]:
        own = [span for span in trajectory.spans if span.trace_id == trajectory.trace_id]
        steps = [span for span in own if span.type in ("llm", "tool", "retrieval")]
        limits, whose = _limits(norms, trajectory.agent, settings)
        if not steps or not limits:
            return []
        # A silent run takes no longer: waiting is `stalled_run`'s.
        heard = max(max(span.start_ns, span.end_ns) for span in own)
        now = heard if trajectory.complete else max(trajectory.now_ns, heard)
        values = _values(own, steps, heard)
        beyond = [
            Beyond(name, values[name], *limits[name])
            for name in _MEASURES
            if name in limits and values[name] > limits[name][0]
        ]
        if not beyond:
            return []
        worst = max(beyond, key=lambda one: one.times)
        share = novelty(steps, settings.recent)
        return [self._say(trajectory, steps, beyond, worst, share, whose, settings, now)]

    def _say(
        self, trajectory: Trajectory, steps: list[TraceSpan], beyond: list[Beyond], worst: Beyond, share: float,
        whose: str, settings: Settings, now: int,
    ) -> Finding:  # fmt: skip
        productive = share > settings.novelty
        cost = sum(span.cost_usd or 0.0 for span in steps)
        projected = cost + _AHEAD * sum(span.cost_usd or 0.0 for span in steps if span.start_ns > now - _RECENT_NS)
        over = {one.measure: one for one in beyond}
        dear = "cost" in over and projected > settings.far * over["cost"].limit and not trajectory.complete
        severity: Severity = "warning"
        if productive:
            severity = "warning" if worst.times >= settings.far else "info"
        elif worst.times >= settings.far or dear:
            severity = "critical"
        started = _first_beyond(steps, over)
        amounts = ", ".join(
            f"{_amount(one.measure, one.value)} (usual at most {_amount(one.measure, one.usual)})" for one in beyond
        )
        doing = (
            f"{share:.0%} of its last calls are new, so it may simply have much to do."
            if productive
            else f"Only {share:.0%} of its last calls are new: it repeats itself."
        )
        going = (
            ""
            if trajectory.complete
            else f" It is still going on; in ten minutes it will have cost {projected:.2f} USD."
            if cost
            else " It is still going on."
        )
        rest = steps[steps.index(started) :]
        return Finding(
            self.id, self.version, severity,
            f"{'Long' if productive else 'Runaway'} run: {_amount(worst.measure, worst.value)}, "
            f"{worst.value / max(worst.usual, 1e-9):.0f} times the usual extreme",
            f"This run has used {amounts}, measured against {whose}. {doing}{going}",
            trajectory.agent, "long" if productive else "runaway", steps[0].start_ns,
            max(span.end_ns or span.start_ns for span in steps), trajectory.trace_id,
            tuple(span.span_id for span in rest[:200]), started.span_id, "system",
            0.0 if productive else sum(span.cost_usd or 0.0 for span in rest),
            0 if productive else sum(span.tokens for span in rest),
            evidence={
                "new_share": round(share, 3), "against": whose, "projected_cost_usd": round(projected, 6),
                "beyond": {one.measure: {"value": one.value, "limit": one.limit, "p95": one.usual} for one in beyond},
            },
        )  # fmt: skip


def _limits(norms: Norms, agent: str, settings: Settings) -> tuple[dict[str, tuple[float, float]], str]:
    """Limit and P95 by measure, and of what they are."""
    usual = norms.agent(agent)
    if usual.runs >= settings.runs:
        return _fences(usual, settings.factor, far=True), f"{usual.runs} finished runs of this agent"
    if norms.fleet.runs >= settings.runs:
        return _fences(norms.fleet, settings.fleet_factor, far=False), f"{norms.fleet.runs} finished runs of all agents"
    return {}, ""


def _fences(usual: Usual, factor: float, *, far: bool) -> dict[str, tuple[float, float]]:
    found = {}
    for name in _MEASURES:
        p75, p95, iqr = (float(getattr(usual, f"{name}_{part}")) for part in ("p75", "p95", "iqr"))
        if p95 <= 0:
            continue
        fence = p75 * (p75 / (p75 - iqr)) ** 3 if far and 0 < iqr < p75 else p75 + 3 * iqr if far else 0.0
        # Quartiles far apart in log scale would allow anything: ten times the P95 is extreme at the latest.
        found[name] = max(factor * p95, min(fence, 10 * p95)), p95
    return found


def _values(own: Sequence[TraceSpan], steps: Sequence[TraceSpan], heard: int) -> Mapping[str, float]:
    return {
        "steps": len(steps),
        "tokens": sum(span.tokens for span in steps),
        "cost": sum(span.cost_usd or 0.0 for span in steps),
        "seconds": max(heard - own[0].start_ns, 0) / 1e9,
    }


def _first_beyond(steps: Sequence[TraceSpan], over: Mapping[str, Beyond]) -> TraceSpan:
    """The step with which the first limit was passed."""
    count = tokens = 0
    cost = 0.0
    for span in steps:
        count, tokens, cost = count + 1, tokens + span.tokens, cost + (span.cost_usd or 0.0)
        now = {"steps": count, "tokens": tokens, "cost": cost, "seconds": (span.end_ns - steps[0].start_ns) / 1e9}
        if any(now[name] > one.limit for name, one in over.items()):
            return span
    return steps[-1]


def novelty(steps: Sequence[TraceSpan], recent: int) -> float:
    """The share of the last calls that are new: arguments never used, and a result that was not there before.

    Short results ("ok") may repeat. Without tools it is the share of new words in the last answers.
    """
    calls = [span for span in steps if span.type in ("tool", "retrieval")]
    if len(calls) < recent // 2:
        return _new_words([span.output for span in steps if span.type == "llm"], recent)
    asked: set[tuple[str, int]] = set()
    results: set[int] = set()
    fresh = []
    for span in calls:
        key = span.tool_name or span.name, canonical.arguments(span.input[: canonical.READ]).folded
        result = canonical.masked(span.output)
        told = result is None or result not in results or len(canonical.words(span.output)) < canonical.INFORMATIVE
        fresh.append(key not in asked and told)
        asked.add(key)
        if result is not None:
            results.add(result)
    # Of few calls the later half: the first ones are new in every run.
    tail = fresh[-min(recent, max(recent // 4, len(fresh) // 2)) :]
    return sum(tail) / len(tail)


def _new_words(texts: Sequence[str], recent: int) -> float:
    seen: set[str] = set()
    new = total = 0
    for place, text in enumerate(texts):
        words = canonical.words(text)
        if place >= len(texts) - recent and place:
            new, total = new + len(words - seen), total + len(words)
        seen |= words
    return new / total if total else 1.0


def _amount(measure: str, value: float) -> str:
    if measure == "cost":
        return f"{value:.2f} USD"
    if measure == "seconds":
        return f"{value / 60:.0f} minutes" if value >= 120 else f"{value:.0f} s"
    return f"{value:,.0f} {measure}"
