"""What the spans of a trace say together."""

from __future__ import annotations

import json
import random
from dataclasses import replace

import pytest
from records import NOW, record

from tracestore.spans.model import Span, SpanRecord, Value
from tracestore.spans.normalise import normalise
from tracestore.spans.own_prices import Overrides, OwnPrice
from tracestore.spans.pricing import Price
from tracestore.spans.resolve import resolve

SDK = "com.anthropic.sdk.python"


def span(
    span_id: str,
    parent: str = "",
    *,
    type: str = "workflow",  # noqa: A002
    scope: str = "app",
    trace: str = "t",
    start: int = 0,
    end: int = 10,
    name: str = "x",
    **columns: object,
) -> Span:
    made = record(name, span_id=span_id, parent=parent, scope=scope, trace=trace, start=start, end=end)
    return Span(made, type=type, **columns)  # type: ignore[arg-type]


def call(span_id: str, parent: str = "", tokens: int = 100, **columns: object) -> Span:
    fields: dict[str, object] = {
        "type": "llm",
        "model": "claude-sonnet-4-5",
        "provider": "anthropic",
        "input_tokens": tokens,
        "output_tokens": 10,
        "usage_rule": "genai" if tokens else "",
        **columns,
    }
    return span(span_id, parent, **fields)  # type: ignore[arg-type]


def types(spans: list[Span]) -> list[str]:
    return [found.type for found in spans]


def test_one_call_by_response_id_keeps_messages_and_takes_the_sdks_numbers() -> None:
    kept = call("a", "p", response_id="r", input="[]", output="[]", output_tokens=11)
    own = call("b", "p", response_id="r", scope=SDK, start=1, end=9, usage_rule="anthropic-sdk")
    changed = resolve([kept, own])
    assert types([kept, own]) == ["llm", "other"]
    assert (kept.output_tokens, kept.usage_rule, kept.input) == (10, "anthropic-sdk", "[]")
    assert kept.cost_usd == pytest.approx(100 * 3e-6 + 10 * 15e-6)
    assert (own.input_tokens, own.output_tokens, own.cost_usd, own.usage_rule) == (0, 0, None, "")
    assert {id(found) for found in changed} == {id(kept), id(own)}
    assert resolve([kept, own]) == []


def test_the_sdks_span_in_a_trace_of_its_own() -> None:
    kept = call("a", response_id="r", output="x")
    own = call("b", trace="u", response_id="r", scope=SDK, start=1, end=9)
    resolve([kept, own])
    assert types([kept, own]) == ["llm", "other"]


def test_the_same_id_in_another_trace_or_at_another_time_is_another_call() -> None:
    spans = [
        call("a", response_id="chatcmpl-123"),
        call("b", response_id="chatcmpl-123", start=20, end=30),
        call("c", trace="u", response_id="chatcmpl-123"),
    ]
    assert resolve(spans) == []


def test_nested_and_enclosed_calls_without_id_are_one() -> None:
    outer, inner = call("a", output="x"), call("b", "a", start=1, end=9, response_id="r")
    resolve([inner, outer])
    assert types([outer, inner]) == ["llm", "other"]
    assert outer.response_id == "r"
    left, right = call("a", "p", output="x"), call("b", "p", start=1, end=9, scope="sdk")
    resolve([left, right])
    assert types([left, right]) == ["llm", "other"]


@pytest.mark.parametrize(
    "other",
    [
        call("b", "p", start=1, end=9),  # the same instrumentation: calls at the same time
        call("b", "p", start=1, end=12, scope="sdk"),  # not enclosed
        call("b", "p", start=1, end=9, scope="sdk", model="gpt-4o"),
        call("b", "p", tokens=50, start=1, end=9, scope="sdk"),
        call("b", "q", start=1, end=9, scope="sdk"),  # another parent
    ],
)
def test_calls_that_only_look_alike_stay(other: Span) -> None:
    first = call("a", "p")
    resolve([first, other])
    assert types([first, other]) == ["llm", "llm"]


def test_parallel_calls_seen_twice() -> None:
    spans = [
        call("a", "p", start=0, end=10, output="x"),
        call("b", "p", start=1, end=12, output="x"),
        call("a2", "p", start=2, end=9, scope="sdk"),
        call("b2", "p", start=3, end=11, scope="sdk"),
    ]
    resolve(spans)
    assert types(spans) == ["llm", "llm", "other", "other"]


def test_a_sum_over_several_calls_is_no_call() -> None:
    spans = [
        call("sum", tokens=150, end=30),
        call("a", "sum", tokens=100, response_id="r"),
        call("b", "sum", tokens=50, start=20, end=29, response_id="s"),
    ]
    resolve(spans)
    assert types(spans) == ["workflow", "llm", "llm"]
    assert [found.input_tokens for found in spans] == [0, 100, 50]


