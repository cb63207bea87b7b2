"""Retries, empty retrievals and truncated answers that became more frequent, by the engine of `share_change`.

The forms across runs of `retry_storm`, `empty_retrieval` and `truncated_output`; one run is judged elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

import numpy as np

from tracestore.detectors.finding import Cause, Finding
from tracestore.detectors.histories import DAY_NS, HOUR_NS, EventHours
from tracestore.detectors.share_change import Change, ShareHistory, ShareSettings, lay_out
from tracestore.detectors.statistics.beta_binomial import wilson
from tracestore.detectors.tool_error_rate import percent

DAYS: Final = 15


@dataclass(frozen=True, slots=True)
class EventShare:
    """Window detector of one kind of event. `noun` and `what` are for its sentences."""

    id: str
    event: str
    title: str
    noun: str
    what: str
    meaning: str
    cause: Cause
    version: str = "1"
    defaults: ShareSettings = field(default_factory=ShareSettings)
    reads: type = EventHours
    every: timedelta = timedelta(hours=1)

    @property
    def method(self) -> str:
        return f"Share of {self.what} per agent and name, judged like tool_error_rate against its own past"

    def detect(self, history: EventHours, settings: ShareSettings) -> Iterable[Finding]:
        series, shares, first = self._prepare(history)
        if not series:
            return
        end = shares.total.shape[1]
        before = {change.series for change in shares.changes(end - 1, settings)}
        for change in shares.strongest(end, settings):
            if change.series in before:
                yield self._finding(history, series[change.series], shares, first, change)

    def coverage(self, history: EventHours, settings: ShareSettings) -> Mapping[str, bool]:
        """By agent: can its share of this event be judged?"""
        series, shares, _ = self._prepare(history)
        agents: dict[str, bool] = {}
        if not series:
            return agents
        for (agent, _name), sure in zip(series, shares.enough(shares.total.shape[1], settings), strict=True):
            agents[agent] = agents.get(agent, False) or bool(sure)
        return agents

    def _prepare(self, history: EventHours) -> tuple[list[tuple[str, str]], ShareHistory, int]:
        rows = [
            (row.hour_ns, (row.agent, row.name), row.total, min(row.hit, row.total))
            for row in history.rows
            if row.event == self.event
        ]
        series, total, hits, first = lay_out(rows, history.now_ns, DAYS)
        return series, ShareHistory(total, hits, np.arange(len(series)), first), first

    def _finding(
        self, history: EventHours, series: tuple[str, str], shares: ShareHistory, first: int, change: Change
    ) -> Finding:
        agent, name = series
        since_ns = (first + shares.since(change)) * HOUR_NS
        now = change.hits / change.total
        low, high = wilson(change.hits, change.total)
        examples = [
            row
            for row in history.rows
            if (row.event, row.agent, row.name) == (self.event, agent, name)
            and row.hour_ns >= since_ns
            and row.example_span
        ]
        example = max(examples, key=lambda row: row.hit, default=None)
        span = example.example_span if example else ""
        return Finding(
            detector=self.id,
            version=self.version,
            severity="critical" if now >= 0.5 else "warning",
            title=f"{name}: {percent(now)} {self.noun}, usually {percent(change.usual)}",
            explanation=(
                f"In the last {change.hours} hours {change.hits} of {change.total} {self.what} of {name} by {agent} "
                f"({percent(now)}, 95 % interval {percent(low)} to {percent(high)}). Usual is {percent(change.usual)}, "
                f"from {change.known} earlier ones. {self.meaning}"
            ),
            agent=agent,
            key=f"share:{name}",
            first_seen_ns=since_ns,
            last_seen_ns=history.now_ns,
            span_ids=(span,) if span else (),
            look_first=span,
            cause=self.cause,
            window=(history.now_ns - 1) // DAY_NS * DAY_NS,
            evidence={
                "name": name,
                "hours": change.hours,
                "hit": change.hits,
                "total": change.total,
                "rate": round(now, 4),
                "interval": [round(low, 4), round(high, 4)],
                "usual": round(change.usual, 4),
                "usual_total": change.known,
                "p_value": change.p_value,
                "example_trace": example.example_trace if example else "",
            },
        )


RETRIES: Final = EventShare(
    id="retry_storm",
    event="retry",
    title="Retry storm (across runs)",
    noun="of calls are retries",
    what="calls that repeat a failed one",
    meaning="Something the agent calls fails for a while, and each retry costs time and money.",
    cause="system",
)
EMPTY_RETRIEVALS: Final = EventShare(
    id="empty_retrieval",
    event="empty_retrieval",
    title="Empty retrievals",
    noun="of retrievals find nothing",
    what="retrievals that found nothing",
    meaning="The index may be empty, filtered too narrowly, or asked with other words than it holds.",
    cause="data",
)
TRUNCATED_OUTPUTS: Final = EventShare(
    id="truncated_output",
    event="truncated_output",
    title="Truncated answers",
    noun="of answers are cut off",
    what="answers cut off at the token limit",
    meaning="Raise the limit of output tokens, or ask for shorter answers.",
    cause="model",
)
