"""Tools of one agent, or agents of one tool, that got worse in the same hour: one outage, with what they share.

The form of `error_cascade` across runs. It speaks instead of `tool_error_rate` for the pairs it explains.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta

from tracestore.detectors.error_causes import cause_of
from tracestore.detectors.finding import Finding
from tracestore.detectors.histories import DAY_NS, HOUR_NS, ToolHours
from tracestore.detectors.tool_error_rate import Group, Judged, ToolErrorRate, ToolErrorSettings, judge, kinds, percent


class ErrorOutage:
    """Window detector."""

    id = "error_cascade"
    version = "1"
    title = "Outage"
    method = (
        "At least three tools of one agent, or one tool of at least three agents, changed by the test of "
        "tool_error_rate in the same hour: one finding that names what they share"
    )
    defaults = ToolErrorSettings()
    reads = ToolHours
    every = timedelta(hours=1)

    def detect(self, history: ToolHours, settings: ToolErrorSettings) -> Iterable[Finding]:
        judged = judge(history, settings)
        for outage in judged.outages:
            yield self._finding(history, judged, outage)

    def coverage(self, history: ToolHours, settings: ToolErrorSettings) -> Mapping[str, bool]:
        """As `tool_error_rate`: the same calls are looked at."""
        return ToolErrorRate().coverage(history, settings)

    def _finding(self, history: ToolHours, judged: Judged, outage: Group) -> Finding:
        pairs = [judged.pair(change) for change in outage.changes]
        since_ns = (judged.first_hour + min(judged.shares.since(change) for change in outage.changes)) * HOUR_NS
        wanted = set(pairs)
        error = kinds((row for row in history.rows if (row.agent, row.tool) in wanted), since_ns)
        hits = sum(change.hits for change in outage.changes)
        total = sum(change.total for change in outage.changes)
        usual = sum(change.usual * change.total for change in outage.changes) / total
        members = sorted({tool if outage.agent else agent for agent, tool in pairs})
        shown = ", ".join(members[:5]) + (f" and {len(members) - 5} more" if len(members) > 5 else "")
        if outage.agent:
            title = f"{len(members)} tools of {outage.agent} fail at once"
            suspect = f"{outage.agent} itself or what its tools share (network, keys, a release)"
        else:
            title = f"{outage.tool} fails for {len(members)} agents at once"
            suspect = f"{outage.tool} itself"
        told = (
            f"{shown}: together {hits} of {total} calls failed ({percent(hits / total)}; usually {percent(usual)}). "
            f"What they share is the likely cause: {suspect}."
        )
        if error.template:
            told += f" Most frequent error: {error.template}."
        return Finding(
            detector=self.id,
            version=self.version,
            severity="critical",
            title=title,
            explanation=told,
            agent=outage.agent,
            key=f"outage:{outage.tool or '*'}",
            first_seen_ns=since_ns,
            last_seen_ns=history.now_ns,
            span_ids=(error.span,) if error.span else (),
            look_first=error.span,
            cause=cause_of(error.template) if error.template else "tool" if outage.tool else "system",
            window=(history.now_ns - 1) // DAY_NS * DAY_NS,
            evidence={
                "agent": outage.agent,
                "tool": outage.tool,
                "pairs": [list(pair) for pair in pairs[:50]],
                "failed": hits,
                "calls": total,
                "usual": round(usual, 4),
                "error": error.template,
                "example_trace": error.trace,
            },
        )
