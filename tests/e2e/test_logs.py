"""Captures with log records, sent through the front door: messages and users are right, tokens unchanged."""

from __future__ import annotations

import functools
import json
import urllib.request
from typing import Any

import grpc
import pytest
from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from tests.e2e.captures import Capture, captures, other, renewed, renewed_logs
from tests.e2e.side_by_side import side_by_side
from tests.e2e.stack import API_KEY, Stack
from tests.e2e.test_front_door import send_grpc

LOGS = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
#: When the logs come: the runs are sent once for each, under ids of their own.
ORDERS = ("after", "before", "late", "never")


def send_logs(stack: Stack, body: bytes, transport: str) -> bytes:
    if transport == "grpc":
        with grpc.insecure_channel(stack.otlp_grpc) as channel:
            export = channel.unary_unary(LOGS, request_serializer=None, response_deserializer=None)
            answer: bytes = export(body, timeout=30, metadata=[("authorization", f"Bearer {API_KEY}")])
            return answer
    headers = {"content-type": "application/x-protobuf", "x-api-key": API_KEY}
    if transport == "http/json":
        body, headers["content-type"] = otlp_json(body), "application/json"
    request = urllib.request.Request(f"{stack.otlp_http}/v1/logs", data=body, headers=headers)
    with urllib.request.urlopen(request, timeout=30) as response:
        got: bytes = response.read()
        return b"" if got == b"{}" else got


def otlp_json(body: bytes) -> bytes:
    """As OTLP/JSON, whose ids are hex and whose enums are numbers."""
    message = ExportLogsServiceRequest.FromString(body)
    made = MessageToDict(message, use_integers_for_enums=True)
    for resource_logs, rl in zip(made["resourceLogs"], message.resource_logs, strict=True):
        for scope_logs, sl in zip(resource_logs["scopeLogs"], rl.scope_logs, strict=True):
            for record, log in zip(scope_logs["logRecords"], sl.log_records, strict=True):
                record["traceId"], record["spanId"] = log.trace_id.hex(), log.span_id.hex()
    return json.dumps(made).encode()


def send_capture(stack: Stack, capture: Capture, salt: str, transport: str, *, spans: bool, logs: bool) -> None:
    if spans:
        for body in capture.bodies():
            assert send_grpc(stack, renewed(body, salt, now=False)) == b""
    if logs:
        for body in capture.log_bodies():
            assert send_logs(stack, renewed_logs(body, salt), transport) == b""


def traces_of(capture: Capture, order: str) -> list[str]:
    return [other(bytes.fromhex(trace_id), order).hex() for trace_id in capture.trace_ids]


@pytest.fixture(scope="module")
def sent(stack: Stack) -> list[Capture]:
    """All captures with log records, in every order; settled."""
    found = [capture for capture in captures() if capture.log_bodies()]
    assert found, "no captures with log records: tests/golden is missing"

    def send_but_late(capture: Capture, transport: str) -> None:
        send_capture(stack, capture, "before", transport, spans=False, logs=True)
        for order in ORDERS:
            send_capture(stack, capture, order, transport, spans=True, logs=order == "after")

    side_by_side(
        functools.partial(send_but_late, capture, ("grpc", "http/protobuf", "http/json")[number % 3])
        for number, capture in enumerate(found)
    )
    stack.wait_settled(60)
    side_by_side(
        functools.partial(send_capture, stack, capture, "late", "grpc", spans=False, logs=True) for capture in found
    )
    stack.wait_settled(60)
    return found


def ids(traces: list[str]) -> str:
    return ", ".join(f"'{trace_id}'" for trace_id in traces)


@pytest.mark.parametrize("order", ORDERS)
def test_tokens_are_those_of_the_spans_alone(stack: Stack, sent: list[Capture], order: str) -> None:
    def figures(order: str) -> list[list[Any]]:
        return stack.sql(
            "SELECT count(), countIf(type = 'llm'), sum(input_tokens), sum(output_tokens), sum(cache_read_tokens),"
            " sum(reasoning_tokens), round(sum(cost_usd), 9)"
            f" FROM spans WHERE trace_id IN ({ids(traces_of(capture, order))})"
        )

    for capture in sent:
        assert figures(order) == figures("never"), capture.name
        assert figures(order)[0][2] == capture.expected["tokens"]["input"] or capture.recovered["differs_from_truth"]


@pytest.mark.parametrize("order", ORDERS[:3])
def test_users_that_only_log_records_name(stack: Stack, sent: list[Capture], order: str) -> None:
    """ADK with content capture; also on the spans that no log record is about."""
    named = [capture for capture in sent if capture.combo == "adk-native_content"]
    assert named
    for capture in named:
        traces = ids(traces_of(capture, order))
        users = stack.sql(f"SELECT DISTINCT user_id FROM spans WHERE trace_id IN ({traces})")
        assert users == [[capture.expected["user_id"]]], capture.name
        users = stack.sql(f"SELECT DISTINCT user_id FROM traces WHERE trace_id IN ({traces})")
        assert users == [[capture.expected["user_id"]]], capture.name


