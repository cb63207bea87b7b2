"""Tells one run: steps with times, texts and tokens, in no dialect yet."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tracestore.demo.fleet import Agent, Tool

#: What a character costs in tokens, near enough for a bill that looks right.
_CHARACTERS_PER_TOKEN = 4
#: Definitions of tools and formatting, which every call carries.
_TOKENS_OF_OVERHEAD = 180


@dataclass(slots=True)
class Message:
    """A turn: `role` system, user, assistant or tool; an assistant may call a tool instead of speaking."""

    role: str
    text: str = ""
    tool: str = ""
    arguments: str = ""
    call_id: str = ""


@dataclass(slots=True)
class Step:
    """One future span. `kind`: agent, llm, tool or retrieval. Times are seconds after the run's start."""

    kind: str
    name: str
    agent: Agent
    span_id: bytes
    parent_id: bytes
    start: float
    end: float = 0.0
    error: str = ""
    error_type: str = ""
    input: list[Message] = field(default_factory=list)
    output: Message | None = None
    finish: str = "stop"
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    arguments: str = ""
    result: str = ""
    call_id: str = ""


@dataclass(slots=True)
class Run:
    """A finished story. Equal seeds tell equal stories."""

    agent: Agent
    trace_id: bytes
    session: str
    user: str
    started_at: float
    steps: list[Step]
    #: Whether the agent was killed in the middle: its own span never arrives.
    unfinished: bool = False

    @property
    def seconds(self) -> float:
        return max((step.end for step in self.steps), default=0.0)


class Story:
    """Adds step after step; the clock runs on with each."""

    def __init__(self, agent: Agent, seed: str, pace: float = 1.0) -> None:
        self.random = Random(seed)  # noqa: S311 (a simulation)
        self.steps: list[Step] = []
        self.clock = 0.0
        self._pace = pace
        self._agent = agent
        self._parent = b""
        self._history: list[Message] = []

    @contextmanager
    def agent(self, agent: Agent, ask: str) -> Iterator[Step]:
        """What happens inside is done by `agent`, with a conversation of its own."""
        outer = (self._agent, self._parent, self._history)
        step = self._step("agent", agent.name, agent)
        step.input = [Message("user", ask)]
        self._agent, self._parent = agent, step.span_id
        self._history = [Message("system", agent.system), Message("user", ask)]
        yield step
        step.end = self.clock + 0.01
        step.output = self._history[-1]
        self._agent, self._parent, self._history = outer

    def say(self, text: str, *, seconds: float = 0.0, extra_tokens: int = 0, finish: str = "stop") -> Step:
        """A model call that answers with text."""
        return self._model_call(Message("assistant", text), seconds, extra_tokens, finish)

    def use(
        self,
        tool: Tool,
        value: str,
        thought: str = "",
        *,
        failure: str = "",
        answer: str | None = None,
        extra_tokens: int = 0,
    ) -> Step:
        """A model call that asks for a tool, and the tool's execution."""
        call_id = f"call_{self.random.getrandbits(64):016x}"
        arguments = json.dumps({tool.argument: value})
        self._model_call(Message("assistant", thought, tool.name, arguments, call_id), 0.0, extra_tokens, "tool_calls")
        step = self._step("retrieval" if tool.retrieval else "tool", tool.name, self._agent)
        self.clock += self._seconds(tool.seconds)
        step.end = self.clock
        step.arguments, step.call_id = arguments, call_id
        step.result = tool.answer.format(value) if answer is None else answer
        if failure:
            step.error, step.error_type, step.result = failure, "ToolError", f"Error: {failure}"
        self._history.append(Message("tool", step.result, tool.name, "", call_id))
        return step

    def hand_over(self, to: Agent) -> None:
        """The call by which an agent passes its task on."""
        call_id = f"call_{self.random.getrandbits(64):016x}"
        name = f"transfer_to_{to.name.replace('-', '_')}"
        self._model_call(Message("assistant", "", name, "{}", call_id), 0.0, 0, "tool_calls")
        self._history.append(Message("tool", f"Transferred to {to.name}.", name, "", call_id))

    def wait(self, seconds: float) -> None:
        self.clock += seconds

    def _model_call(self, output: Message, seconds: float, extra_tokens: int, finish: str) -> Step:
        step = self._step("llm", self._agent.model, self._agent)
        step.input = list(self._history)
        step.output = output
        step.finish = finish
        characters = sum(len(message.text) + len(message.arguments) for message in step.input)
        step.input_tokens = characters // _CHARACTERS_PER_TOKEN + _TOKENS_OF_OVERHEAD + extra_tokens
        step.output_tokens = (len(output.text) + len(output.arguments)) // _CHARACTERS_PER_TOKEN + 6
        if len(step.input) > 4:
            step.cached_tokens = step.input_tokens // 2
        self.clock += seconds or self._seconds(0.5 + step.output_tokens / 60 + step.input_tokens / 40_000)
        step.end = self.clock
        self._history.append(output)
        return step

    def _step(self, kind: str, name: str, agent: Agent) -> Step:
        self.clock += 0.002
        step = Step(kind, name, agent, self.random.randbytes(8), self._parent, self.clock)
        self.steps.append(step)
        return step

    def _seconds(self, typical: float) -> float:
        return max(0.005, typical * self._pace * self.random.lognormvariate(0.0, 0.35))


def as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