def test_an_agent_or_tool_between_makes_two_calls() -> None:
    spans = [call("a", end=30), span("t", "a", type="tool"), call("b", "t")]
    resolve(spans)
    assert types(spans) == ["llm", "tool", "llm"]


def test_overrides_price_moved_numbers() -> None:
    kept, own = call("a", response_id="r", output="x", output_tokens=11), call("b", response_id="r", scope=SDK)
    resolve([kept, own], Overrides([OwnPrice(1, "claude-sonnet-4-5", Price(1.0, 0.0, 0.0, 0.0, source="own"))]))
    assert (kept.cost_usd, kept.price_source) == (100.0, "own")


def test_a_reported_cost_stays_when_numbers_move_and_no_price_is_known() -> None:
    """Read back from the store, the span has no attributes to read the cost from again."""
    sent = {"model": "nobodys", "request_model": "nobodys", "response_id": "r"}
    kept = call("a", output="x", output_tokens=11, cost_usd=0.5, price_source="reported by the sender", **sent)
    resolve([kept, call("b", scope=SDK, **sent)])
    assert (kept.output_tokens, kept.cost_usd, kept.price_source) == (10, 0.5, "reported by the sender")


def test_mcp_server_goes_before_client_and_a_framework_before_both() -> None:
    client = span("c", type="tool", tool_name="t", convention="mcp")
    server = span("s", "c", type="tool", tool_name="t", convention="mcp", error_type="tool_error")
    assert resolve([client]) == []
    resolve([server, client])
    assert types([client, server]) == ["other", "tool"]
    client.type = "tool"
    framework = span("f", type="tool", tool_name="t", input="{}")
    client.record.parent_span_id = "f"
    resolve([server, client, framework])
    assert types([framework, client, server]) == ["tool", "other", "other"]
    assert framework.error_type == "tool_error"


def test_nested_tools() -> None:
    outer = span("a", type="tool", tool_name="t", tool_call_id="1")
    same = span("b", "a", type="tool", tool_name="t", tool_call_id="1")
    again = span("c", "a", type="tool", tool_name="t", tool_call_id="2")
    other = span("d", "a", type="tool", tool_name="u")
    resolve([outer, same, again, other])
    assert types([outer, same, again, other]) == ["tool", "other", "tool", "tool"]


def test_nested_spans_of_one_run() -> None:
    spans = [
        span("a", type="agent", agent="x"),
        span("w", "a", agent="x"),
        span("b", "w", type="agent", agent="x"),
        span("c", "b", type="agent", agent="x"),
        span("t", "c", type="tool", agent="x", tool_name="ask"),
        span("d", "t", type="agent", agent="x"),
    ]
    for order in (spans, spans[::-1]):
        resolve(order)
        assert types(spans) == ["agent", "workflow", "workflow", "workflow", "tool", "agent"]


def test_agents_are_inherited_through_known_parents_only() -> None:
    spans = [
        span("a", type="agent", agent="x", agent_version="2"),
        span("b", "a", agent_version="svc"),
        span("c", "b", type="tool"),
        span("d", "missing", type="llm"),
    ]
    resolve(spans)
    assert [found.agent for found in spans] == ["x", "x", "x", ""]
    assert [found.agent_version for found in spans] == ["2", "2", "2", ""]


def test_sessions_spread_from_the_nearest_ancestor_else_the_earliest() -> None:
    spans = [
        span("root", start=0),
        span("a", "root", start=5, session_id="late", user_id="u"),
        span("b", "a", start=6),
        span("c", "root", start=1, session_id="early"),
        span("d", "lost", start=7),
        span("e", trace="other"),
    ]
    resolve(spans)
    assert [found.session_id for found in spans] == ["early", "late", "late", "early", "early", ""]
    assert [found.user_id for found in spans] == ["u", "u", "u", "u", "u", ""]


def test_made_up_conversation_ids_give_way_to_the_runs_session() -> None:
    made_up = "01a1fcb2-07ac-7559-9394-fcb906c989ae"
    spans = [
        span("a", type="agent", agent="x", scope="pydantic-ai", session_id="mine"),
        span("b", "a", type="agent", agent="y", scope="pydantic-ai", session_id=made_up),
        span("c", "b", scope="pydantic-ai", session_id=made_up),
        span("r", trace="u", scope="pydantic-ai", session_id=made_up),
    ]
    resolve(spans)
    assert [found.session_id for found in spans] == ["mine", "mine", "mine", made_up]


