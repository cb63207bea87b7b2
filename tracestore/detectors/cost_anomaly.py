"""An agent, model, user or session costs unusually much. Method: `spending`; sessions against all others.

Says which question fired: more was spent (`spend`, `traffic`: perhaps a launch) or a run costs more (`price`, `creep`).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

import numpy as np

from tracestore.detectors.detector import setting
from tracestore.detectors.finding import Finding
from tracestore.detectors.histories import DAY_NS, HOUR_NS, CostHour, CostHours
from tracestore.detectors.share_change import lay_out
from tracestore.detectors.spending import LEAST_DAYS, Alarm, SpendHistory, SpendSettings
from tracestore.detectors.statistics.robust import centre_and_scale

DAYS: Final = 42
#: Subjects of one kind that are judged, by cost of the last day: the rest is small.
MOST_SUBJECTS: Final = 200
#: Users come and go and are many: more is asked of them.
USER_CAUTION: Final = 1.5


@dataclass(frozen=True, slots=True)
class CostSettings(SpendSettings):
    """`SpendSettings`, and the floors below which nothing is said."""

    least_excess_usd: float = setting(0.0, "Smallest excess over the usual that is stated, in USD.", minimum=0)
    session_z: float = setting(
        5.0, "How far above the others a session must be, in deviations of the log cost.", minimum=2
    )
    session_factor: float = setting(1.5, "And by what factor above the dearest session before.", minimum=1)


class CostAnomaly:
    """Window detector."""

    id = "cost_anomaly"
    version = "1"
    title = "Cost anomaly"
    method = (
        "Cost, runs and cost per run of the last 1, 3 and 24 hours against the same clock time on earlier days of the "
        "same kind, measured by the subject's own four weeks; a CUSUM on daily cost per run; sessions against all"
    )
    defaults = CostSettings()
    reads = CostHours
    every = timedelta(hours=1)

    def detect(self, history: CostHours, settings: CostSettings) -> Iterable[Finding]:
        for kind in ("agent", "model", "user"):
            rows = [row for row in history.rows if row.kind == kind]
            if rows:
                yield from self._of_kind(history, kind, rows, settings)
        yield from self._sessions(history, settings)

    def coverage(self, history: CostHours, settings: CostSettings) -> Mapping[str, bool]:
        """By agent: two weeks known, and runs in the last day."""
        names, spend, _ = _prepare(history, [row for row in history.rows if row.kind == "agent"])
        if not names:
            return {}
        return dict(zip(names, spend.enough(spend.hours - 1).tolist(), strict=True))

    def _of_kind(
        self, history: CostHours, kind: str, rows: list[CostHour], settings: CostSettings
    ) -> Iterable[Finding]:
        names, spend, first = _prepare(history, rows)
        if not names:
            return
        if kind == "user":
            settings = replace(settings, caution=settings.caution * USER_CAUTION)
        for alarm in spend.alarms(np.array([spend.hours - 1]), settings):
            finding = self._finding(history, kind, names[alarm.subject], rows, spend, first, alarm)
            if finding.evidence["excess_usd"] >= settings.least_excess_usd:
                yield finding

    def _finding(
        self,
        history: CostHours,
        kind: str,
        name: str,
        rows: list[CostHour],
        spend: SpendHistory,
        first: int,
        alarm: Alarm,
    ) -> Finding:
        start = max(alarm.tick + 1 - alarm.hours, 0)
        cost = float(spend.cost[alarm.subject, start : alarm.tick + 1].sum())
        runs = int(spend.runs[alarm.subject, start : alarm.tick + 1].sum())
        since_ns = (first + start) * HOUR_NS
        each = cost / max(runs, 1)
        dearest = _dearest(rows, name, since_ns)
        span = _duration(alarm.hours)
        if alarm.question in ("price", "creep"):
            usual_each = alarm.usual
            excess = max(0.0, cost - usual_each * runs)
            now, usual = f"{_usd(each)} a run", f"{_usd(usual_each)} a run"
            verb = "has slowly become dearer" if alarm.question == "creep" else "costs more per run"
            title = f"{name} {verb}: {now}, usually {_usd(usual_each)}"
            why = "The cost per run rose, not the traffic: longer contexts, more steps, or another model or price."
        else:
            usual_cost = alarm.usual if alarm.question == "spend" else cost / alarm.ratio
            excess = max(0.0, cost - usual_cost)
            now, usual = f"{_usd(cost)}", f"{_usd(usual_cost)}"
            title = f"{name} spent {now} in {span}, usually {usual}"
            if alarm.question == "traffic":
                now, usual = f"{runs} runs for {now}", f"{alarm.usual:.0f} runs"
                why = "More runs than ever at this hour: a launch, or something that starts runs again and again."
            else:
                why = "More was spent than at this hour on earlier days."
        window = (history.now_ns - 1) // DAY_NS * DAY_NS
        today = max(start, window // HOUR_NS - first)
        cost_today = float(spend.cost[alarm.subject, today : alarm.tick + 1].sum())
        told = f"In the last {span}: {now}; usual at this time: {usual}. {why}"
        if dearest and dearest.dearest_trace:
            told += f" The dearest trace of that time cost {_usd(dearest.dearest_cost)}."
        return Finding(
            detector=self.id,
            version=self.version,
            severity="critical" if alarm.ratio >= 5 and alarm.question != "traffic" else "warning",
            title=title,
            explanation=told,
            agent=name if kind == "agent" else "",
            key=f"{kind}:{name}",
            first_seen_ns=since_ns,
            last_seen_ns=history.now_ns,
            cause="unknown",
            # Of this day only, however far back the question reaches: the days' findings add up, no dollar twice.
            wasted_cost_usd=round(excess * cost_today / cost, 6) if cost else 0.0,
            window=window,
            evidence={
                "kind": kind,
                "name": name,
                "question": alarm.question,
                "hours": alarm.hours,
                "cost_usd": round(cost, 6),
                "excess_usd": round(excess, 6),
                "runs": runs,
                "usual": round(alarm.usual, 6),
                "factor": round(alarm.ratio, 2),
                "dearest_trace": dearest.dearest_trace if dearest else "",
                "dearest_cost_usd": round(dearest.dearest_cost, 6) if dearest else 0.0,
            },
        )

    def _sessions(self, history: CostHours, settings: CostSettings) -> Iterable[Finding]:
        """Sessions that cost something in the last day against the total of all sessions before."""
        window = (history.now_ns - 1) // DAY_NS * DAY_NS
        total: dict[str, float] = defaultdict(float)
        today: dict[str, float] = defaultdict(float)
        last: dict[str, int] = defaultdict(int)
        rows = [row for row in history.rows if row.kind == "session" and row.cost_usd > 0]
        for row in rows:
            total[row.name] += row.cost_usd
            today[row.name] += row.cost_usd if row.hour_ns >= window else 0.0
            last[row.name] = max(last[row.name], row.hour_ns)
        recent = [name for name in total if last[name] > history.now_ns - DAY_NS]
        before = [total[name] for name in total if last[name] <= history.now_ns - DAY_NS]
        if len(before) < 50:
            return
        centre, scale = centre_and_scale(np.log(np.array([before])), 0.1)
        typical, most = math.exp(float(centre[0])), max(before)
        for name in sorted(recent, key=lambda name: -total[name])[:MOST_SUBJECTS]:
            cost = total[name]
            z = (math.log(cost) - float(centre[0])) / float(scale[0])
            if z < settings.session_z or cost < settings.session_factor * most:
                continue
            if cost - typical < settings.least_excess_usd:
                continue
            dearest = _dearest(rows, name, 0)
            yield Finding(
                detector=self.id,
                version=self.version,
                severity="warning",
                title=f"Session {name} cost {_usd(cost)}, usually {_usd(typical)}",
                explanation=(
                    f"Of {len(before)} earlier sessions half cost {_usd(typical)} or less, and the dearest "
                    f"{_usd(most)}. This one cost {_usd(cost)}."
                ),
                agent="",
                key=f"session:{name}",
                first_seen_ns=min(row.hour_ns for row in rows if row.name == name),
                last_seen_ns=history.now_ns,
                wasted_cost_usd=round((cost - typical) * today[name] / cost, 6),
                window=window,
                evidence={
                    "kind": "session",
                    "name": name,
                    "question": "session",
                    "cost_usd": round(cost, 6),
                    "excess_usd": round(cost - typical, 6),
                    "usual": round(typical, 6),
                    "dearest_before_usd": round(most, 6),
                    "dearest_trace": dearest.dearest_trace if dearest else "",
                },
            )


def _prepare(history: CostHours, rows: list[CostHour]) -> tuple[list[str], SpendHistory, int]:
    """The subjects with the highest cost in the last day that have been known for long enough."""
    recent: dict[str, float] = defaultdict(float)
    oldest: dict[str, int] = {}
    for row in rows:
        oldest[row.name] = min(oldest.get(row.name, row.hour_ns), row.hour_ns)
        if row.hour_ns >= history.now_ns - DAY_NS:
            recent[row.name] += row.cost_usd
    old_enough = [name for name in recent if oldest[name] <= history.now_ns - (LEAST_DAYS - 1) * DAY_NS]
    chosen = set(sorted(old_enough, key=lambda name: (-recent[name], name))[:MOST_SUBJECTS])
    names, cost, runs, first = lay_out(
        [(row.hour_ns, row.name, row.cost_usd, row.runs) for row in rows if row.name in chosen], history.now_ns, DAYS
    )
    return names, SpendHistory(cost, runs, first), first


def _dearest(rows: list[CostHour], name: str, since_ns: int) -> CostHour | None:
    fits = (row for row in rows if row.name == name and row.hour_ns >= since_ns)
    return max(fits, key=lambda row: row.dearest_cost, default=None)


def _usd(amount: float) -> str:
    return f"{amount:,.2f} USD" if amount >= 0.1 else f"{amount:.2g} USD"


def _duration(hours: int) -> str:
    if hours >= 48:
        return f"{round(hours / 24)} days"
    return "hour" if hours == 1 else f"{hours} hours"
