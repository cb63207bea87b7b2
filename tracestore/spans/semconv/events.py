"""Messages that older GenAI instrumentations sent as span events.

OpenTelemetry GenAI semantic conventions 1.26 to 1.36: `gen_ai.system.message`, `…user…`,
`…assistant…`, `…tool.message` and `gen_ai.choice`. Strands still sends them, with contents in
Amazon Bedrock's form. On a tool span `gen_ai.tool.message` is what the tool got and
`gen_ai.choice` what it gave.
"""

from __future__ import annotations

from typing import Any, Final

from tracestore.spans.model import Attributes, Event
from tracestore.spans.semconv.values import first_payload, first_text, parse_json, to_json

ROLES: Final = {
    "gen_ai.system.message": "system",
    "gen_ai.user.message": "user",
    "gen_ai.assistant.message": "assistant",
    "gen_ai.tool.message": "tool",
    "gen_ai.choice": "assistant",
    "gen_ai.content.prompt": "user",
    "gen_ai.content.completion": "assistant",
}

#: Events of releases before 1.28, one for the whole prompt and one for the whole answer.
_DOCUMENTS: Final = ("gen_ai.content.prompt", "gen_ai.content.completion")
_OUTPUTS: Final = ("gen_ai.choice", "gen_ai.content.completion")
_LISTED: Final = ("content", "tool_calls", "id", "name", "finish_reason")
_CONTENT: Final = ("content", "message", "gen_ai.prompt", "gen_ai.completion")


def content(event: Event) -> str:
    """The content of a message event as text."""
    return first_payload(event.attributes, *_CONTENT)


def message(event: Event) -> dict[str, Any]:
    """One message event as `{"role", "content", …}`; JSON contents are parsed."""
    raw = content(event)
    parsed = parse_json(raw) if raw[:1] in ("[", "{") else None
    found: dict[str, Any] = {
        "role": first_text(event.attributes, "role") or ROLES.get(event.name, "user"),
        "content": raw if parsed is None else parsed,
    }
    for key in ("tool_calls", "id", "finish_reason"):
        value = event.attributes.get(key)
        if value is not None:
            decoded = parse_json(value) if isinstance(value, str) and value[:1] == "[" else None
            found[key] = value if decoded is None else decoded
    return found


def conversation(events: list[Event]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Input and output messages, in the order of the events."""
    inputs: list[dict[str, Any]] = []
    outputs: list[dict[str, Any]] = []
    for event in events:
        if event.name in ROLES:
            found = message(event)
            side = outputs if event.name in _OUTPUTS else inputs
            whole = _whole(found["content"]) if event.name in _DOCUMENTS else []
            side.extend(whole or [found])
    return inputs, outputs


def _whole(content: Any) -> list[dict[str, Any]]:
    """The messages of an event that holds them all, else nothing (Semantic Kernel)."""
    listed = [content] if isinstance(content, dict) else content
    if isinstance(listed, list) and listed and all(isinstance(item, dict) and "role" in item for item in listed):
        return listed
    return []


def conversation_texts(events: list[Event]) -> tuple[str, str]:
    """The same as two JSON texts, '' for none."""
    inputs, outputs = conversation(events)
    return (to_json(inputs) if inputs else "", to_json(outputs) if outputs else "")


def tool_texts(events: list[Event]) -> tuple[str, str]:
    """What a tool got and gave, as raw texts."""
    got = gave = ""
    for event in events:
        if event.name == "gen_ai.tool.message":
            got = got or content(event)
        elif event.name == "gen_ai.choice":
            gave = gave or content(event)
    return got, gave


def finish_reason(events: list[Event]) -> str:
    """The finish reason of the last choice."""
    for event in reversed(events):
        if event.name == "gen_ai.choice":
            return first_text(event.attributes, "finish_reason")
    return ""


def listed(attributes: Attributes) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Input and output messages of events that stand as one JSON list in an attribute.

    Pydantic AI before 1 and Logfire put them there, each as an object with its name under
    `event.name`. The message of a choice is one level deeper. In a run's `all_messages_events` there
    are no choices: the answer is what the assistant says last.
    """
    for key in ("events", "all_messages_events"):
        raw = attributes.get(key)
        parsed: Any = parse_json(raw) if isinstance(raw, str) else raw
        if not isinstance(parsed, list):
            continue
        inputs: list[dict[str, Any]] = []
        outputs: list[dict[str, Any]] = []
        for item in parsed:
            name = item.get("event.name") if isinstance(item, dict) else None
            if not isinstance(name, str):
                continue
            inner = item.get("message")
            body = inner if name == "gen_ai.choice" and isinstance(inner, dict) else item
            role = body.get("role") or ROLES.get(name, "user")
            found = {"role": role, **{k: v for k, v in body.items() if k in _LISTED}}
            if name == "gen_ai.unknown" and "data" in body:
                found["content"] = body["data"]
            (outputs if name == "gen_ai.choice" else inputs).append(found)
        if not outputs and inputs and inputs[-1]["role"] == "assistant":
            answered = len(inputs) - 1
            if key == "events":
                # Logfire's events of the Responses API: each item of the answer is one more.
                while answered and inputs[answered - 1]["role"] == "assistant":
                    answered -= 1
            outputs = inputs[answered:]
            inputs = inputs[:answered]
        if inputs or outputs:
            return inputs, outputs
    return [], []
