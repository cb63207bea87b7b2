"""What a tool really got and gave, out of the wrappings frameworks put around it.

Two calls with the same arguments must give the same text whatever instrumentation reported them
(loop detection compares texts), so arguments become canonical JSON whenever they can be read.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from tracestore.spans.semconv.values import parse_json, parse_python, to_json

_SMOLAGENTS = {"args", "kwargs", "sanitize_inputs_outputs"}


class Result(NamedTuple):
    text: str
    call_id: str = ""


def arguments(raw: str) -> str:
    """Canonical JSON of the arguments; the raw text when they are not structured.

    Unwrapped are: LangChain callbacks as OpenLLMetry records them (`inputs`, or `input_str` holding
    a Python repr), smolagents' `{"args", "kwargs"}`, LangChain tool calls (`{"name","args","id"}`).
    A tool with one argument may get it as a bare string: that stays as it is.
    """
    if not raw or raw[0] not in "{[":
        return raw
    parsed = parse_json(raw)
    if parsed is None:
        parsed = parse_python(raw)
    if not isinstance(parsed, dict):
        return to_json(parsed, canonical=True) or raw if parsed is not None else raw
    value = _unwrap_arguments(parsed)
    return value if isinstance(value, str) else to_json(value, canonical=True) or raw


def _unwrap_arguments(parsed: dict[str, Any]) -> Any:
    if "input_str" in parsed:
        inputs = parsed.get("inputs")
        if isinstance(inputs, dict):
            return inputs
        inner = parsed["input_str"]
        if isinstance(inner, str):
            found = parse_json(inner)
            if found is None:
                found = parse_python(inner)
            return inner if found is None else found
        return inner
    if "kwargs" in parsed and parsed.keys() <= _SMOLAGENTS:
        args, kwargs = _read(parsed.get("args")), _read(parsed["kwargs"])
        if not args:
            return kwargs
        return {"args": args, "kwargs": kwargs} if kwargs else args
    if parsed.get("type") == "tool_call" and "args" in parsed:
        return parsed["args"]
    return parsed


def _read(value: Any) -> Any:
    """A value that was written as JSON or as a Python repr, as what it says."""
    if not isinstance(value, str):
        return value
    found = parse_json(value)
    if found is None:
        found = parse_python(value)
    if found is None:
        return None if value == "()" else value
    return found


def result(raw: str) -> Result:
    """The result text, and the tool call id where the wrapping holds one.

    Unwrapped are LangChain's ToolMessage in its two serialisations, alone or inside OpenLLMetry's
    `{"output": …}`; MCP's CallToolResult; LlamaIndex's ToolOutput.
    """
    if not raw or raw[0] not in "{[":
        return Result(raw)
    if raw[0] == "{" and not ('"content"' in raw or '"output"' in raw or '"raw_output"' in raw):
        return Result(raw)
    if raw[0] == "[" and '"text"' not in raw:
        return Result(raw)
    parsed = parse_json(raw)
    if isinstance(parsed, dict):
        message = _tool_message(parsed)
        if message is not None:
            call_id = message.get("tool_call_id")
            content = content_text(message.get("content"))
            return Result(content, call_id if isinstance(call_id, str) else "")
        output = parsed.get("output")
        if isinstance(output, str) and parsed.keys() <= {"output", "kwargs"}:
            return Result(output)
        if "raw_output" in parsed and "tool_name" in parsed:
            return Result(content_text(parsed["raw_output"]))
        if isinstance(parsed.get("content"), list) and ("isError" in parsed or parsed.keys() == {"content"}):
            return Result(content_text(parsed["content"]))
    return Result(raw)


def _tool_message(parsed: dict[str, Any]) -> dict[str, Any] | None:
    output = parsed.get("output")
    if isinstance(output, dict) and parsed.keys() <= {"output", "kwargs"}:
        parsed = output
    if parsed.get("type") == "tool" and isinstance(parsed.get("data"), dict):
        data: dict[str, Any] = parsed["data"]
        return data
    if parsed.get("lc") == 1 and isinstance(parsed.get("kwargs"), dict):
        kwargs: dict[str, Any] = parsed["kwargs"]
        return kwargs if "content" in kwargs else None
    return None


def content_text(content: Any) -> str:
    """The text of a message content: a string, or blocks of which the texts are joined."""
    if isinstance(content, str):
        return content
    if content is None:
        return ""
    if isinstance(content, list):
        texts = []
        for block in content:
            found = block if isinstance(block, str) else _block_text(block)
            if found is None:
                return to_json(content)
            texts.append(found)
        return "\n".join(texts)
    return to_json(content)


def _block_text(block: Any) -> str | None:
    if isinstance(block, dict):
        found = block.get("text")
        if isinstance(found, str):
            return found
        if block.keys() == {"json"}:
            return to_json(block["json"])
    return None


def blocks(raw: str) -> str:
    """Bedrock-style content blocks (`[{"text": …}]`, Strands) as one text."""
    if raw[:1] != "[":
        return raw
    parsed = parse_json(raw)
    return content_text(parsed) if isinstance(parsed, list) else raw


def wrapped_result(raw: str) -> str:
    """ADK wraps a result that is not an object as `{"result": …}`; the inner value."""
    if not raw.startswith("{"):
        return raw
    parsed = parse_json(raw)
    if isinstance(parsed, dict) and parsed.keys() == {"result"}:
        inner = parsed["result"]
        return inner if isinstance(inner, str) else to_json(inner)
    return raw
