"""Messages out of a parsed JSON document: a request, a response, a state, or a plain list.

What is not recognised comes out as one message with a raw part, so that nothing disappears.
"""

from __future__ import annotations

from typing import Any

from tracestore.spans.messages import haystack
from tracestore.spans.messages.conversation import Message, Role, Tool, role_of
from tracestore.spans.messages.media import raw
from tracestore.spans.messages.normal import call_part, result_part
from tracestore.spans.messages.parts import read_block, read_parts
from tracestore.spans.semconv.values import parse_json, plain

#: Keys under which frameworks wrap what we look for, outermost first.
_WRAPPERS = ("inputs", "outputs", "update", "data", "kwargs")


def read_document(found: Any, default: Role, depth: int = 0) -> list[Message]:
    """The messages in a document; `default` is the role where none is written."""
    if found is None or found == "" or found == [] or found == {}:
        return []
    if isinstance(found, str):
        return [Message(default, read_parts(found))]
    if isinstance(found, list):
        return _read_list(found, default, depth)
    if not isinstance(found, dict) or depth > 8:
        return [Message(default, [raw(found)])]
    for key, reader in _DOCUMENTS.items():
        if key in found and (messages := reader(found, default, depth)) is not None:
            return messages
    if _is_message(found):
        return [read_message(found, default)]
    for key in _WRAPPERS:
        inner = found.get(key)
        if isinstance(inner, dict | list) and inner:
            return read_document(inner, default, depth + 1)
    if isinstance(found.get("text"), str) or isinstance(found.get("type"), str):
        return [Message(default, read_block(found))]
    return [Message(default, [raw(found)])]


def _read_list(found: list[Any], default: Role, depth: int) -> list[Message]:
    if depth > 8:
        return [Message(default, [raw(found)])]
    if found and all(isinstance(item, list) for item in found):
        # LangChain calls a model with a batch of conversations, nearly always of one.
        return [m for item in found for m in _read_list(item, default, depth + 1)]
    if found and not any(isinstance(item, dict) and _is_message(item) for item in found):
        wrapped = [item for item in found if isinstance(item, dict) and "update" in item]
        if wrapped:
            return [m for item in wrapped for m in read_document(item, default, depth + 1)]
        parts = [part for item in found for part in read_block(item)]
        return [Message(default, parts)] if parts else []
    return [read_message(item, default) for item in found]


def _is_message(found: dict[str, Any]) -> bool:
    return (
        "role" in found
        or "parts" in found
        or found.get("lc") == 1
        or (isinstance(found.get("type"), str) and found["type"] in _MESSAGE_TYPES)
        or (isinstance(found.get("data"), dict) and "content" in found["data"])
    )


_MESSAGE_TYPES = frozenset(
    {
        "human",
        "ai",
        "system",
        "tool",
        "message",
        "function_call",
        "function_call_output",
        "custom_tool_call",
        "custom_tool_call_output",
        "reasoning",
    }
)


def read_message(found: Any, default: Role) -> Message:
    """One message in any vendor's form."""
    if not isinstance(found, dict):
        return Message(default, read_block(found))
    role: object = found.get("role")
    if found.get("lc") == 1 and isinstance(found.get("kwargs"), dict):
        names = found.get("id")
        role = names[-1] if isinstance(names, list) and names else role
        found = found["kwargs"]
    elif isinstance(found.get("data"), dict) and "content" in found["data"]:
        role = found.get("type")
        found = found["data"]
    kind = found.get("type")
    if kind in ("function_call", "custom_tool_call", "reasoning"):
        return Message("assistant", read_block(found))
    if kind in ("function_call_output", "custom_tool_call_output"):
        return Message("tool", read_block(found))
    if role is None and isinstance(kind, str):
        role = kind
    return _read_fields(found, role_of(role, default))


def _read_fields(found: dict[str, Any], role: Role) -> Message:
    if "parts" in found:
        parts = read_parts(found["parts"])
    elif role == "tool" and not _holds_results(found.get("content")):
        identity = found.get("tool_call_id") or found.get("call_id") or found.get("id")
        parts = [result_part(identity, found.get("name"), found.get("content"))]
    else:
        parts = read_parts(_blocks(found.get("content")))
    reasoning = found.get("reasoning_content") or found.get("reasoning")
    if isinstance(reasoning, str):
        parts.insert(0, {"type": "reasoning", "text": reasoning})
    known = {part.get("id") for part in parts if part["type"] == "tool_call"}
    calls = found.get("tool_calls")
    if isinstance(calls, list):
        for call in calls:
            block = call if isinstance(call, dict) else {"type": "raw", "call": call}
            for part in read_block({"type": "tool_call", **block, **_function_type(block)}):
                # Anthropic through LangChain: the call is in the content and in `tool_calls`.
                if not part.get("id") or part.get("id") not in known:
                    parts.append(part)
    legacy = found.get("function_call")
    if isinstance(legacy, dict) and "parts" not in found:
        parts.append(call_part(None, legacy.get("name"), legacy.get("arguments")))
    results = {part["type"] for part in parts}
    if role == "user" and results == {"tool_result"}:
        role = "tool"
    reason = found.get("finish_reason") or found.get("stop_reason")
    return Message(role, parts, reason if isinstance(reason, str) else "")


def _blocks(content: Any) -> Any:
    """Content blocks that were written as JSON text into one attribute (OpenLLMetry, images)."""
    if isinstance(content, str) and content.startswith('[{"type":'):
        parsed = parse_json(content)
        if isinstance(parsed, list):
            return parsed
    return content


def _function_type(block: dict[str, Any]) -> dict[str, str]:
    return {"type": "tool_call"} if block.get("type") in (None, "function", "raw") else {}


