# ruff: noqa: E501 - messages read best on one line
"""Traces that tests and the eye look at: a support agent's run, a hostile one, odd shapes."""

from __future__ import annotations

import json

from tests.pages.fake_reader import EPOCH, MS, detail, exception_event, span_row
from tracestore.clickhouse.rows import LinkRow, SpanDetail, SpanRow

SUPPORT = "5a" * 16
HOSTILE = "bad0" * 8
ODD = "0dd0" * 8

ANSWER = """Your order **ORD-10442** was shipped on 12 November.

- carrier: `DHL`
- expected: 15 November

| step | state |
|---|---|
| packed | done |
| shipped | done |

```python
status = lookup("ORD-10442")
```
"""


def id_of(number: int) -> str:
    return f"{number:016x}"


def support_trace(shift_ns: int = 0, trace_id: str = SUPPORT) -> tuple[list[SpanRow], list[SpanDetail]]:
    """A run with two model calls, a tool that fails once, a retrieval, an unpriced call."""

    def make(number: int, parent: int, name: str, start_ms: int, length_ms: int, **more: object) -> SpanRow:
        begin = EPOCH + shift_ns + start_ms * MS
        return span_row(
            trace_id,
            id_of(number),
            id_of(parent) if parent else "",
            name,
            start_ns=begin,
            end_ns=begin + length_ms * MS,
            **{"agent": "concierge", "session_id": "sess-7f31", "user_id": "u-204", "convention": "gen_ai latest"}
            | more,
        )

    call = {
        "type": "llm", "provider": "openai", "model": "gpt-4o-mini-2024-07-18", "request_model": "gpt-4o-mini",
        "operation": "chat", "usage_rule": "gen_ai.usage.input_tokens", "price_source": "genai-prices 0.2.3: openai/gpt-4o-mini",
    }  # fmt: skip
    spans = [
        make(1, 0, "invoke_agent concierge", 0, 6400, type="agent", input_preview="Where is my order ORD-10442?"),
        make(2, 1, "plan", 12, 1900, type="workflow"),
        make(3, 2, "chat gpt-4o-mini", 20, 1780, input_tokens=1240, output_tokens=96, cost_usd=0.0002436,
             cache_read_tokens=1024, finish_reason="tool_calls", **call),
        make(4, 1, "execute_tool find_order", 1920, 820, type="tool", tool_name="find_order", tool_call_id="call_1",
             status="error", error_type="TimeoutError", status_message="order service did not answer within 800 ms"),
        make(5, 1, "execute_tool find_order", 2760, 240, type="tool", tool_name="find_order", tool_call_id="call_2"),
        make(6, 1, "search shipping policy", 3010, 160, type="retrieval"),
        make(7, 6, "embed query", 3015, 60, type="embedding", model="text-embedding-3-small", input_tokens=9, cost_usd=1.8e-7),
        make(8, 6, "rerank passages", 3080, 80, type="rerank"),
        make(9, 1, "pii guardrail", 3180, 25, type="guardrail"),
        make(10, 1, "chat house-model", 3215, 2900, **{**call, "model": "house-model-7b", "price_source": ""},
             input_tokens=2210, output_tokens=412, reasoning_tokens=128, finish_reason="stop"),
        make(11, 1, "answer quality", 6130, 220, type="evaluator"),
    ]  # fmt: skip
    asked = [
        {"role": "system", "parts": [{"type": "text", "content": "You are a support agent of a web shop. Be brief. Never invent an order state."}]},
        {"role": "user", "parts": [{"type": "text", "content": "Where is my order ORD-10442?"}]},
    ]  # fmt: skip
    called = [
        {
            "role": "assistant",
            "parts": [
                {
                    "type": "tool_call",
                    "id": "call_2",
                    "name": "find_order",
                    "arguments": {"order": "ORD-10442", "fields": ["state", "carrier"]},
                }
            ],
        }
    ]
    result = {
        "order": "ORD-10442",
        "state": "shipped",
        "carrier": "DHL",
        "weight_g": 12345678901234567890,
        "history": [{"at": "2026-11-12", "state": "packed"}, {"at": "2026-11-12", "state": "shipped"}],
    }
    answered = [
        {"role": "tool", "parts": [{"type": "tool_call_response", "id": "call_2", "response": json.dumps(result)}]}
    ]
    final = [
        {
            "role": "assistant",
            "parts": [
                {"type": "reasoning", "content": "The order is shipped; say so with the date."},
                {"type": "text", "content": ANSWER},
            ],
            "finish_reason": "stop",
        }
    ]
    history = [
        {"role": role, "parts": [{"type": "text", "content": f"Earlier turn {turn} of the {role}"}]}
        for turn in range(1, 8)
        for role in ("user", "assistant")
    ]
    definitions = [
        {
            "type": "function",
            "name": "find_order",
            "description": "Finds an order by its number.",
            "parameters": {"type": "object", "properties": {"order": {"type": "string"}}},
        }
    ]

    def chat(row: SpanRow, asked: object, said: object) -> SpanDetail:
        return detail(
            row,
            attributes={
                "gen_ai.operation.name": "chat", "gen_ai.request.model": row.request_model, "gen_ai.request.temperature": 0.2,
                "gen_ai.usage.input_tokens": row.input_tokens, "gen_ai.input.messages": json.dumps(asked),
                "gen_ai.output.messages": json.dumps(said), "gen_ai.tool.definitions": json.dumps(definitions),
                "server.streaming": True, "tags": ["prod", "eu"],
            },
            input=json.dumps(asked), output=json.dumps(said),
        )  # fmt: skip

    stack = 'Traceback (most recent call last):\n  File "orders.py", line 41, in find\n    return client.get(number, timeout=0.8)\nTimeoutError: order service did not answer within 800 ms'
    details = [
        chat(spans[2], asked, called),
        detail(spans[3], input='{"order":"ORD-10442"}', output="", events=[
            exception_event(spans[3].end_ns, "TimeoutError", "order service did not answer within 800 ms", stack)],
            links=[LinkRow("c0" * 16, id_of(77))]),
        detail(spans[4], input='{"order":"ORD-10442","fields":["state","carrier"]}', output=json.dumps(result)),
        chat(spans[9], [*asked[:1], *history, *asked[1:], *called, *answered], final),
    ]  # fmt: skip
    return spans, details


