"""Runs made by hand for the detectors' tests: model calls and tool calls one after the other."""

from __future__ import annotations

import json
from typing import Any

from tracestore.analysis.trajectory import Requested, TraceSpan, Trajectory
from tracestore.detectors.detector import Norms
from tracestore.detectors.finding import Finding
from tracestore.detectors.registry import TRACE_DETECTORS

SECOND = 1_000_000_000


class Run:
    """Builds a trajectory span by span; each span takes half a second and begins a second after the last."""

    def __init__(self, agent: str = "support") -> None:
        self.agent = agent
        self.spans: list[TraceSpan] = []
        self.trace_id = "a" * 32

    def tool(self, name: str, given: Any, result: str = "", **more: Any) -> TraceSpan:
        text = given if isinstance(given, str) else json.dumps(given)
        return self._add(type="tool", tool_name=name, name=name, input=text, output=result, **more)

    def step(self, name: str, given: Any, result: str = "", **more: Any) -> TraceSpan:
        """A model call that asks for a tool, and the tool's execution."""
        call = f"call_{len(self.spans)}"
        text = given if isinstance(given, str) else json.dumps(given)
        asked = Requested(call, name, text)
        agent = more.get("agent", self.agent)
        self._add(
            type="llm", name="chat", requested=(asked,), input_tokens=90, output_tokens=10, cost_usd=0.01, agent=agent
        )
        return self.tool(name, given, result, tool_call_id=call, **more)

    def says(self, text: str, asked: str = "", **more: Any) -> TraceSpan:
        return self._add(type="llm", name="chat", output=text, input=asked, input_tokens=90, output_tokens=10, **more)

    def _add(self, **more: Any) -> TraceSpan:
        start = len(self.spans) * SECOND
        values = {
            "trace_id": self.trace_id,
            "agent": self.agent,
            "start_ns": start,
            "end_ns": start + SECOND // 2,
            **more,
        }
        span = TraceSpan(span_id=f"{len(self.spans):016x}", parent_span_id="", **values)
        self.spans.append(span)
        return span

    def trajectory(self, upto: int | None = None, *, complete: bool = True, whole_session: bool = False) -> Trajectory:
        spans = tuple(self.spans[:upto])
        return Trajectory("p", spans[-1].trace_id if spans else "", spans, complete, whole_session=whole_session)


def found(detector_id: str, trajectory: Trajectory, settings: Any = None) -> list[Finding]:
    detector = next(detector for detector in TRACE_DETECTORS if detector.id == detector_id)
    return list(detector.detect(trajectory, settings or detector.defaults, Norms()))
