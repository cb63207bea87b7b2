"""Pydantic AI: `Agent("openai:gpt-5-mini", capabilities=[BrakeCapability(Brake())])`.

Tracestore is asked before each model call and each tool; a halt raises Halted out of `run`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pydantic_ai.capabilities import AbstractCapability

from tracestore.client.brake import Brake


@dataclass
class BrakeCapability(AbstractCapability[Any]):
    """Asks about the trace of the current span, and about `agent` and `session_id` if given."""

    brake: Brake = field(default_factory=Brake)
    agent: str | None = None
    session_id: str | None = None

    async def before_model_request(self, ctx: Any, request_context: Any) -> Any:
        await self.brake.astop_if_halted(agent=self.agent, session_id=self.session_id)
        return request_context

    async def before_tool_execute(self, ctx: Any, *, call: Any, tool_def: Any, args: Any) -> Any:
        await self.brake.astop_if_halted(agent=self.agent, session_id=self.session_id, tool=tool_def.name)
        return args
