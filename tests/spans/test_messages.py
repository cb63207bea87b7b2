"""Every vendor's message becomes the same normal form."""

from __future__ import annotations

import json
from typing import Any

import pytest
from records import event

from tracestore.spans.messages import messages
from tracestore.spans.model import Value

CALL = {"type": "tool_call", "id": "c1", "name": "t", "arguments": {"q": 1}}
RESULT = {"type": "tool_result", "id": "c1", "name": "", "result": "found"}
EXPECTED = [
    {"role": "system", "parts": [{"type": "text", "text": "be good"}]},
    {"role": "user", "parts": [{"type": "text", "text": "hello"}]},
    {"role": "assistant", "parts": [CALL]},
    {"role": "tool", "parts": [RESULT]},
]

OPENAI_CHAT: Any = {
    "model": "m",
    "messages": [
        {"role": "system", "content": "be good"},
        {"role": "user", "content": [{"type": "text", "text": "hello"}]},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "t", "arguments": '{"q": 1}'}}],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "found"},
    ],
}
RESPONSES: Any = {
    "instructions": "be good",
    "input": [
        {"role": "user", "content": "hello"},
        {"type": "function_call", "call_id": "c1", "id": "fc1", "name": "t", "arguments": '{"q": 1}'},
        {"type": "function_call_output", "call_id": "c1", "output": "found"},
    ],
}
ANTHROPIC: Any = {
    "system": "be good",
    "messages": [
        {"role": "user", "content": "hello"},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "c1", "name": "t", "input": {"q": 1}}]},
        {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": "c1", "content": [{"type": "text", "text": "found"}]}],
        },
    ],
}
GENAI: Any = [
    {"role": "system", "parts": [{"type": "text", "content": "be good"}]},
    {"role": "user", "parts": [{"type": "text", "content": "hello"}]},
    {"role": "assistant", "parts": [{"type": "tool_call", "id": "c1", "name": "t", "arguments": '{"q": 1}'}]},
    {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c1", "response": "found"}]},
]
BEDROCK: Any = [
    {"role": "system", "content": [{"text": "be good"}]},
    {"role": "user", "content": [{"text": "hello"}]},
    {"role": "assistant", "content": [{"toolUse": {"toolUseId": "c1", "name": "t", "input": {"q": 1}}}]},
    {"role": "user", "content": [{"toolResult": {"toolUseId": "c1", "content": [{"text": "found"}]}}]},
]
GOOGLE: Any = {
    "contents": [
        {"role": "system", "parts": [{"text": "be good"}]},
        {"role": "user", "parts": [{"text": "hello"}]},
        {"role": "model", "parts": [{"functionCall": {"id": "c1", "name": "t", "args": {"q": 1}}}]},
        {"role": "tool", "parts": [{"functionResponse": {"id": "c1", "response": "found"}}]},
    ]
}
LANGCHAIN: Any = {
    "messages": [
        [
            {"lc": 1, "id": ["x", "SystemMessage"], "kwargs": {"content": "be good", "type": "system"}},
            {"type": "human", "data": {"content": "hello", "type": "human"}},
            {
                "lc": 1,
                "id": ["x", "AIMessage"],
                "kwargs": {"content": "", "tool_calls": [{"name": "t", "args": {"q": 1}, "id": "c1"}]},
            },
            {"type": "tool", "data": {"content": "found", "tool_call_id": "c1", "type": "tool"}},
        ]
    ]
}


def sent(key: str, value: Value) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = messages({key: value}, [], "llm").to_json()["input"]
    return found


@pytest.mark.parametrize("form", [OPENAI_CHAT, RESPONSES, ANTHROPIC, GENAI, BEDROCK, GOOGLE, LANGCHAIN])
@pytest.mark.parametrize("native", [False, True])
def test_vendors_requests(form: Any, native: bool) -> None:
    assert sent("input.value", form if native else json.dumps(form)) == EXPECTED


def test_genai_attributes_with_system_instructions_beside() -> None:
    found = messages(
        {
            "gen_ai.system_instructions": '[{"type": "text", "content": "be good"}]',
            "gen_ai.input.messages": GENAI[1:],
            "gen_ai.output.messages": json.dumps(
                [{"role": "assistant", "parts": [{"type": "text", "content": "hi"}], "finish_reason": "stop"}]
            ),
            "gen_ai.tool.definitions": '[{"type": "function", "name": "t", "description": "d", "parameters": {}}]',
        },
        [],
        "llm",
    ).to_json()
    assert found["input"] == EXPECTED
    assert found["output"] == [
        {"role": "assistant", "parts": [{"type": "text", "text": "hi"}], "finish_reason": "stop"}
    ]
    assert found["tools"] == [{"name": "t", "description": "d", "parameters": None}]


def test_openinference_flattened_with_gaps() -> None:
    prefix = "llm.input_messages."
    found = messages(
        {
            f"{prefix}12.message.role": "tool",
            f"{prefix}12.message.content": "found",
            f"{prefix}12.message.tool_call_id": "c1",
            f"{prefix}2.message.role": "system",
            f"{prefix}2.message.contents.0.message_content.type": "text",
            f"{prefix}2.message.contents.0.message_content.text": "be good",
            f"{prefix}3.message.role": "user",
            f"{prefix}3.message.content": "hello",
            f"{prefix}7.message.role": "assistant",
            f"{prefix}7.message.tool_calls.0.tool_call.id": "c1",
            f"{prefix}7.message.tool_calls.0.tool_call.function.name": "t",
            f"{prefix}7.message.tool_calls.0.tool_call.function.arguments": '{"q": 1}',
            "llm.output_messages.0.message.content": "bye",
            "llm.finish_reason": "stop",
            "llm.tools.0.tool.json_schema": '{"type": "function", "function": {"name": "t"}}',
            "input.value": "the same again",
        },
        [],
        "llm",
    ).to_json()
    assert found["input"] == EXPECTED
    assert found["output"][0]["finish_reason"] == "stop"
    assert [tool["name"] for tool in found["tools"]] == ["t"]


def test_events() -> None:
    found = messages(
        {},
        [
            event("gen_ai.system.message", content='[{"text": "be good"}]'),
            event("gen_ai.user.message", content="hello"),
            event("gen_ai.assistant.message", content=json.dumps(BEDROCK[2]["content"])),
            event("gen_ai.tool.message", content=json.dumps(BEDROCK[3]["content"])),
            event("gen_ai.choice", message='[{"text": "hi"}]', finish_reason="end_turn"),
            event("exception", message="no message"),
        ],
        "llm",
    ).to_json()
    assert found["input"] == EXPECTED
    assert found["output"] == [
        {"role": "assistant", "parts": [{"type": "text", "text": "hi"}], "finish_reason": "end_turn"}
    ]


def test_old_openllmetry() -> None:
    attributes: dict[str, Value] = {
        "gen_ai.prompt.0.role": "system",
        "gen_ai.prompt.0.content": "be good",
        "gen_ai.prompt.1.role": "user",
        "gen_ai.prompt.1.content": '[{"type": "text", "text": "hello"}]',
        "gen_ai.prompt.2.role": "assistant",
        "gen_ai.prompt.2.tool_calls.0.id": "c1",
        "gen_ai.prompt.2.tool_calls.0.name": "t",
        "gen_ai.prompt.2.tool_calls.0.arguments": '{"q": 1}',
        "gen_ai.prompt.3.role": "tool",
        "gen_ai.prompt.3.content": "found",
        "gen_ai.prompt.3.tool_call_id": "c1",
    }
    assert messages(attributes, [], "llm").to_json()["input"] == EXPECTED


@pytest.mark.parametrize(
    "response",
    [
        {"choices": [{"message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}]},
        {"generations": [[{"text": "hi", "generation_info": {"finish_reason": "stop"}}]]},
        {"candidates": [{"content": {"role": "model", "parts": [{"text": "hi"}]}, "finishReason": "stop"}]},
        {"role": "assistant", "content": [{"type": "text", "text": "hi"}], "stop_reason": "stop"},
    ],
)
def test_vendors_responses(response: Any) -> None:
    found = messages({"output.value": json.dumps(response)}, [], "llm").to_json()["output"]
    assert found == [{"role": "assistant", "parts": [{"type": "text", "text": "hi"}], "finish_reason": "stop"}]


def test_a_responses_answer_with_reasoning() -> None:
    answer = {
        "output": [
            {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]},
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "hi"}]},
        ]
    }
    found = messages({"output.value": json.dumps(answer)}, [], "llm").to_json()["output"]
    assert [part for message in found for part in message["parts"]] == [
        {"type": "reasoning", "text": "hm"},
        {"type": "text", "text": "hi"},
    ]


