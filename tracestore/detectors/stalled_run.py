"""`stalled_run`: a run that began and has been silent for longer than it ever is.

Pure. Judged only while a run is incomplete. Silent is `max(5 min, 3 P99)` without a span starting or ending, of
the gaps between this agent's spans, or of the durations of the tool that it waits for. SDKs send a span when it
ends: a tool that was asked for and has no span yet is what the run is waiting for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from tracestore.analysis.exchanged import Requested
from tracestore.analysis.trajectory import TraceSpan, Trajectory
from tracestore.detectors.detector import Norms, setting
from tracestore.detectors.finding import Cause, Finding, Severity

_SECOND: Final = 10**9
#: Names of tools, spans and agents that wait for a person.
_PERSON: Final = re.compile(
    r"human|approv|interrupt|confirm|ask[_ ]?(?:the[_ ]?)?(?:user|customer|person|operator)"
    r"|user[_ ]?(?:input|proxy|response)"
    r"|input[_ ]?required|wait[_ ]?for[_ ]?(?:user|input|reply)|hitl|elicit|clarif",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Settings:
    silence: int = setting(300, "Seconds of silence before a run can count as stalled", minimum=10, maximum=86_400)
    factor: float = setting(3.0, "Silence must also be so many times the P99 of what is usual", minimum=1, maximum=100)
    lost: int = setting(86_400, "Seconds of silence after which a run counts as lost", minimum=600, maximum=30 * 86_400)


@dataclass(frozen=True, slots=True)
class Wait:
    """What a silent run is waiting for."""

    kind: str
    severity: Severity
    cause: Cause
    title: str
    why: str
    name: str = ""
    #: Findings with one key are one problem: of a process that is gone all runs are.
    key: str = ""


@dataclass(frozen=True, slots=True)
class StalledRun:
    id: str = "stalled_run"
    version: str = "1"
    title: str = "Stalled runs"
    method: str = (
        "Runs without an end and without a span for longer than three times what is usual for the agent or the tool, "
        "told apart by what they wait for"
    )
    defaults: Settings = Settings()

    def detect(self, trajectory: Trajectory, settings: Settings, norms: Norms) -> list[Finding]:
        own = [span for span in trajectory.spans if span.trace_id == trajectory.trace_id]
        if trajectory.complete or not own:
            return []
        last = max(own, key=lambda span: (max(span.start_ns, span.end_ns), span.start_ns))
        heard = max(last.start_ns, last.end_ns)
        silent = (trajectory.now_ns - heard) / _SECOND
        usual = norms.agent(trajectory.agent)
        pending, tool = _pending(own)
        known = norms.tool(tool) if tool else usual
        limit = max(
            settings.silence, settings.factor * max(usual.gap_p99, known.gap_p99, known.seconds_p95 if tool else 0)
        )
        if silent <= limit:
            return []
        wait = _reason(own, last, pending, tool, norms, heard)
        return [self._say(trajectory, own, last, wait, silent, limit, settings)]

    def _say(
        self, trajectory: Trajectory, own: list[TraceSpan], last: TraceSpan, wait: Wait, silent: float, limit: float,
        settings: Settings,
    ) -> Finding:  # fmt: skip
        lost = silent > settings.lost and wait.kind != "answered"
        spent = sum(span.cost_usd or 0.0 for span in own)
        evidence: dict[str, Any] = {
            "state": "lost" if lost else "stalled", "waiting_for": wait.kind, "name": wait.name,
            "silent_seconds": round(silent), "limit_seconds": round(limit), "service": last.service,
            "spent_usd": round(spent, 6),
        }  # fmt: skip
        return Finding(
            self.id, self.version, wait.severity, ("Lost: " if lost else "") + wait.title,
            f"Nothing has been heard of this run for {_time(silent)}; up to {_time(limit)} would be usual. {wait.why}",
            trajectory.agent, wait.key or f"{wait.kind} {wait.name}".strip(), own[0].start_ns,
            max(last.start_ns, last.end_ns), trajectory.trace_id, (last.span_id,), last.span_id, wait.cause,
            evidence=evidence,
        )  # fmt: skip


def _pending(own: list[TraceSpan]) -> tuple[Requested | None, str]:
    """The tool that the newest model call asked for and that has no span yet, else a tool that has not ended."""
    open_tool = next((span for span in reversed(own) if span.type == "tool" and not span.end_ns), None)
    if open_tool is not None:
        return None, open_tool.tool_name or open_tool.name
    call = next((span for span in reversed(own) if span.type == "llm"), None)
    if call is None or not call.requested:
        return None, ""
    done = [span for span in own if span.type == "tool" and span.start_ns >= call.start_ns]
    ids, names = {span.tool_call_id for span in done} - {""}, {span.tool_name for span in done}
    for request in call.requested:
        if request.id not in ids and request.name not in names:
            return request, request.name
    return None, ""


def _reason(
    own: list[TraceSpan], last: TraceSpan, pending: Requested | None, tool: str, norms: Norms, heard: int
) -> Wait:
    if tool and _PERSON.search(tool):
        return _person(tool)
    if not tool and last.type in ("tool", "workflow", "other", "agent") and _PERSON.search(last.tool_name or last.name):
        return _person(last.tool_name or last.name)
    said = norms.heard.get(last.service, 0)
    if said and said <= heard:
        return Wait(
            "exporter", "warning", "system", f"{last.service} has fallen silent",
            f"No span of any run came from the service {last.service} since. Its process has ended, or it no longer "
            "sends spans; the runs themselves may be fine.", last.service, f"exporter {last.service}",
        )  # fmt: skip
    if tool:
        asked = " that the model asked for" if pending else ""
        return Wait(
            "tool", "warning", "tool", f"Stalled: waiting for {tool}",
            f"The tool {tool}{asked} has not come back. It hangs, or the process ended with it.", tool,
        )  # fmt: skip
    call = next((span for span in reversed(own) if span.type == "llm"), None)
    if call is not None and call is last and call.output and not call.requested and not call.failed:
        return Wait(
            "answered", "info", "system", "Answered, but its root span never came",
            "The last model call gave an answer and asked for no tool, so the run is probably over and its outermost "
            "span was not sent. Is the SDK shut down (flushed) when the program ends?",
        )  # fmt: skip
    name = last.tool_name or last.name
    how = "failed" if last.failed else "ended"
    return Wait(
        "next step", "warning", "system", f"Stalled after {name}",
        f"The last that was seen is {name}, which {how}; what should follow did not begin. A model call that hangs, "
        "a queue, or a process that was ended look like this.", name,
    )  # fmt: skip


def _person(name: str) -> Wait:
    return Wait(
        "person", "info", "system", f"Waiting for a person: {name}",
        f"The last step ({name}) asks a person for something. That is no fault of the agent's, but somebody may not "
        "know that it waits.", name,
    )  # fmt: skip


def _time(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} seconds"
    return f"{seconds / 60:.0f} minutes" if seconds < 7200 else f"{seconds / 3600:.0f} hours"
