"""The normal form of a conversation. Everything in it can be written as JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, NotRequired, TypedDict

Role = Literal["system", "user", "assistant", "tool"]


class Part(TypedDict):
    """A piece of a message. Which keys are there depends on `type`:

    - `text`, `reasoning`, `raw` (could not be read): `text`
    - `tool_call`: `id`, `name`, `arguments` (a JSON value, or the text if it is not JSON)
    - `tool_result`: `id`, `name`, `result` (text)
    - `image`, `audio`, `file`: `mime_type`, and `uri` or `size` (bytes); never the content
    """

    type: Literal["text", "reasoning", "raw", "tool_call", "tool_result", "image", "audio", "file"]
    text: NotRequired[str]
    id: NotRequired[str]
    name: NotRequired[str]
    arguments: NotRequired[Any]
    result: NotRequired[str]
    mime_type: NotRequired[str]
    uri: NotRequired[str]
    size: NotRequired[int]


class Tool(TypedDict):
    """A tool the model was offered; `parameters` is a JSON schema or None."""

    name: str
    description: str
    parameters: Any


@dataclass(slots=True)
class Message:
    role: Role
    parts: list[Part]
    finish_reason: str = ""

    def to_json(self) -> dict[str, Any]:
        """As a dict; `finish_reason` only where there is one."""
        found: dict[str, Any] = {"role": self.role, "parts": self.parts}
        if self.finish_reason:
            found["finish_reason"] = self.finish_reason
        return found


@dataclass(slots=True)
class Conversation:
    """What went in (system instructions first), what came out, and the tools on offer."""

    input: list[Message] = field(default_factory=list)
    output: list[Message] = field(default_factory=list)
    tools: list[Tool] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """As dicts and lists."""
        return {
            "input": [message.to_json() for message in self.input],
            "output": [message.to_json() for message in self.output],
            "tools": list(self.tools),
        }


_ROLES: dict[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "ai": "assistant",
    "aimessagechunk": "assistant",
    "model": "assistant",
    "tool-call": "assistant",
    "tool": "tool",
    "function": "tool",
    "tool-response": "tool",
    "tool_response": "tool",
    "systemmessage": "system",
    "humanmessage": "user",
    "aimessage": "assistant",
    "toolmessage": "tool",
}


def role_of(name: object, default: Role) -> Role:
    """A vendor's name of a role in our four; `default` for an unknown one."""
    return _ROLES.get(name.lower(), default) if isinstance(name, str) else default