PIXELS = "iVBORw0KGgo" * 200


@pytest.mark.parametrize(
    ("block", "part"),
    [
        ({"type": "image_url", "image_url": {"url": "https://h/i.png"}}, ("image", "", "https://h/i.png")),
        ({"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXELS}"}}, ("image", "image/png", "")),
        (
            {"type": "image", "source": {"type": "base64", "media_type": "image/jpeg", "data": PIXELS}},
            ("image", "image/jpeg", ""),
        ),
        ({"image": {"format": "png", "source": {"bytes": PIXELS}}}, ("image", "image/png", "")),
        ({"inlineData": {"mimeType": "audio/wav", "data": PIXELS}}, ("audio", "audio/wav", "")),
        ({"type": "input_audio", "input_audio": {"format": "mp3", "data": PIXELS}}, ("audio", "audio/mp3", "")),
        (
            {"type": "blob", "modality": "image", "mime_type": "image/png", "content": PIXELS},
            ("image", "image/png", ""),
        ),
        ({"type": "uri", "mime_type": "application/pdf", "uri": "s3://b/k"}, ("file", "application/pdf", "s3://b/k")),
        ({"type": "file", "file": {"file_id": "file-1"}}, ("file", "", "file-1")),
        ({"type": "unheard_of", "data": PIXELS}, ("raw", "", "")),
    ],
)
def test_media_never_come_along(block: Any, part: tuple[str, str, str]) -> None:
    found = sent("input.value", json.dumps({"role": "user", "content": [block]}))[0]["parts"][0]
    assert PIXELS not in json.dumps(found)
    kind, mime_type, uri = part
    assert (found["type"], found.get("mime_type", ""), found.get("uri", "")) == (kind, mime_type, uri)
    if not uri and kind != "raw":
        assert found["size"] == len(PIXELS) * 3 // 4


@pytest.mark.parametrize(
    "value", ['{"messages": [', "plain text", "[1, 2]", '{"a": 1}', '[{"role": {}}]', b"\xff", 5.5]
)
def test_unreadable_is_shown_as_it_is(value: Value) -> None:
    found = sent("input.value", value)
    assert all(part["type"] in ("raw", "text") for message in found for part in message["parts"])
    json.dumps(found)


@pytest.mark.parametrize("type_", ["tool", "embedding", "retrieval"])
def test_tools_have_arguments_and_not_a_conversation(type_: str) -> None:
    assert messages({"input.value": "x"}, [], type_).to_json() == {"input": [], "output": [], "tools": []}


def test_deep_nesting() -> None:
    deep: Any = "x"
    for _ in range(300):
        deep = {"data": {"content": [deep]}}
    json.dumps(sent("input.value", json.dumps(deep)))
    json.dumps(sent("input.value", "[" * 5000 + "]" * 5000))
