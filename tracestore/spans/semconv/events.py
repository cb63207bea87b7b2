"""Messages that older GenAI instrumentations sent as span events.

OpenTelemetry GenAI semantic conventions 1.26 to 1.36: `gen_ai.system.message`, `…user…`,
`…assistant…`, `…tool.message` and `gen_ai.choice`. Strands still sends them, with contents in
Amazon Bedrock's form. On a tool span `gen_ai.tool.message` is what the tool got and
`gen_ai.choice` what it gave. Since 1.37 one event, `gen_ai.client.inference.operation.details`,
has the messages that spans have as attributes. All of them come as log records too (`log_events`).
"""

from __future__ import annotations

from typing import Any, Final

from tracestore.spans.model import Attributes, Event, Value
from tracestore.spans.semconv.values import first_payload, first_text, parse_json, text, to_json

ROLES: Final = {
    "gen_ai.system.message": "system",
    "gen_ai.user.message": "user",
    "gen_ai.assistant.message": "assistant",
    "gen_ai.tool.message": "tool",
    "gen_ai.choice": "assistant",
    "gen_ai.content.prompt": "user",
    "gen_ai.content.completion": "assistant",
}

DETAILS: Final = "gen_ai.client.inference.operation.details"

#: Events of releases before 1.28, one for the whole prompt and one for the whole answer.
_DOCUMENTS: Final = ("gen_ai.content.prompt", "gen_ai.content.completion")
_OUTPUTS: Final = ("gen_ai.choice", "gen_ai.content.completion")
_LISTED: Final = ("content", "tool_calls", "id", "name", "finish_reason")
_MESSAGE: Final = frozenset({"content", "tool_calls"})
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
    if event.name == "gen_ai.choice" and isinstance(parsed, dict) and not _MESSAGE.isdisjoint(parsed):
        # The whole message stands below `message`, as bodies of log records have it.
        found.pop("content")
        found |= parsed
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
    for event in events:
        if event.name == DETAILS:
            inputs = _listed(event.attributes.get("gen_ai.input.messages")) or inputs
            outputs = _listed(event.attributes.get("gen_ai.output.messages")) or outputs
            system = _listed(event.attributes.get("gen_ai.system_instructions"))
            if system and not any(sent.get("role") == "system" for sent in inputs):
                inputs = [{"role": "system", "parts": system}, *inputs]
    return inputs, outputs


def _whole(content: Any) -> list[dict[str, Any]]:
    """The messages of an event that holds them all, else nothing (Semantic Kernel)."""
    listed = [content] if isinstance(content, dict) else content
    if isinstance(listed, list) and listed and all(isinstance(item, dict) and "role" in item for item in listed):
        return listed
    return []


def conversation_texts(events: list[Event]) -> tuple[str, str]:
    """What went in and came out as two JSON texts, '' for none; as attributes have it, without instructions."""
    got = gave = ""
    for event in events:
        if event.name == DETAILS:
            got = first_payload(event.attributes, "gen_ai.input.messages") or got
            gave = first_payload(event.attributes, "gen_ai.output.messages") or gave
    if got and gave:
        return got, gave
    inputs, outputs = conversation([event for event in events if event.name != DETAILS])
    return got or (to_json(inputs) if inputs else ""), gave or (to_json(outputs) if outputs else "")


def _listed(value: Value) -> list[dict[str, Any]]:
    """The objects in a list that came as such or as JSON text."""
    found = parse_json(value) if isinstance(value, str) else value
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


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
        if event.name == DETAILS:
            reasons = event.attributes.get("gen_ai.response.finish_reasons")
            listed = parse_json(reasons) if isinstance(reasons, str) else reasons
            if isinstance(listed, list) and listed:
                return text(listed[0])
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
