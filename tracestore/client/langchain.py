"""LangGraph and LangChain: `graph.invoke(question, {"callbacks": [BrakeHandler(Brake())]})`.

Tracestore is asked before each model call and each tool; a halt raises Halted out of `invoke` and `ainvoke`.
"""

from __future__ import annotations

import sys
from typing import Any
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler

from tracestore.client.brake import Brake


class BrakeHandler(BaseCallbackHandler):
    """Asks about the run's trace, which OpenInference's instrumentation or an open span of OpenTelemetry tells, and
    about what `subject` names (`agent`, `session_id`, `trace_id`).
    """

    #: LangChain would otherwise log what a handler raises, and go on.
    raise_error = True

    def __init__(self, brake: Brake | None = None, **subject: str | None) -> None:
        self.brake, self.subject = brake or Brake(), subject

    def on_chat_model_start(
        self, serialized: Any, messages: Any, *, run_id: UUID, parent_run_id: UUID | None = None, **kwargs: Any
    ) -> None:
        self._stop_if_halted(run_id, parent_run_id)

    def on_llm_start(
        self, serialized: Any, prompts: Any, *, run_id: UUID, parent_run_id: UUID | None = None, **kwargs: Any
    ) -> None:
        self._stop_if_halted(run_id, parent_run_id)

    def on_tool_start(
        self, serialized: Any, input_str: Any, *, run_id: UUID, parent_run_id: UUID | None = None, **kwargs: Any
    ) -> None:
        self._stop_if_halted(run_id, parent_run_id, tool=(serialized or {}).get("name"))

    def _stop_if_halted(self, *runs: UUID | None, tool: str | None = None) -> None:
        self.brake.stop_if_halted(**{"trace_id": _trace_id(*runs), "tool": tool, **self.subject})


def _trace_id(*runs: UUID | None) -> str | None:
    """Of the span that OpenInference made for one of the runs: it makes none of them the current one."""
    module = sys.modules.get("openinference.instrumentation.langchain")
    tracer = getattr(module.LangChainInstrumentor(), "_tracer", None) if module else None
    for run in runs:
        if tracer is not None and run is not None and (span := tracer.get_span(run)) is not None:
            return f"{span.get_span_context().trace_id:032x}"
    return None
