"""`error_cascade`, within a run: several tools fail one after the other, and the run ends so.

Pure. At least three failed calls at the end of what has been done so far, by two or more tools. While the run goes
on that is a warning; when it is over it is critical. (The form over runs comes from the tools' error rates.)
"""

from __future__ import annotations

from dataclasses import dataclass

from tracestore.analysis.trajectory import TraceSpan, Trajectory
from tracestore.detectors.actions import Action, actions
from tracestore.detectors.detector import Norms, setting
from tracestore.detectors.finding import Cause, Finding
from tracestore.detectors.hidden_errors import hidden_error


@dataclass(frozen=True, slots=True)
class Settings:
    failures: int = setting(3, "Failed calls running at the end of the run", minimum=2, maximum=50)
    tools: int = setting(2, "By how many tools, at least", minimum=1, maximum=20)


@dataclass(frozen=True, slots=True)
class ErrorCascadeDetector:
    id: str = "error_cascade"
    version: str = "1"
    title: str = "Error cascades"
    method: str = "Three or more failed calls of two or more tools running at the end of a run"
    defaults: Settings = Settings()

    def detect(self, trajectory: Trajectory, settings: Settings, norms: Norms) -> list[Finding]:
        last = next((span for span in reversed(trajectory.spans) if span.type == "tool"), None)
        if last is not None and last.trace_id == trajectory.trace_id and not (last.failed or hidden_error(last.output)):
            return []
        calls = [
            action for action in actions(trajectory) if action.tool and action.span.trace_id == trajectory.trace_id
        ]
        failed: list[Action] = []
        for call in reversed(calls):
            if not call.failed:
                break
            failed.append(call)
        failed.reverse()
        tools = list(dict.fromkeys(call.tool for call in failed))
        if len(failed) < settings.failures or len(tools) < settings.tools:
            return []
        spans = [call.span for call in failed]
        over = trajectory.complete
        after = "and the run ended" if over else "and none has worked since"
        return [
            Finding(
                self.id, self.version, "critical" if over else "warning",
                f"{len(failed)} calls of {len(tools)} tools failed one after the other",
                f"The last {len(failed)} tool calls failed, of {', '.join(tools)}, {after}. When several tools fail "
                "together the cause is often what they share: the data passed on, the network, a credential. "
                f"Look first at the first failure, of {tools[0]}: the later ones may only follow from it.",
                spans[0].agent or trajectory.agent, "end of run", spans[0].start_ns,
                max(span.end_ns or span.start_ns for span in spans), trajectory.trace_id,
                tuple(span.span_id for span in spans), spans[0].span_id, _cause(spans),
                evidence={"failed": len(failed), "tools": tools, "errors": [_said(span) for span in spans[:10]]},
            )
        ]  # fmt: skip


def _said(span: TraceSpan) -> str:
    return (span.status_message or span.output or span.error_type)[:200]


def _cause(spans: list[TraceSpan]) -> Cause:
    words = " ".join(f"{span.error_type} {_said(span)}" for span in spans).lower()
    shared = (
        "timeout",
        "timed out",
        "connection",
        "503",
        "502",
        "429",
        "rate limit",
        "unavailable",
        "permission",
        "401",
        "403",
    )
    return "system" if any(word in words for word in shared) else "tool"