#: Types of blocks that are results of tools; Anthropic's end the same for each hosted tool.
_RESULTS = frozenset({"tool_result", "tool_call_response", "tool-result", "tool-error"})

_RESULT_KEYS = frozenset({"toolResult", haystack.RESULT})  # blocks of Bedrock and Haystack have no type


def _holds_results(content: Any) -> bool:
    """Whether the content's blocks say themselves that they are tool results."""
    return isinstance(content, list) and any(
        isinstance(block, dict) and (block.get("type") in _RESULTS or not _RESULT_KEYS.isdisjoint(block))
        for block in content
    )


def _from_messages(found: dict[str, Any], default: Role, depth: int) -> list[Message] | None:
    """A chat request, or a LangGraph state. Anthropic keeps the system text beside."""
    listed = found["messages"]
    if not isinstance(listed, list):
        return None
    system = found.get("system")
    messages = [Message("system", read_parts(system))] if system else []
    return messages + read_document(listed, default, depth + 1)


def _from_input(found: dict[str, Any], default: Role, depth: int) -> list[Message] | None:
    """A Responses request: `instructions` and `input`."""
    if not isinstance(found["input"], str | list) or "role" in found:
        return None
    instructions = found.get("instructions")
    messages = [Message("system", read_parts(instructions))] if instructions else []
    return messages + read_document(found["input"], default, depth + 1)


def _from_replies(found: dict[str, Any], default: Role, depth: int) -> list[Message] | None:
    return read_document(found["replies"], default, depth + 1)  # Haystack: messages, or plain texts


def _from_contents(found: dict[str, Any], default: Role, depth: int) -> list[Message] | None:
    return read_document(found["contents"], default, depth + 1)


def _from_choices(found: dict[str, Any], default: Role, depth: int) -> list[Message] | None:
    """A chat completion, or Google's candidates."""
    messages = []
    listed = found.get("choices") or found.get("candidates")
    for choice in listed if isinstance(listed, list) else []:
        if not isinstance(choice, dict):
            continue
        inner = choice.get("message") or choice.get("content") or choice.get("text")
        for message in read_document(inner, "assistant", depth + 1):
            reason = choice.get("finish_reason") or choice.get("finishReason")
            message.finish_reason = reason if isinstance(reason, str) else ""
            messages.append(message)
    return messages or None


def _from_output(found: dict[str, Any], default: Role, depth: int) -> list[Message] | None:
    """A Responses response: items that belong to one turn of the assistant. Or Bedrock Converse's."""
    inner = found["output"]
    if isinstance(inner, dict) and isinstance(inner.get("message"), dict):
        messages = read_document(inner["message"], "assistant", depth + 1)
        reason = found.get("stopReason")
        if messages and isinstance(reason, str):
            messages[-1].finish_reason = reason
        return messages or None
    if not isinstance(found["output"], list):
        return None
    return read_document(found["output"], "assistant", depth + 1) or None


def _from_message(found: dict[str, Any], default: Role, depth: int) -> list[Message] | None:
    """A response that was cut down to its message and usage (Logfire)."""
    if not isinstance(found["message"], dict) or "role" in found:
        return None
    return read_document(found["message"], default, depth + 1) or None


def _from_chunks(found: dict[str, Any], default: Role, depth: int) -> list[Message] | None:
    """A stream of which only the joined text was kept (Logfire)."""
    text = found["combined_chunk_content"]
    return [Message(default, read_parts(text))] if isinstance(text, str) and text else None


def _from_prompt(found: dict[str, Any], default: Role, depth: int) -> list[Message] | None:
    """A prompt with the system text beside (Vercel), or a completion request."""
    prompt = found["prompt"]
    if not isinstance(prompt, str | list) or "role" in found:
        return None
    system = found.get("system")
    messages = [Message("system", read_parts(system))] if system else []
    return messages + read_document(prompt, default, depth + 1)


def _from_generations(found: dict[str, Any], default: Role, depth: int) -> list[Message] | None:
    """A LangChain LLMResult."""
    messages = []
    for batch in found["generations"] if isinstance(found["generations"], list) else []:
        for generation in batch if isinstance(batch, list) else [batch]:
            if not isinstance(generation, dict):
                continue
            inner = generation.get("message") or generation.get("text")
            info = generation.get("generation_info")
            for message in read_document(inner, "assistant", depth + 1):
                reason = info.get("finish_reason") if isinstance(info, dict) else None
                message.finish_reason = reason if isinstance(reason, str) else ""
                messages.append(message)
    return messages or None


_DOCUMENTS = {
    "messages": _from_messages,
    "generations": _from_generations,
    "choices": _from_choices,
    "replies": _from_replies,
    "candidates": _from_choices,
    "contents": _from_contents,
    "output": _from_output,
    "input": _from_input,
    "message": _from_message,
    "combined_chunk_content": _from_chunks,
    "prompt": _from_prompt,
}


def read_tools(found: Any) -> list[Tool]:
    """Tool definitions in OpenAI's, Anthropic's, Google's, Bedrock's or Haystack's form."""
    tools: list[Tool] = []
    for item in found if isinstance(found, list) else [found]:
        if not isinstance(item, dict):
            continue
        inner = item.get("function") or item.get("toolSpec") or item.get("tool") or item.get("data") or item
        if not isinstance(inner, dict):
            continue
        name = inner.get("name")
        if not isinstance(name, str):
            continue
        description = inner.get("description")
        schema: Any = None
        for key in ("parameters", "input_schema", "inputSchema", "parameters_json_schema"):
            schema = inner.get(key) or schema
        if isinstance(schema, dict) and schema.keys() == {"json"}:
            schema = schema["json"]
        tools.append(
            {
                "name": name,
                "description": description if isinstance(description, str) else "",
                "parameters": plain(schema),
            }
        )
    return tools
