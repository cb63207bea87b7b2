"""Tools that the vendor runs by itself within a call: web search, code, remote MCP servers.

They stand in the answer as a request, and often with the result in the same block; either becomes
the same parts as a tool of the application. GenAI calls them server tool calls; OpenAI, Anthropic
and Google have a block type for each.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from tracestore.spans.messages.conversation import Part
from tracestore.spans.messages.normal import call_part, result_part

Reader = Callable[[dict[str, Any]], list[Part]]

#: OpenAI Responses items, by what they ask for and what they carry back.
_ASKED: Final = ("action", "queries", "code", "arguments", "actions")
_GIVEN: Final = ("results", "outputs", "output")


def _openai(block: dict[str, Any]) -> list[Part]:
    """`web_search_call`, `file_search_call`, `code_interpreter_call`, `mcp_call`, …"""
    kind = str(block["type"])
    identity = block.get("call_id") or block.get("id")
    name = block.get("name") or kind.removesuffix("_call")
    asked = {key: block[key] for key in _ASKED if block.get(key) is not None}
    parts = [call_part(identity, name, asked.get("arguments", asked.get("action", asked)))]
    given = next((block[key] for key in _GIVEN if block.get(key) is not None), block.get("error"))
    if given is not None and given != []:
        parts.append(result_part(identity, name, given))
    return parts


def _openai_output(block: dict[str, Any]) -> list[Part]:
    """`computer_call_output`, `local_shell_call_output`: sent back in the next request."""
    name = str(block["type"]).removesuffix("_call_output")
    return [result_part(block.get("call_id") or block.get("id"), name, block.get("output"))]


def _anthropic_call(block: dict[str, Any]) -> list[Part]:
    return [call_part(block.get("id"), block.get("name"), block.get("input"))]


def _anthropic_result(block: dict[str, Any]) -> list[Part]:
    """`web_search_tool_result`, `code_execution_tool_result`, `mcp_tool_result`, …"""
    name = str(block["type"]).removesuffix("_tool_result")
    return [result_part(block.get("tool_use_id"), name, block.get("content"))]


def _genai_call(block: dict[str, Any]) -> list[Part]:
    inner = block.get("server_tool_call")
    inner = inner if isinstance(inner, dict) else {}
    asked = inner.get("arguments", {key: value for key, value in inner.items() if key != "type"})
    return [call_part(block.get("id"), block.get("name") or inner.get("type"), asked)]


def _genai_result(block: dict[str, Any]) -> list[Part]:
    given = block.get("server_tool_call_response", block.get("response"))
    return [result_part(block.get("id"), block.get("name"), given)]


BY_TYPE: Final[dict[str, Reader]] = {
    "server_tool_call": _genai_call,
    "server_tool_call_response": _genai_result,
    "server_tool_use": _anthropic_call,
    "mcp_tool_use": _anthropic_call,
    "mcp_call": _openai,
    "web_search_call": _openai,
    "file_search_call": _openai,
    "code_interpreter_call": _openai,
    "computer_call": _openai,
    "local_shell_call": _openai,
    "shell_call": _openai,
    "computer_call_output": _openai_output,
    "local_shell_call_output": _openai_output,
    "shell_call_output": _openai_output,
    "web_search_tool_result": _anthropic_result,
    "web_fetch_tool_result": _anthropic_result,
    "code_execution_tool_result": _anthropic_result,
    "bash_code_execution_tool_result": _anthropic_result,
    "text_editor_code_execution_tool_result": _anthropic_result,
    "mcp_tool_result": _anthropic_result,
}


def _google_code(block: dict[str, Any]) -> list[Part]:
    inner = block.get("executableCode") or block.get("executable_code")
    return [call_part(None, "code_execution", inner)]


def _google_outcome(block: dict[str, Any]) -> list[Part]:
    inner = block.get("codeExecutionResult") or block.get("code_execution_result")
    given = inner.get("output", inner) if isinstance(inner, dict) else inner
    return [result_part(None, "code_execution", given)]


BY_KEY: Final[dict[str, Reader]] = {
    "executableCode": _google_code,
    "executable_code": _google_code,
    "codeExecutionResult": _google_outcome,
    "code_execution_result": _google_outcome,
}