def texts(message: dict[str, Any]) -> str:
    return " ".join(part.get("text", "") for part in message["parts"])


@pytest.mark.parametrize("order", ORDERS[:3])
def test_messages_that_are_only_in_log_records(stack: Stack, sent: list[Capture], order: str) -> None:
    found = [capture for capture in sent if capture.combo == "openai_sdk-otel_v2_events"]
    assert found
    for capture in found:
        calls = stack.sql(
            "SELECT trace_id, span_id, response_id, finish_reason, input, output FROM llm_calls"
            " JOIN span_payloads USING (project, trace_id, span_id)"
            f" WHERE trace_id IN ({ids(traces_of(capture, order))}) ORDER BY start_time"
        )
        truth = {call["response_id"]: call for call in capture.manifest["llm_calls"]}
        assert sorted(call[2] for call in calls) == sorted(truth)
        for trace_id, span_id, response_id, finish_reason, got, gave in calls:
            span = stack.api(f"traces/{trace_id}/spans/{span_id}/")
            true = truth[response_id]
            assert (span["input"], span["output"], finish_reason) == (got, gave, true["finish"])
            assert span["messages"]["input"][0]["role"] == "system"
            assert any(message["role"] == "user" for message in span["messages"]["input"])
            parts = [part for message in span["messages"]["output"] for part in message["parts"]]
            asked = [(part["id"], part["name"], part["arguments"]) for part in parts if part["type"] == "tool_call"]
            assert asked == [(call["id"], call["name"], call["args"]) for call in true.get("tool_calls", [])]
            assert [event["origin"] for event in span["events"]] == ["log"]
        turn = capture.expected["turns"][0]
        users = [texts(message) for message in span["messages"]["input"] if message["role"] == "user"]
        if len(capture.expected["agents"]) == 1:
            assert turn["user_text"] in users
        assert turn["final_output"] in [texts(message) for message in span["messages"]["output"]]


def test_messages_that_come_twice_are_shown_once(stack: Stack, sent: list[Capture]) -> None:
    capture = next(capture for capture in sent if capture.combo == "openai_sdk-otel_v2_latest")
    for order in ("after", "never"):
        seen = []
        for trace_id, span_id in stack.sql(
            f"SELECT trace_id, span_id FROM llm_calls WHERE trace_id IN ({ids(traces_of(capture, order))})"
            " ORDER BY start_time"
        ):
            span = stack.api(f"traces/{trace_id}/spans/{span_id}/")
            assert span["events"] == []
            seen.append((span["messages"], span["input"], span["output"]))
        if order == "after":
            first = seen
    assert seen == first
    assert seen


def test_every_record_is_stored_once(stack: Stack, sent: list[Capture]) -> None:
    def records(body: bytes) -> int:
        message = ExportLogsServiceRequest.FromString(body)
        return sum(len(sl.log_records) for rl in message.resource_logs for sl in rl.scope_logs)

    expected = sum(records(body) for capture in sent for body in capture.log_bodies())
    for capture in sent[::3]:
        for transport in ("grpc", "http/json"):
            send_capture(stack, capture, "after", transport, spans=False, logs=True)
    stack.wait_settled(60)
    for order in ORDERS[:3]:
        traces = ids([trace_id for capture in sent for trace_id in traces_of(capture, order)])
        assert stack.sql(f"SELECT count() FROM otel_logs WHERE TraceId IN ({traces})") == [[expected]]


def test_evaluations_are_shown_with_their_span(stack: Stack, sent: list[Capture]) -> None:
    capture = sent[0]
    (call,) = stack.sql(
        f"SELECT trace_id, span_id FROM llm_calls WHERE trace_id IN ({ids(traces_of(capture, 'never'))}) LIMIT 1"
    )
    message = ExportLogsServiceRequest()
    record = message.resource_logs.add().scope_logs.add().log_records.add(
        time_unix_nano=1_790_000_000 * 10**9, event_name="gen_ai.evaluation.result",
        trace_id=bytes.fromhex(call[0]), span_id=bytes.fromhex(call[1]),
    )  # fmt: skip
    record.attributes.add(key="gen_ai.evaluation.name").value.string_value = "relevance"
    record.attributes.add(key="gen_ai.evaluation.score.value").value.double_value = 0.75
    record.attributes.add(key="gen_ai.evaluation.score.label").value.string_value = "good"
    assert send_logs(stack, message.SerializeToString(), "http/protobuf") == b""
    (found,) = stack.api(f"traces/{call[0]}/spans/{call[1]}/")["evaluations"]
    assert (found["name"], found["score"], found["label"], found["explanation"]) == ("relevance", 0.75, "good", "")
