"""Captures of real frameworks, sent through the front door, come back as their ground truth says."""

from __future__ import annotations

import functools
import json
import urllib.request
from collections import Counter, defaultdict
from typing import Any

import grpc
import pytest

from tests.e2e.captures import Capture, captures
from tests.e2e.side_by_side import side_by_side
from tests.e2e.stack import API_KEY, Stack

METHOD = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
#: The combos whose figures the issue "Spine" asks to be exact.
COMBOS = ("langgraph-", "openai_agents-", "pydantic_ai-", "openai_sdk-", "anthropic_sdk-")
TRANSPORTS = ("grpc", "http/protobuf", "http/json")


def send_grpc(stack: Stack, body: bytes) -> bytes:
    with grpc.insecure_channel(stack.otlp_grpc, options=[("grpc.max_send_message_length", 64 << 20)]) as channel:
        export = channel.unary_unary(METHOD, request_serializer=None, response_deserializer=None)
        answer: bytes = export(body, timeout=30, metadata=[("authorization", f"Bearer {API_KEY}")])
        return answer


def send_http(stack: Stack, body: bytes, content_type: str = "application/x-protobuf") -> bytes:
    request = urllib.request.Request(f"{stack.otlp_http}/v1/traces", data=body)
    request.add_header("content-type", content_type)
    request.add_header("x-api-key", API_KEY)
    with urllib.request.urlopen(request, timeout=30) as response:
        answer: bytes = response.read()
        return answer


def send(stack: Stack, capture: Capture, transport: str) -> None:
    """Sends a capture as it was received; every request must be accepted whole."""
    if transport == "http/json" and len(capture.json_bodies()) == len(capture.bodies()):
        for body in capture.json_bodies():
            assert json.loads(send_http(stack, body, "application/json")) == {}
        return
    for body in capture.bodies():
        answer = send_grpc(stack, body) if transport == "grpc" else send_http(stack, body)
        assert answer == b"", f"{capture.name}: not accepted whole: {answer!r}"


@pytest.fixture(scope="module")
def sent(stack: Stack) -> list[Capture]:
    """All captures, each through one of the transports in turn; settled."""
    everything = [capture for capture in captures() if capture.bodies()]
    assert everything, "no captures: tests/golden is missing"
    side_by_side(
        functools.partial(send, stack, capture, TRANSPORTS[number % len(TRANSPORTS)])
        for number, capture in enumerate(everything)
    )
    stack.wait_settled(60)
    return everything


def accepted(capture: Capture) -> dict[str, set[int]]:
    """Calls and tokens as the fake model logged them; or, where the instrumentation lost some, what is left."""
    tokens, recovered = capture.expected["tokens"], capture.recovered
    true = {
        "llm_calls": capture.expected["counts"]["llm_calls"],
        "input_tokens": tokens["input"],
        "output_tokens": tokens["output"],
    }
    differs = " ".join(str(reason) for reason in recovered["differs_from_truth"])
    return {name: {value, recovered[name]} if name in differs else {value} for name, value in true.items()}


def measured(stack: Stack) -> dict[str, dict[str, int]]:
    """What SQL says of every trace, by trace id."""
    rows = stack.sql(
        "SELECT trace_id, countIf(type = 'llm'), sumIf(input_tokens, type = 'llm'), sumIf(output_tokens, type = 'llm')"
        " FROM spans GROUP BY trace_id"
    )
    names = ("llm_calls", "input_tokens", "output_tokens")
    return {row[0]: dict(zip(names, map(int, row[1:]), strict=True)) for row in rows}


def test_calls_and_tokens_match_the_ground_truth(stack: Stack, sent: list[Capture]) -> None:
    by_trace = measured(stack)
    wrong: dict[str, Any] = {}
    for capture in sent:
        if not capture.name.startswith(COMBOS):
            continue
        total: Counter[str] = Counter()
        for trace_id in capture.trace_ids:
            total.update(by_trace[trace_id])
        for name, values in accepted(capture).items():
            if total[name] not in values:
                wrong[f"{capture.name} {name}"] = [total[name], sorted(values)]
    assert not wrong, json.dumps(wrong, indent=1)


