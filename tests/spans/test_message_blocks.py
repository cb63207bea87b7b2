"""Blocks that vendors' APIs use for what they do by themselves, and for media they keep."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tracestore.spans.messages import messages
from tracestore.spans.model import Value


def parts(*blocks: Any, role: str = "assistant") -> list[dict[str, Any]]:
    attributes: dict[str, Value] = {"output.value": json.dumps([{"role": role, "content": list(blocks)}])}
    found = messages(attributes, [], "llm").to_json()["output"]
    return [part for message in found for part in message["parts"]]


def call(name: str, arguments: Any, identity: str = "i") -> dict[str, Any]:
    return {"type": "tool_call", "id": identity, "name": name, "arguments": arguments}


def result(name: str, text: str, identity: str = "i") -> dict[str, Any]:
    return {"type": "tool_result", "id": identity, "name": name, "result": text}


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        # OpenAI Responses: the request, and the result in the same item.
        (
            {"type": "web_search_call", "id": "i", "status": "completed", "action": {"type": "search", "query": "q"}},
            [call("web_search", {"type": "search", "query": "q"})],
        ),
        (
            {"type": "file_search_call", "id": "i", "queries": ["q"], "results": [{"text": "found"}]},
            [call("file_search", {"queries": ["q"]}), result("file_search", "found")],
        ),
        (
            {"type": "code_interpreter_call", "id": "i", "code": "1+1", "outputs": [{"type": "logs", "logs": "2"}]},
            [
                call("code_interpreter", {"code": "1+1"}),
                result("code_interpreter", '[{"type":"logs","logs":"2"}]'),
            ],
        ),
        (
            {"type": "mcp_call", "id": "i", "name": "t", "server_label": "s", "arguments": '{"a":1}', "output": "ok"},
            [call("t", {"a": 1}), result("t", "ok")],
        ),
        (
            {"type": "mcp_call", "id": "i", "name": "t", "arguments": "{}", "error": "no"},
            [call("t", {}), result("t", "no")],
        ),
        ({"type": "local_shell_call_output", "call_id": "i", "output": "ok"}, [result("local_shell", "ok")]),
        # Anthropic.
        (
            {"type": "server_tool_use", "id": "i", "name": "web_search", "input": {"query": "q"}},
            [call("web_search", {"query": "q"})],
        ),
        (
            {"type": "mcp_tool_use", "id": "i", "name": "t", "server_name": "s", "input": {"a": 1}},
            [call("t", {"a": 1})],
        ),
        (
            {"type": "web_search_tool_result", "tool_use_id": "i", "content": [{"type": "text", "text": "found"}]},
            [result("web_search", "found")],
        ),
        (
            {"type": "mcp_tool_result", "tool_use_id": "i", "content": [{"type": "text", "text": "ok"}]},
            [result("mcp", "ok")],
        ),
        # OpenTelemetry GenAI.
        (
            {
                "type": "server_tool_call",
                "id": "i",
                "name": "code",
                "server_tool_call": {"type": "code_interpreter", "code": "1+1"},
            },
            [call("code", {"code": "1+1"})],
        ),
        (
            {
                "type": "server_tool_call_response",
                "id": "i",
                "server_tool_call_response": {"type": "code_interpreter", "outputs": "2"},
            },
            [result("", '{"type":"code_interpreter","outputs":"2"}')],
        ),
        # Google.
        (
            {"executableCode": {"language": "PYTHON", "code": "1+1"}},
            [call("code_execution", {"language": "PYTHON", "code": "1+1"}, "")],
        ),
        ({"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "2"}}, [result("code_execution", "2", "")]),
        ({"text": "hm", "thought": True}, [{"type": "reasoning", "text": "hm"}]),
        ({"text": "hi", "thought": False}, [{"type": "text", "text": "hi"}]),
        # Files the vendor keeps: an id is no content.
        (
            {"type": "file", "modality": "image", "mime_type": "image/png", "file_id": "provider_f1"},
            [{"type": "image", "mime_type": "image/png", "uri": "provider_f1"}],
        ),
        (
            {"type": "uri", "modality": "video", "mime_type": "video/mp4", "uri": "gs://b/v.mp4"},
            [{"type": "file", "mime_type": "video/mp4", "uri": "gs://b/v.mp4"}],
        ),
        (
            {"type": "blob", "modality": "audio", "mime_type": "audio/wav", "content": "aGVsbG8="},
            [{"type": "audio", "mime_type": "audio/wav", "size": 5}],
        ),
        (
            {"type": "image", "source": {"type": "file", "file_id": "id1"}},
            [{"type": "image", "mime_type": "", "uri": "id1"}],
        ),
        ({"type": "input_file", "file_id": "assistant-9"}, [{"type": "file", "mime_type": "", "uri": "assistant-9"}]),
        ({"type": "input_image", "file_id": "img9"}, [{"type": "image", "mime_type": "", "uri": "img9"}]),
        # Bedrock Converse.
        (
            {"document": {"format": "pdf", "name": "terms", "source": {"s3Location": {"uri": "s3://b/k.pdf"}}}},
            [{"type": "file", "mime_type": "application/pdf", "name": "terms", "uri": "s3://b/k.pdf"}],
        ),
        (
            {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "x"}}},
            [{"type": "reasoning", "text": "hm"}],
        ),
        # What nobody knows is shown as it is.
        ({"type": "hologram", "x": 1}, [{"type": "raw", "text": '{"type":"hologram","x":1}'}]),
        ({"document": 3}, [{"type": "raw", "text": '{"document":3}'}]),
    ],
    ids=lambda value: next(iter(value.values())) if isinstance(value, dict) and "type" in value else None,
)
def test_block(block: Any, expected: list[dict[str, Any]]) -> None:
    assert parts(block) == expected


def test_strands_results_in_bedrock_form() -> None:
    block = {"toolResult": {"toolUseId": "i", "status": "success", "content": [{"json": {"t": 4}}, {"text": "ok"}]}}
    attributes: dict[str, Value] = {"input.value": json.dumps([{"role": "user", "content": [block]}])}
    found = messages(attributes, [], "llm").to_json()["input"]
    assert found == [{"role": "tool", "parts": [result("", '{"t":4}\nok')]}]


def test_a_response_of_bedrock_converse() -> None:
    response = {
        "output": {"message": {"role": "assistant", "content": [{"text": "hi"}]}},
        "stopReason": "end_turn",
        "usage": {"inputTokens": 1},
    }
    attributes: dict[str, Value] = {"output.value": json.dumps(response)}
    assert messages(attributes, [], "llm").to_json()["output"] == [
        {"role": "assistant", "parts": [{"type": "text", "text": "hi"}], "finish_reason": "end_turn"}
    ]
