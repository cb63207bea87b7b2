"""OpenInference's flattened messages (`llm.input_messages.0.message.content`, …) as dicts again.

Numbers in the keys may have gaps: an SDK that keeps 128 attributes drops the oldest ones first.
"""

from __future__ import annotations

from typing import Any, Final

from tracestore.spans.model import Attributes

_FIELDS: Final = ("role", "content", "name", "tool_call_id", "finish_reason")


def unflatten(attributes: Attributes, prefix: str) -> list[dict[str, Any]]:
    """The messages under a prefix, in order, in OpenAI's chat form."""
    held = [key for key in attributes if key.startswith(prefix)]
    skip = len(prefix)
    found: dict[str, dict[str, Any]] = {}
    for key in held:
        value = attributes[key]
        number, _, rest = key[skip:].partition(".message.")
        fields = found.get(number)
        if fields is None:
            fields = found[number] = {}
        if "." in rest:
            _plant(fields, rest.split("."), value)
        elif rest:
            fields.setdefault(rest, value)
    return [_message(fields) for fields in _indexed(found)]


def _plant(tree: dict[str, Any], path: list[str], value: Any) -> None:
    if len(path) > 16:
        return
    node = tree
    for name in path[:-1]:
        below = node.get(name)
        if below is None:
            below = node[name] = {}
        elif not isinstance(below, dict):
            return
        node = below
    node.setdefault(path[-1], value)


def _indexed(tree: Any) -> list[dict[str, Any]]:
    if not isinstance(tree, dict):
        return []
    if len(tree) == 1 and "0" in tree:
        return [tree["0"]] if isinstance(tree["0"], dict) else []
    numbers = sorted(int(k) for k in tree if k.isascii() and k.isdigit() and len(k) < 10)
    return [found for number in numbers if isinstance(found := tree.get(str(number)), dict)]


def _message(fields: dict[str, Any]) -> dict[str, Any]:
    message: dict[str, Any] = {key: fields[key] for key in _FIELDS if key in fields}
    if "contents" in fields:
        contents = [_content(part) for part in _indexed(fields["contents"])]
        if contents:
            message["content"] = contents
    if "tool_calls" in fields:
        calls = [_call(call) for call in _indexed(fields["tool_calls"])]
        if calls:
            message["tool_calls"] = calls
    if "function_call_name" in fields:
        message["function_call"] = {
            "name": fields["function_call_name"],
            "arguments": fields.get("function_call_arguments_json"),
        }
    return message


def _call(call: dict[str, Any]) -> dict[str, Any]:
    nested = call.get("tool_call")
    call = nested if isinstance(nested, dict) else call
    function = call.get("function")
    return {
        "id": call.get("id"),
        "type": "tool_call",
        "function": function if isinstance(function, dict) else {},
    }


def _content(part: dict[str, Any]) -> dict[str, Any]:
    inner = part.get("message_content")
    found: dict[str, Any] = inner if isinstance(inner, dict) else part
    return {"type": "text", **found} if "text" in found else found
