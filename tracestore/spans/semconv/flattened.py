"""OpenInference's flattened messages (`llm.input_messages.0.message.content`, …) as dicts again.

Numbers in the keys may have gaps: an SDK that keeps 128 attributes drops the oldest ones first.
"""

from __future__ import annotations

from typing import Any

from tracestore.spans.model import Attributes


def unflatten(attributes: Attributes, prefix: str) -> list[dict[str, Any]]:
    """The messages under a prefix, in order, in OpenAI's chat form."""
    tree: dict[str, Any] = {}
    for key, value in attributes.items():
        if key.startswith(prefix):
            _plant(tree, key[len(prefix) :].split("."), value)
    return [_message(found) for found in _indexed(tree)]


def _plant(tree: dict[str, Any], path: list[str], value: Any) -> None:
    if len(path) > 16:
        return
    node = tree
    for name in path[:-1]:
        below = node.setdefault(name, {})
        if not isinstance(below, dict):
            return
        node = below
    if not isinstance(node.get(path[-1]), dict):
        node[path[-1]] = value


def _indexed(tree: Any) -> list[dict[str, Any]]:
    if not isinstance(tree, dict):
        return []
    numbered = [(int(k), v) for k, v in tree.items() if k.isascii() and k.isdigit() and len(k) < 10]
    return [found for _, found in sorted(numbered, key=lambda p: p[0]) if isinstance(found, dict)]


def _message(found: dict[str, Any]) -> dict[str, Any]:
    inner = found.get("message")
    fields: dict[str, Any] = inner if isinstance(inner, dict) else found
    message: dict[str, Any] = {
        key: fields[key] for key in ("role", "content", "name", "tool_call_id", "finish_reason") if key in fields
    }
    contents = [_content(part) for part in _indexed(fields.get("contents"))]
    if contents:
        message["content"] = contents
    calls = []
    for call in _indexed(fields.get("tool_calls")):
        nested = call.get("tool_call")
        call = nested if isinstance(nested, dict) else call
        function = call.get("function")
        calls.append(
            {
                "id": call.get("id"),
                "type": "tool_call",
                "function": function if isinstance(function, dict) else {},
            }
        )
    if calls:
        message["tool_calls"] = calls
    if "function_call_name" in fields:
        message["function_call"] = {
            "name": fields["function_call_name"],
            "arguments": fields.get("function_call_arguments_json"),
        }
    return message


def _content(part: dict[str, Any]) -> dict[str, Any]:
    inner = part.get("message_content")
    found: dict[str, Any] = inner if isinstance(inner, dict) else part
    return {"type": "text", **found} if "text" in found else found
