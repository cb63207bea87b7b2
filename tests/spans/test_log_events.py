"""What log records say of their span: the same for every shape that GenAI events come in."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tracestore.spans.messages import messages
from tracestore.spans.model import Event
from tracestore.spans.semconv.events import DETAILS
from tracestore.spans.semconv.log_events import Told, evaluations, event_of, told, unrepeated

CALL = {"id": "call_1", "type": "function", "function": {"name": "search", "arguments": '{"q":"x"}'}}
ASKED = [{"role": "user", "parts": [{"type": "text", "content": "the weather?"}]}]
ANSWERED = [{"role": "assistant", "parts": [{"type": "text", "content": "sunny"}]}]

#: The same conversation as records of 1.26 to 1.36 have it, in body or attributes, and as the newer one.
SHAPES: dict[str, list[tuple[str, Any, dict[str, Any]]]] = {
    "bodies": [
        ("gen_ai.system.message", {"content": "be brief"}, {}),
        ("gen_ai.user.message", {"content": "the weather?"}, {}),
        ("gen_ai.assistant.message", {"tool_calls": [CALL]}, {}),
        ("gen_ai.tool.message", {"id": "call_1", "content": "rain"}, {}),
        ("gen_ai.choice", {"index": 0, "finish_reason": "stop", "message": {"content": "umbrella"}}, {}),
    ],
    "bodies as JSON text": [
        ("gen_ai.system.message", '{"content":"be brief"}', {}),
        ("gen_ai.user.message", '{"content":"the weather?"}', {}),
        ("gen_ai.assistant.message", json.dumps({"tool_calls": [CALL]}), {}),
        ("gen_ai.tool.message", '{"id":"call_1","content":"rain"}', {}),
        ("gen_ai.choice", '{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":"umbrella"}}', {}),
    ],
    "attributes": [
        ("gen_ai.system.message", None, {"content": "be brief"}),
        ("gen_ai.user.message", None, {"content": "the weather?"}),
        ("gen_ai.assistant.message", None, {"tool_calls": json.dumps([CALL])}),
        ("gen_ai.tool.message", None, {"id": "call_1", "content": "rain"}),
        ("gen_ai.choice", None, {"finish_reason": "stop", "content": "umbrella"}),
    ],
    "plain bodies": [
        ("gen_ai.system.message", "be brief", {}),
        ("gen_ai.user.message", "the weather?", {}),
        ("gen_ai.assistant.message", {"tool_calls": [CALL]}, {}),
        ("gen_ai.tool.message", "rain", {"id": "call_1"}),
        ("gen_ai.choice", "umbrella", {"finish_reason": "stop"}),
    ],
    "details": [
        (
            DETAILS,
            None,
            {
                "gen_ai.system_instructions": [{"type": "text", "content": "be brief"}],
                "gen_ai.input.messages": [
                    {"role": "user", "parts": [{"type": "text", "content": "the weather?"}]},
                    {
                        "role": "assistant",
                        "parts": [{"type": "tool_call", "id": "call_1", "name": "search", "arguments": {"q": "x"}}],
                    },
                    {"role": "tool", "parts": [{"type": "tool_call_response", "id": "call_1", "response": "rain"}]},
                ],
                "gen_ai.output.messages": [{"role": "assistant", "parts": [{"type": "text", "content": "umbrella"}]}],
                "gen_ai.response.finish_reasons": ["stop"],
            },
        )
    ],
}


def events(shape: str) -> list[Event]:
    return [event_of(number, name, body, attributes) for number, (name, body, attributes) in enumerate(SHAPES[shape])]


@pytest.mark.parametrize("shape", SHAPES)
def test_one_conversation_in_every_shape(shape: str) -> None:
    found = messages({}, events(shape), "llm").to_json()
    system, user, asked, answered = found["input"]
    (output,) = found["output"]
    assert (system["role"], system["parts"][0]["text"]) == ("system", "be brief")
    assert (user["role"], user["parts"][0]["text"]) == ("user", "the weather?")
    (call,) = asked["parts"]
    assert (call["type"], call["id"], call["name"], call["arguments"]) == ("tool_call", "call_1", "search", {"q": "x"})
    (result,) = answered["parts"]
    assert (result["type"], result["id"], result["result"]) == ("tool_result", "call_1", "rain")
    assert (output["role"], output["parts"][0]["text"]) == ("assistant", "umbrella")
    said = told(events(shape), "llm")
    assert said.finish_reason == "stop"
    assert "the weather?" in said.input
    assert "umbrella" in said.output


def test_structures_and_texts_of_messages_say_the_same() -> None:
    as_text = {"gen_ai.input.messages": json.dumps(ASKED), "gen_ai.output.messages": json.dumps(ANSWERED)}
    as_value: dict[str, Any] = {"gen_ai.input.messages": ASKED, "gen_ai.output.messages": ANSWERED}
    both = [messages({}, [Event(1, DETAILS, attributes)], "llm").to_json() for attributes in (as_text, as_value)]
    assert both[0] == both[1]
    assert both[0]["input"][0]["parts"] == [{"type": "text", "text": "the weather?"}]


def test_what_a_tool_got_and_gave() -> None:
    sent = [
        event_of(1, "gen_ai.tool.message", {"content": '{"q": "x"}', "id": "call_1"}, {}),
        event_of(2, "gen_ai.choice", {"message": [{"text": "rain"}]}, {}),
    ]
    assert (told(sent, "tool").input, told(sent, "tool").output) == ('{"q":"x"}', "rain")


@pytest.mark.parametrize(
    ("name", "attributes", "expected"),
    [
        (DETAILS, {"user.id": "u", "gen_ai.conversation.id": "s"}, Told(user_id="u", session_id="s")),
        (DETAILS, {"error.type": "<class 'openai.BadRequestError'>"}, Told(error_type="openai.BadRequestError")),
        ("gen_ai.client.operation.exception", {"exception.type": "ValueError"}, Told(error_type="ValueError")),
        ("gen_ai.client.operation.exception", {}, Told()),
        ("gen_ai.evaluation.result", {"error.type": "timeout"}, Told()),
        ("app.event", {"user.id": "u", "error.type": "e"}, Told()),
        (DETAILS, {"gen_ai.usage.input_tokens": 5, "gen_ai.response.finish_reasons": "[]"}, Told()),
        (DETAILS, {"gen_ai.response.finish_reasons": '["length"]'}, Told(finish_reason="length")),
    ],
)
def test_what_an_event_says(name: str, attributes: dict[str, Any], expected: Told) -> None:
    assert told([event_of(1, name, None, attributes)], "llm") == expected


def test_of_a_call_that_was_tried_again_the_last_messages_count() -> None:
    tries = [Event(n, DETAILS, {"gen_ai.input.messages": ASKED, "gen_ai.output.messages": [f"{n}"]}) for n in (1, 2)]
    assert told(tries, "llm").output == '["2"]'


@pytest.mark.parametrize(
    ("given", "score"),
    [(0.5, 0.5), (1, 1.0), ("0.25", 0.25), ("high", None), (None, None), (float("nan"), None), ([], None)],
)
def test_scores(given: Any, score: float | None) -> None:
    attributes = {
        "gen_ai.evaluation.name": "relevance",
        "gen_ai.evaluation.score.value": given,
        "gen_ai.evaluation.score.label": "pass",
        "gen_ai.evaluation.explanation": "because",
    }
    (found,) = evaluations([Event(7, "gen_ai.evaluation.result", attributes), Event(8, "other", attributes)])
    assert (found.name, found.score, found.label, found.explanation) == ("relevance", score, "pass", "because")
    assert found.time_ns == 7


def test_a_plain_log_record_keeps_its_body_and_severity() -> None:
    assert event_of(1, "", "started", {"a": 1}, "INFO") == Event(
        1, "log", {"severity": "INFO", "body": "started", "a": 1}
    )
    assert event_of(1, "app.started", {"pid": 7}, {}) == Event(1, "app.started", {"body": {"pid": 7}})


def test_only_what_is_new_is_kept_of_an_event() -> None:
    span: dict[str, Any] = {"gen_ai.input.messages": json.dumps(ASKED), "gen_ai.usage.input_tokens": 5}
    repeats = Event(1, DETAILS, {"gen_ai.input.messages": ASKED, "gen_ai.usage.input_tokens": 5})
    adds = Event(2, DETAILS, {**repeats.attributes, "gen_ai.output.messages": ANSWERED})
    own = Event(3, "gen_ai.user.message", {"content": "hi"})
    other = Event(4, "gen_ai.user.message", {"content": "bye"})
    kept = unrepeated([repeats, adds, own, other], span, [own])
    assert kept == [Event(2, DETAILS, {"gen_ai.output.messages": ANSWERED}), other]


HOSTILE: list[Any] = [None, 5, True, float("nan"), "", "[", "{}", b"\xff", [], [[]], [None, 5, "x"], {}, {"parts": 5}]


@pytest.mark.parametrize("value", HOSTILE, ids=repr)
@pytest.mark.parametrize("span_type", ["llm", "tool", "agent", "other"])
def test_nothing_raises(value: Any, span_type: str) -> None:
    names = (*{name for shape in SHAPES.values() for name, _, _ in shape}, "gen_ai.evaluation.result", "")
    keys = {key for shape in SHAPES.values() for _, _, attributes in shape for key in attributes}
    keys |= {"message", "user.id", "metadata", "error.type", "exception.type", "gen_ai.evaluation.score.value"}
    for name in names:
        for sent in (event_of(1, name, value, {}), event_of(1, name, None, dict.fromkeys(keys, value))):
            said = told([sent], span_type)
            assert all(isinstance(getattr(said, field), str) for field in Told.__slots__)
            messages({}, [sent], span_type).to_json()
            evaluations([sent])
            unrepeated([sent], {"message": value}, [sent])
