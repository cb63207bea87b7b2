"""A trace as a file, from the engine to the bytes: read back, it is the same trace."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from django.test import Client

from tests.clickhouse.logs import details, write_logs
from tests.clickhouse.otlp import event, link, post, resource, span
from tests.clickhouse.spans import START
from tracestore.clickhouse import client, trace_parts
from tracestore.clickhouse.reader import get_reader
from tracestore.spans.decode import decode_json

pytestmark = pytest.mark.django_db

ASKED = json.dumps([{"role": "user", "parts": [{"type": "text", "content": "Where is my order? " * 200}]}])
ANSWERED = json.dumps(
    [{"role": "assistant", "parts": [{"type": "tool_call", "id": "c1", "name": "find", "arguments": {"order": 7}}]}]
)
TRACE = f"{1:032x}"


def store_one(project: str = "default") -> None:
    chat = {
        "gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o-mini", "gen_ai.usage.input_tokens": 12,
        "gen_ai.input.messages": ASKED, "gen_ai.output.messages": ANSWERED, "gen_ai.request.temperature": 0.5,
        "list": ["a", 1, True, 2.5], "big": 2**62, "raw": {"bytesValue": "AP8="},
    }  # fmt: skip
    tool = {
        "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "find", "gen_ai.tool.call.id": "c1",
        "gen_ai.tool.call.arguments": '{"order": 7}', "gen_ai.tool.call.result": '{"state": "shipped"}',
    }  # fmt: skip
    post(
        resource(
            "shop",
            span(1, 1, name="run", duration=9_000, attributes={"gen_ai.operation.name": "invoke_agent"}),
            span(1, 2, parent=1, name="chat", start=START + 10, attributes=chat, kind=3, traceState="a=b",
                 events=[event("token", START + 20, n=1, share=0.5)], links=[link(2, 9, why="retry")]),
            span(1, 3, parent=1, name="execute_tool find", start=START + 2_000, attributes=tool,
                 status={"code": 2, "message": "no such order"}),
            attributes={"host.name": "w1", "cpus": 4}, scope={"name": "sdk", "version": "1.2"},
        ),
        project=project,
    )  # fmt: skip


def export(form: str, status: int = 200) -> Any:
    response = Client().get(f"/api/v1/traces/{TRACE}/export/{form}/")
    assert response.status_code == status, getattr(response, "content", b"")
    if status != 200:
        return response.json()
    assert "attachment" in response["Content-Disposition"]
    return json.loads(asyncio.run(whole(response.streaming_content)))


async def whole(chunks: AsyncIterator[bytes]) -> bytes:
    return b"".join([chunk async for chunk in chunks])


def columns(project: str) -> list[tuple[Any, ...]]:
    """Everything that is stored of the spans and their payloads, but when."""
    spans = client.run(
        "SELECT * EXCEPT (project) FROM spans WHERE project = {p:String} ORDER BY span_id", {"p": project}
    ).result_rows
    payloads = client.run(
        "SELECT * EXCEPT (project) FROM span_payloads WHERE project = {p:String} ORDER BY span_id", {"p": project}
    ).result_rows
    return [*spans, *payloads]


def test_otlp_posted_again_gives_equal_spans(monkeypatch: pytest.MonkeyPatch) -> None:
    store_one()
    monkeypatch.setattr(trace_parts, "PART_SPANS", 2)
    made = export("otlp")
    decoded = decode_json(json.dumps(made).encode(), now_ns=START + 40 * 86_400 * 10**9)
    assert (len(decoded.records), decoded.rejected.total()) == (3, 0)
    post(*made["resourceSpans"], project="second")
    assert columns("second") == columns("default")


def test_speedscope_and_perfetto_have_every_span() -> None:
    store_one()
    scope = export("speedscope")
    opened = [one for profile in scope["profiles"] for one in profile["events"] if one["type"] == "O"]
    assert [scope["shared"]["frames"][one["frame"]]["name"] for one in opened] == [
        "run", "chat gpt-4o-mini", "execute_tool find",
    ]  # fmt: skip
    events = [one for one in export("perfetto")["traceEvents"] if one["ph"] == "X"]
    assert [(one["name"], one["cat"], one["ts"]) for one in events] == [
        ("run", "agent", 0.0), ("chat", "llm", 0.01), ("execute_tool find", "tool", 2.0),
    ]  # fmt: skip


def test_the_replay_bundle_has_calls_with_their_answers() -> None:
    store_one()
    bundle = export("replay")
    assert (bundle["format"], bundle["version"], bundle["trace_id"]) == ("tracestore-replay", 1, TRACE)
    model, tool = bundle["calls"]
    assert model["request"]["messages"][0]["parts"][0]["text"].startswith("Where is my order?")
    assert model["response"]["messages"][0]["parts"][0]["name"] == "find"
    assert model["parameters"]["gen_ai.request.temperature"] == 0.5
    assert tool["request"] == {"kind": "tool", "name": "find", "arguments": {"order": 7}}
    assert tool["response"] == {"result": {"state": "shipped"}}
    assert tool["error"] == {"type": "_OTHER", "message": "no such order"}
    assert (tool["number"], tool["occurrence"]) == (2, 1)


def test_what_is_not_there_is_told() -> None:
    assert "There is no trace" in export("otlp", 404)["error"]["message"]
    store_one()
    assert "expected one of otlp, speedscope, perfetto, replay" in export("csv", 404)["error"]["message"]


def test_many_spans_are_read_with_their_payloads_at_once() -> None:
    store_one()
    found = get_reader().spans_by_id("default", TRACE, [f"{n:016x}" for n in (1, 2, 3, 9)])
    assert sorted(found) == [f"{n:016x}" for n in (1, 2, 3)]
    assert found[f"{3:016x}"].output == '{"state": "shipped"}'
    assert found[f"{2:016x}"].attributes["gen_ai.output.messages"] == ANSWERED
    one = get_reader().span("default", TRACE, f"{2:016x}")
    assert one == found[f"{2:016x}"]


def test_what_log_records_told_of_a_span_goes_along() -> None:
    asked = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o-mini", "gen_ai.usage.input_tokens": 100}
    post(resource("shop", span(1, 1, name="chat", attributes=asked)))
    write_logs(details(1))
    before = get_reader().span("default", TRACE, f"{1:016x}")
    post(*export("otlp")["resourceSpans"], project="second")
    again = get_reader().span("second", TRACE, f"{1:016x}")
    assert "the weather?" in before.input
    assert (json.loads(again.input), json.loads(again.output)) == (json.loads(before.input), json.loads(before.output))
    assert again.row.input_tokens == before.row.input_tokens == 100