def test_a_named_langgraph_without_agent_name_is_an_agent_by_its_nodes() -> None:
    scope = "openinference.instrumentation.langchain"
    graph = span("g", name="concierge", scope=scope)
    node = span("n", "g", name="model", scope=scope, operation="execute_task")
    unnamed = span("u", "n", name="LangGraph", scope=scope)
    inner = span("m", "u", name="model", scope=scope, operation="execute_task")
    resolve([inner, unnamed, node, graph])
    assert (graph.type, graph.agent, node.agent) == ("agent", "concierge", "concierge")
    assert (unnamed.type, unnamed.agent) == ("workflow", "concierge")


def test_cycles_duplicates_and_own_parents() -> None:
    spans = [
        span("a", "b", session_id="s"),
        span("b", "a"),
        span("c", "c"),
        span("d", "a"),
        span("d", "a"),
        span("d", "a", type="llm"),
    ]
    resolve(spans)
    assert {found.session_id for found in spans} == {"s"}
    assert resolve(spans) == []


def _many(count: int) -> list[Span]:
    chooser = random.Random(7)
    return [
        Span(
            SpanRecord("t", f"{i:x}", f"{i - 1:x}" if i else "", "n", NOW + i, NOW + 3 * count - i),
            type=chooser.choice(["workflow", "llm", "tool", "agent"]),
            agent=chooser.choice(["", "a", "b"]),
            tool_name="t",
            response_id=chooser.choice(["", f"{i // 2}"]),
        )
        for i in range(count)
    ]


def test_a_chain_of_100_000_spans() -> None:
    spans = _many(100_000)
    resolve(spans)
    assert all(found.agent for found in spans[10:])


def test_order_does_not_matter_and_columns_are_enough() -> None:
    attributes: list[tuple[str, str, dict[str, Value], str]] = [
        ("a", "", {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "x", "user.id": "u"}, "app"),
        ("b", "a", {"gen_ai.operation.name": "chat", "gen_ai.response.id": "r"}, "app"),
        (
            "c",
            "a",
            {"gen_ai.operation.name": "chat", "gen_ai.response.id": "r", "gen_ai.usage.input_tokens": 5},
            SDK,
        ),
        ("d", "a", {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "t"}, "app"),
    ]

    def made() -> list[Span]:
        return [normalise(record("s", dict(a), span_id=i, parent=p, scope=s)) for i, p, a, s in attributes]

    expected = made()
    resolve(expected)
    assert [found.type for found in expected] == ["agent", "llm", "other", "tool"]
    backwards = made()[::-1]
    resolve(backwards)
    rebuilt = made()
    for found in rebuilt:
        found.record = replace(found.record, attributes={}, events=[])
    resolve(rebuilt)
    for one, two, three in zip(expected, backwards[::-1], rebuilt, strict=True):
        assert replace(one, record=two.record) == two
        assert replace(one, record=three.record) == three


def test_arguments_come_from_the_request() -> None:
    asked = [
        {"type": "tool_call", "id": "c1", "name": "t", "arguments": {"b": 1, "a": 2}},
        {"type": "tool_call", "id": "c2", "name": "u", "arguments": '{"id": "ORD-1"}'},
        {"type": "tool_call", "id": "c3", "name": "t", "arguments": {"q": "other"}},
    ]
    output = json.dumps([{"role": "assistant", "parts": asked}])
    spans = [
        call("a", "p", output=output),
        span("b", "p", type="tool", tool_name="t", tool_call_id="c1"),
        span("c", "p", type="tool", tool_name="u", input="ORD-1"),
        span("d", "p", type="tool", tool_name="u", input="ORD-2"),
        span("e", "p", type="tool", tool_name="t", tool_call_id="c3", input='{"q":"mine"}'),
        span("f", "p", type="tool", tool_name="other", tool_call_id="c1"),
        span("g", trace="u", type="tool", tool_name="t", tool_call_id="c1"),
    ]
    resolve(spans)
    assert [found.input for found in spans[1:]] == [
        '{"a":2,"b":1}',
        '{"id":"ORD-1"}',
        "ORD-2",
        '{"q":"mine"}',
        "",
        "",
    ]


def test_the_id_of_an_agent_goes_with_its_name() -> None:
    outer = span("a", type="agent", agent="outer", agent_id="id-1", agent_version="2")
    step = span("b", "a")
    inner = span("c", "b", type="agent", agent="inner", agent_id="id-2")
    deepest = span("d", "c")
    resolve([deepest, inner, step, outer])
    assert [found.agent_id for found in (outer, step, inner, deepest)] == ["id-1", "id-1", "id-2", "id-2"]
    assert (step.agent_version, inner.agent_version) == ("2", "")
