"""What only other traces, or payloads, tell reaches settled traces, whatever came first."""

from __future__ import annotations

import gzip
import itertools
import json
import time
from pathlib import Path

import pytest

from tests.clickhouse.spans import START, llm, span
from tests.clickhouse.test_writer import count, write
from tracestore.clickhouse import client, settling
from tracestore.spans.decode import decode_protobuf
from tracestore.spans.linked import PREFIX
from tracestore.spans.model import Link, Scope, Span
from tracestore.spans.normalise import normalise
from tracestore.spans.resolve import resolve


@pytest.fixture(autouse=True)
def short_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settling, "QUIET_MS", 50)


def settle() -> None:
    """Until nothing is open and nothing changes: what is completed is opened again."""
    for _ in range(5):
        time.sleep(0.06)
        if not settling.settle().spans_changed and not count("open_traces"):
            return
    raise AssertionError("settling never ends")


def linked(number: int, trace: int, to: int, **fields: object) -> Span:
    made = span(number, trace=trace, **fields)
    made.record.links = [Link(f"{to:032x}", f"{1:016x}")]
    return made


def sessions() -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = client.run("SELECT session_id, traces, span_count FROM sessions").result_rows
    return list(rows)


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_linked_traces_become_one_session_in_any_order_of_arrival(order: tuple[int, ...]) -> None:
    parts = [
        [span(1, trace=1, start=START)],
        [linked(1, 2, 1, type="agent", agent="planner"), llm(2, trace=2, parent=1)],
        [linked(1, 3, 2)],
    ]
    for index in order:
        write(*parts[index])
        settle()
    assert sessions() == [(f"{PREFIX}{1:032x}", 3, 4)]
    assert client.run("SELECT uniqExact(session_id) FROM traces").result_rows == [(1,)]


def test_a_session_that_is_named_late_takes_the_place_of_the_made_up_one() -> None:
    write(linked(1, 2, 1, type="agent", agent="planner"))
    write(span(1, trace=1, start=START))
    settle()
    write(linked(1, 3, 2, session_id="chat-7", user_id="u"))
    settle()
    assert sessions() == [("chat-7", 3, 3)]
    assert client.run("SELECT uniqExact(user_id) FROM spans").result_rows == [(1,)]


def test_a_consumer_of_a_batch_joins_nothing() -> None:
    write(span(1, trace=1, type="agent", agent="a"), span(1, trace=2, type="agent", agent="b"))
    consumer = linked(1, 3, 1)
    consumer.record.links.append(Link(f"{2:032x}", f"{1:016x}"))
    write(consumer)
    settle()
    assert sessions() == []


def test_arguments_from_a_call_that_came_in_another_write() -> None:
    asked = [{"role": "assistant", "tool_calls": [
        {"id": "c1", "type": "function", "function": {"name": "search", "arguments": '{"q": "' + "x" * 600 + '"}'}}
    ]}]  # fmt: skip
    told = [{"role": "tool", "tool_call_id": "c1", "content": "found " * 300}]
    write(span(1), span(3, parent=1, type="tool", tool_name="search", tool_call_id="c1"))
    write(llm(2, parent=1, output=json.dumps(asked)), llm(5, parent=1, input=json.dumps(told), output="[]"))
    settle()
    arguments = client.run("SELECT arguments, input_bytes FROM tool_calls").result_rows[0]
    assert (arguments[0], arguments[1]) == ('{"q":"' + "x" * 600 + '"}', 608)
    payload = client.run("SELECT input, output FROM span_payloads WHERE span_id = {s:String}", {"s": f"{3:016x}"})
    assert payload.result_rows == [('{"q":"' + "x" * 600 + '"}', "found " * 300)]


def message(number: int, trace: int, to: int, content: object, kind: str, used: object = None) -> Span:
    """A message that AutoGen's group manager processed, in a trace of its own."""
    body = {"message": {"id": f"m{trace}", "source": "planner", "models_usage": used, "content": content, "type": kind}}
    made = linked(number, trace, to, attributes={"messaging.operation": "process", "message": json.dumps(body)})
    made.record.scope = Scope("autogen SingleThreadedAgentRuntime")
    return normalise(made.record)


@pytest.mark.parametrize("instrumented", [False, True])
@pytest.mark.parametrize("reports_first", [False, True])
def test_autogen_calls_count_once_over_traces(instrumented: bool, reports_first: bool) -> None:
    requests = [{"id": "c1", "name": "search", "arguments": '{"q": 1}'}]
    results = [{"call_id": "c1", "name": "search", "content": "found " * 100, "is_error": False}]
    tool = span(3, parent=1, type="tool", tool_name="search", tool_call_id="c1")
    tool.record.scope = Scope("autogen-core")
    turn = [span(1, type="agent", agent="planner"), tool]
    if instrumented:
        turn.append(llm(2, parent=1, output="[]"))
    reports = [
        message(1, 2, 1, requests, "ToolCallRequestEvent", {"prompt_tokens": 100, "completion_tokens": 10}),
        message(1, 3, 1, results, "ToolCallExecutionEvent"),
    ]
    for part in [reports, turn] if reports_first else [turn, reports]:
        write(*part)
        settle()
    assert client.run("SELECT sum(llm_calls), sum(input_tokens), sum(output_tokens) FROM traces").result_rows == [
        (1, 100, 10)
    ]
    assert client.run("SELECT arguments, result FROM tool_calls").result_rows == [('{"q":1}', "found " * 100)]
    assert sessions() == [(f"{PREFIX}{1:032x}", 3, len(turn) + 2)]


GOLDEN = Path(__file__).resolve().parents[1] / "golden"


@pytest.mark.parametrize("pieces", ["requests", "spans backwards"])
@pytest.mark.parametrize(
    "capture", ["autogen-native.happy.s0", "autogen-native_openllmetry.happy.s1", "mcp-native.parallel.s0"]
)
def test_a_capture_that_comes_in_pieces(capture: str, pieces: str) -> None:
    """Calls, tokens, arguments and results are the truth, however the spans were split over writes."""
    manifest = json.loads((GOLDEN / capture / "manifest.json").read_text())
    bodies = [gzip.decompress(file.read_bytes()) for file in sorted((GOLDEN / capture).glob("*.traces.binpb.gz"))]
    parts = [decode_protobuf(body).records for body in bodies]
    if pieces != "requests":
        parts = [[record] for record in reversed([record for part in parts for record in part])]
    for part in parts:
        spans = [normalise(record) for record in part]
        resolve(spans)
        write(*spans)
    settle()
    tokens = manifest["expected"]["tokens"]
    assert client.run("SELECT sum(llm_calls), sum(input_tokens), sum(output_tokens) FROM traces").result_rows == [
        (manifest["expected"]["counts"]["llm_calls"], tokens["input"], tokens["output"])
    ]
    done = manifest["tool_executions"]
    rows = client.run("SELECT arguments, result, status FROM tool_calls").result_rows
    assert sorted(json.dumps(json.loads(row[0]), sort_keys=True) for row in rows) == sorted(
        json.dumps(found["args"], sort_keys=True) for found in done
    )
    assert sorted(row[1][:200] for row in rows if row[2] != "error") == sorted(
        found["result"][:200] for found in done if found["ok"]
    )
    if capture.startswith("autogen"):
        # The trace that only made the agent is no part of the run.
        assert len(sessions()) == 1
        assert client.run("SELECT countIf(session_id = '') FROM traces").result_rows == [(1,)]
