"""OpenAI Agents SDK: `await Runner.run(agent, question, hooks=BrakeHooks(Brake()))`.

Tracestore is asked when an agent begins and before each model call and each tool; a halt raises Halted out of `run`.
"""

from __future__ import annotations

from typing import Any

from agents import AgentsException, RunHooks

from tracestore.client.brake import Brake, Halted


class RunHalted(Halted, AgentsException):
    """Halted as an error of this SDK, which hides others that come from tools behind its own."""


class BrakeHooks(RunHooks[Any]):
    """Asks about the trace of the current span, and about what `subject` names (`agent`, `session_id`, `trace_id`)."""

    def __init__(self, brake: Brake | None = None, **subject: str | None) -> None:
        self.brake, self.subject = brake or Brake(), subject

    async def on_agent_start(self, context: Any, agent: Any) -> None:
        await self._stop_if_halted()

    async def on_llm_start(self, context: Any, agent: Any, system_prompt: Any, input_items: Any) -> None:
        await self._stop_if_halted()

    async def on_tool_start(self, context: Any, agent: Any, tool: Any) -> None:
        await self._stop_if_halted(tool.name)

    async def _stop_if_halted(self, tool: str | None = None) -> None:
        verdict = await self.brake.acheck(**{"tool": tool, **self.subject})
        if verdict.halted:
            raise RunHalted(verdict)
