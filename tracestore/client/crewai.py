"""CrewAI: `install(Brake())` once, before `crew.kickoff()`.

Tracestore is asked before each model call and each tool of every crew of this process. A halt before a model call
raises Halted out of `kickoff`; before a tool, CrewAI tells the model that the tool was blocked, and the next model call
ends the crew if the run is halted, not only the tool.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from crewai.hooks import HookAborted, InterceptionPoint, register_hook, unregister_hook

from tracestore.client.brake import Brake, Halted

POINTS = (InterceptionPoint.PRE_MODEL_CALL, InterceptionPoint.PRE_TOOL_CALL)


class CrewHalted(Halted, HookAborted):
    """Halted as CrewAI's own way to end a crew: other errors of hooks are logged, and the crew goes on."""

    def __init__(self, verdict: Any) -> None:
        Halted.__init__(self, verdict)
        self.reason, self.source = str(self), "tracestore"


def install(brake: Brake | None = None, **subject: str | None) -> Callable[[], None]:
    """Asks about the trace of the current span, and about what `subject` names (`agent`, `session_id`, `trace_id`).

    Returns what takes the hooks away again.
    """
    asked = brake or Brake()

    def hook(context: Any) -> None:
        verdict = asked.check(**{"tool": getattr(context, "tool_name", None), **subject})
        if verdict.halted:
            raise CrewHalted(verdict)

    for point in POINTS:
        register_hook(point, hook)

    def remove() -> None:
        for point in POINTS:
            unregister_hook(point, hook)

    return remove