def test_models_tools_and_errors_match_the_ground_truth(stack: Stack, sent: list[Capture]) -> None:
    models: dict[str, Counter[str]] = defaultdict(Counter)
    for trace_id, model, calls in stack.sql(
        "SELECT trace_id, model, count() FROM llm_calls WHERE status != 'error' GROUP BY trace_id, model"
    ):
        models[trace_id][model] += int(calls)
    tools: dict[str, Counter[str]] = defaultdict(Counter)
    for trace_id, tool, calls in stack.sql("SELECT trace_id, tool_name, count() FROM tool_calls GROUP BY ALL"):
        tools[trace_id][tool] += int(calls)
    # A handled failure may leave the status unset; then the error's type tells (docs/conventions.md).
    failed = dict(
        stack.sql("SELECT trace_id, countIf(status = 'error' OR error_type != '') FROM tool_calls GROUP BY trace_id")
    )
    wrong: dict[str, Any] = {}
    for capture in sent:
        if not capture.name.startswith(COMBOS) or capture.recovered["differs_from_truth"]:
            continue
        got_models = sum((models[trace_id] for trace_id in capture.trace_ids), Counter[str]())
        want_models = {name: model["calls"] for name, model in capture.expected["models"].items()}
        # Agents called as tools (`ask_courier`) are tool calls too; the truth counts them apart.
        got_tools = sum((tools[trace_id] for trace_id in capture.trace_ids), Counter[str]())
        got_tools = Counter(
            {name: calls for name, calls in got_tools.items() if name in capture.expected["tool_names"]}
        )
        got_errors = sum(int(failed.get(trace_id, 0)) for trace_id in capture.trace_ids)
        errors = [got_errors, capture.expected["counts"]["tool_errors"]]
        if got_models != want_models or dict(got_tools) != capture.expected["tool_names"] or errors[0] != errors[1]:
            wrong[capture.name] = {
                "errors": errors,
                "models": [got_models, want_models],
                "tools": [got_tools, capture.expected["tool_names"]],
            }
    assert not wrong, json.dumps(wrong, indent=1)


def test_every_span_is_stored_once(stack: Stack, sent: list[Capture]) -> None:
    stored = dict(stack.sql("SELECT trace_id, count() FROM spans GROUP BY trace_id"))
    expected = {
        trace["trace_id"]: trace["spans"] for capture in sent for trace in capture.manifest["from_capture"]["traces"]
    }
    assert {trace_id: int(stored.get(trace_id, 0)) for trace_id in expected} == expected


def test_sending_the_same_bytes_again_changes_nothing(stack: Stack, sent: list[Capture]) -> None:
    sums = "SELECT count(), sum(input_tokens), sum(output_tokens), round(sum(cost_usd), 9) FROM spans"
    traces = "SELECT count(), sum(span_count), sum(llm_calls), sum(input_tokens), round(sum(cost_usd), 9) FROM traces"
    before = stack.sql(sums), stack.sql(traces)
    for transport in ("grpc", "http/protobuf"):
        side_by_side(functools.partial(send, stack, capture, transport) for capture in sent[:: max(1, len(sent) // 20)])
    stack.wait_settled(60)
    assert (stack.sql(sums), stack.sql(traces)) == before


def test_api_and_sql_agree(stack: Stack, sent: list[Capture]) -> None:
    capture = next(capture for capture in sent if capture.combo == "langgraph-openinference")
    trace_id = capture.trace_ids[0]
    trace = stack.api(f"traces/{trace_id}/")
    (row,) = stack.sql(
        "SELECT span_count, llm_calls, tool_calls, input_tokens, output_tokens, cost_usd, session_id, agent"
        f" FROM traces WHERE trace_id = '{trace_id}'"
    )
    assert [
        trace["span_count"], trace["llm_calls"], trace["tool_calls"], trace["input_tokens"], trace["output_tokens"],
    ] == [int(value) for value in row[:5]]  # fmt: skip
    assert trace["cost_usd"] == pytest.approx(row[5])
    assert [trace["session_id"], trace["agent"]] == row[6:]
    assert len(trace["spans"]) == trace["span_count"]
    llm = next(span for span in trace["spans"] if span["type"] == "llm")
    span = stack.api(f"traces/{trace_id}/spans/{llm['span_id']}/")
    assert span["messages"]["input"]
    assert span["messages"]["output"]


def test_sessions_match_the_ground_truth(stack: Stack, sent: list[Capture]) -> None:
    """Where the application or the framework set a conversation id, all traces of the run carry it."""
    sessions = dict(stack.sql("SELECT trace_id, session_id FROM traces"))
    wrong = {}
    for capture in sent:
        wanted = capture.expected["conversation_id"]
        if not capture.name.startswith(("langgraph-", "openai_agents-openinference", "openai_sdk-", "anthropic_sdk-")):
            continue
        if wanted is None or capture.recovered["differs_from_truth"]:
            continue
        got = {sessions[trace_id] for trace_id in capture.trace_ids} - {""}
        if wanted not in got:
            wrong[capture.name] = [wanted, sorted(got)]
    assert not wrong, json.dumps(wrong, indent=1)


def test_the_list_pages_through_everything_once(stack: Stack, sent: list[Capture]) -> None:
    seen: list[str] = []
    cursor = ""
    while True:
        page = stack.api("traces/", limit=50, **({"cursor": cursor} if cursor else {}))
        seen += [trace["trace_id"] for trace in page["results"]]
        cursor = page["next"]
        if not cursor:
            break
    assert len(seen) == len(set(seen))
    assert set(seen) >= {trace_id for capture in sent for trace_id in capture.trace_ids}
