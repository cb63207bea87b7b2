"""Frameworks that send GenAI names in spellings of their own: LiteLLM, Semantic Kernel, Spring AI."""

from __future__ import annotations

import json

import pytest
from records import event, record

from tracestore.spans.messages import messages
from tracestore.spans.model import Value
from tracestore.spans.normalise import normalise


@pytest.mark.parametrize(
    ("called", "type_"),
    [
        ("chat", "llm"),
        ("acompletion", "llm"),
        ("aresponses", "llm"),
        ("anthropic_messages", "llm"),
        ("aembedding", "embedding"),
        ("arerank", "rerank"),
        ("image_generation", "other"),
    ],
)
def test_litellm_writes_the_function_that_was_called(called: str, type_: str) -> None:
    attributes: dict[str, Value] = {
        "llm.request.type": called,
        "gen_ai.operation.name": called,
        "gen_ai.system": "openai",
        "gen_ai.request.model": "openai/gpt-4o",
        "gen_ai.response.model": "gpt-4o-2024-08-06",
        "gen_ai.response.id": "chatcmpl-1",
        "gen_ai.response.finish_reasons": '["stop"]',
        "gen_ai.usage.input_tokens": 10,
        "gen_ai.usage.output_tokens": 2,
        "llm.is_streaming": "False",
        "gen_ai.system_instructions": '[{"role": "system", "parts": [{"type": "text", "content": "be good"}]}]',
        "gen_ai.input.messages": '[{"role": "user", "parts": [{"type": "text", "content": "hello"}]}]',
    }
    span = normalise(record("litellm_request", attributes, scope="litellm"))
    assert span.type == type_
    assert span.input_tokens == (10 if type_ in ("llm", "embedding") else 0)
    if type_ == "llm":
        assert (span.request_model, span.model, span.finish_reason) == ("gpt-4o", "gpt-4o-2024-08-06", "stop")
        assert messages(attributes, [], "llm").to_json()["input"] == [
            {"role": "system", "parts": [{"type": "text", "text": "be good"}]},
            {"role": "user", "parts": [{"type": "text", "text": "hello"}]},
        ]


@pytest.mark.parametrize(
    ("called", "type_"), [("acompletion", "llm"), ("aembedding", "embedding"), ("arerank", "rerank")]
)
def test_litellm_without_content_has_no_operation(called: str, type_: str) -> None:
    attributes: dict[str, Value] = {"llm.request.type": called, "gen_ai.usage.input_tokens": 3}
    assert normalise(record("litellm_request", attributes, scope="litellm")).type == type_


@pytest.mark.parametrize(
    "counts",
    [
        {"gen_ai.response.prompt_tokens": 9, "gen_ai.response.completion_tokens": 3},
        {"gen_ai.usage.input_tokens": 9, "gen_ai.usage.output_tokens": 3},
    ],
)
@pytest.mark.parametrize("operation", ["chat.completions", "chat.streaming_completions", "text.completions"])
def test_semantic_kernel(operation: str, counts: dict[str, Value]) -> None:
    attributes: dict[str, Value] = {
        "gen_ai.operation.name": operation,
        "gen_ai.system": "openai",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.response.id": "chatcmpl-1",
        "gen_ai.response.finish_reason": "stop",
        **counts,
    }
    span = normalise(record(f"{operation} gpt-4o", attributes))
    assert (span.type, span.input_tokens, span.output_tokens, span.finish_reason) == ("llm", 9, 3, "stop")


def test_events_of_semantic_kernel_and_spring_ai() -> None:
    events = [
        event("gen_ai.content.prompt", **{"gen_ai.prompt": json.dumps([{"role": "user", "content": "hello"}])}),
        event(
            "gen_ai.content.completion", **{"gen_ai.completion": json.dumps([{"role": "assistant", "content": "hi"}])}
        ),
    ]
    attributes: dict[str, Value] = {"gen_ai.operation.name": "chat", "gen_ai.system": "openai"}
    assert normalise(record("chat gpt-4o", attributes, events=events)).type == "llm"
    found = messages(attributes, events, "llm").to_json()
    assert found["input"] == [{"role": "user", "parts": [{"type": "text", "text": "hello"}]}]
    assert found["output"] == [{"role": "assistant", "parts": [{"type": "text", "text": "hi"}]}]