#: Text that would do something if any page forgot to escape, sanitise or bound it.
SCRIPT = '<script>window.hacked=1;alert(1)</script><img src=x onerror="window.hacked=1">'
ATTACKS = [
    SCRIPT,
    "\"'><svg onload=window.hacked=1>",
    "{{ 7*7 }}{% load static %}",
    "javascript:window.hacked=1",
    "</textarea></title></script><script>window.hacked=1</script>",
    "[click](javascript:window.hacked=1) ![beacon](http://evil.invalid/x.png) <b>bold</b>",
    "\x1b[31mred\x1b[0m \x00 nul \u202egnp.exe \u200bhidden",
    "'-window.hacked=1-'",
    "' onmouseover='window.hacked=1' x='",
    "../../../etc/passwd?x=1#&<>",
]


def hostile_trace() -> tuple[list[SpanRow], list[SpanDetail]]:
    """Attacks in every text field of a trace of llm, tool and unknown spans."""
    spans, details = [], []
    for number, attack in enumerate(ATTACKS, 1):
        kind = ("llm", "tool", "agent", attack)[number % 4]
        row = span_row(
            HOSTILE, id_of(number), id_of(1) if number > 1 else "", attack, type=kind, status="error",
            start_ns=EPOCH + number * MS, end_ns=EPOCH + (number + 20) * MS,
            **dict.fromkeys(
                ("kind", "service", "agent", "agent_version", "session_id", "user_id", "status_message", "error_type",
                 "provider", "model", "request_model", "operation", "usage_rule", "price_source", "tool_name",
                 "tool_call_id", "finish_reason", "convention", "scope_name", "scope_version", "input_preview"), attack),
        )  # fmt: skip
        spans.append(row)
        said = json.dumps(
            [
                {
                    "role": "assistant",
                    "parts": [
                        {"type": "text", "content": attack},
                        {"type": "tool_call", "id": attack, "name": attack, "arguments": {attack: attack}},
                    ],
                }
            ]
        )
        details.append(
            detail(
                row,
                attributes={
                    attack: attack, "list": [attack, {attack: attack}], "bytes": b"\x00\xff",
                    "gen_ai.operation.name": "chat", "gen_ai.output.messages": said,
                    "gen_ai.input.messages": json.dumps([{"role": "user", "parts": [{"type": "text", "content": attack * 50}]}]),
                },
                resource_attributes={attack: attack},
                events=[exception_event(EPOCH, attack, attack, attack * 20)],
                links=[LinkRow(attack, attack)],
                input=json.dumps({attack: attack}), output=attack,
            )
        )  # fmt: skip
    return spans, details


def odd_trace() -> list[SpanRow]:
    """Two roots, an orphan, a ring, a self-parent, a child before and one after its parent."""
    at = EPOCH

    def make(number: int, parent: int, name: str, start_ms: int, end_ms: int) -> SpanRow:
        return span_row(
            ODD,
            id_of(number),
            id_of(parent) if parent else "",
            name,
            start_ns=at + start_ms * MS,
            end_ns=at + end_ms * MS,
        )

    return [
        make(1, 0, "first root", 0, 100),
        make(2, 1, "starts early", -20, 50),
        make(3, 1, "outlives its parent", 80, 220),
        make(4, 0, "second root", 150, 300),
        make(5, 99, "parent never came", 160, 200),
        make(6, 7, "ring a", 170, 180),
        make(7, 6, "ring b", 172, 190),
        make(8, 8, "its own parent", 210, 215),
        make(9, 4, "ends before it starts", 250, 240),
    ]
