"""A real OpenTelemetry SDK, as an application uses it, and the page a person then opens."""

from __future__ import annotations

import contextlib
import json
import urllib.error
import urllib.request
from collections.abc import Callable
from http.cookiejar import CookieJar

import pytest
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http import Compression as HttpCompression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter

from tests.e2e.stack import ADMIN_PASSWORD, API_KEY, Stack


def grpc_exporter(stack: Stack) -> SpanExporter:
    return GrpcExporter(f"http://{stack.otlp_grpc}", insecure=True, headers=(("authorization", f"Bearer {API_KEY}"),))


def http_exporter(stack: Stack) -> SpanExporter:
    return HttpExporter(
        f"{stack.otlp_http}/v1/traces", headers={"x-api-key": API_KEY}, compression=HttpCompression.Gzip
    )


def run_agent(exporter: SpanExporter, service: str) -> str:
    """An agent, its model call and a failing tool, traced by hand; returns the trace id."""
    provider = TracerProvider(resource=Resource.create({"service.name": service}))
    provider.add_span_processor(BatchSpanProcessor(exporter))
    tracer = provider.get_tracer("app", "1.0")
    with tracer.start_as_current_span("invoke_agent helper") as agent:
        agent.set_attributes({"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "helper"})
        agent.set_attribute("gen_ai.conversation.id", f"conversation of {service}")
        with tracer.start_as_current_span("chat gpt-4o-mini") as llm:
            llm.set_attributes(
                {
                    "gen_ai.operation.name": "chat",
                    "gen_ai.provider.name": "openai",
                    "gen_ai.request.model": "gpt-4o-mini",
                    "gen_ai.usage.input_tokens": 1000,
                    "gen_ai.usage.output_tokens": 100,
                    "gen_ai.input.messages": json.dumps(
                        [{"role": "user", "parts": [{"type": "text", "content": "Where is my parcel?"}]}]
                    ),
                }
            )
        attributes = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "track"}
        with (
            contextlib.suppress(TimeoutError),
            tracer.start_as_current_span("execute_tool track", attributes=attributes),
        ):
            raise TimeoutError("the carrier does not answer")
    provider.force_flush()
    provider.shutdown()
    return f"{agent.get_span_context().trace_id:032x}"


@pytest.mark.parametrize("exporter", [grpc_exporter, http_exporter])
def test_a_run_is_there_when_the_exporter_has_flushed(stack: Stack, exporter: Callable[[Stack], SpanExporter]) -> None:
    service = exporter.__name__
    trace_id = run_agent(exporter(stack), service)
    trace = stack.api(f"traces/{trace_id}/")
    assert (trace["agent"], trace["service"], trace["status"]) == ("helper", service, "ok")
    assert (trace["llm_calls"], trace["tool_calls"], trace["errors"], trace["input_tokens"]) == (1, 1, 1, 1000)
    assert trace["cost_usd"] == pytest.approx(1000 * 0.15e-6 + 100 * 0.6e-6)
    assert {span["session_id"] for span in trace["spans"]} == {f"conversation of {service}"}
    (tool,) = (span for span in trace["spans"] if span["type"] == "tool")
    assert (tool["tool_name"], tool["agent"], tool["error_type"]) == ("track", "helper", "TimeoutError")
    listed = stack.api("traces/", q="parcel")["results"]
    assert trace_id in {one["trace_id"] for one in listed}


def test_a_wrong_key_is_refused(stack: Stack) -> None:
    request = urllib.request.Request(f"{stack.otlp_http}/v1/traces", data=b"", headers={"x-api-key": "wrong"})
    request.add_header("content-type", "application/x-protobuf")
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=10)
    assert caught.value.code == 401


def test_freshness_without_waiting_for_the_worker(stack: Stack) -> None:
    """The list shows a trace as soon as it is acknowledged, settled or not."""
    trace_id = run_agent(grpc_exporter(stack), "fresh")
    assert stack.api("traces/", limit=5)["results"][0]["trace_id"] == trace_id
    stack.wait_settled()
    assert stack.api("traces/", limit=5)["results"][0]["trace_id"] == trace_id


def test_the_read_only_user_can_only_read(stack: Stack) -> None:
    for statement in (
        "INSERT INTO spans (trace_id) VALUES ('x')",
        "DROP TABLE stored_spans",
        "SELECT * FROM file('/etc/passwd')",
        "SELECT * FROM stored_spans",
        "SELECT file('/etc/passwd')",
        "SELECT 1 INTO OUTFILE '/tmp/tracestore-test'",
    ):
        with pytest.raises(AssertionError, match="DB::Exception"):
            stack.sql(statement)


def test_a_person_logs_in_and_sees_the_trace(stack: Stack) -> None:
    trace_id = run_agent(grpc_exporter(stack), "page")
    jar = CookieJar()
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    opener.open(f"{stack.web}/login/", timeout=10).read()
    token = next(cookie.value for cookie in jar if cookie.name == "csrftoken")
    form = urllib.parse.urlencode({"username": "admin", "password": ADMIN_PASSWORD, "csrfmiddlewaretoken": token})
    opener.open(urllib.request.Request(f"{stack.web}/login/", form.encode()), timeout=10).read()
    page = opener.open(f"{stack.web}/traces/{trace_id}/", timeout=10).read().decode()
    assert 'role="treegrid"' in page
    assert page.count('role="row"') >= 3
    assert "execute_tool track" in page


def test_every_span_is_in_the_ledger(stack: Stack) -> None:
    before = stack.ledger()
    run_agent(grpc_exporter(stack), "ledger")
    stack.assert_balanced()
    after = stack.ledger()
    assert {outcome: after[outcome] - before[outcome] for outcome in after} == {
        "received": 3, "stored": 3, "deduplicated": 0, "rejected": 0, "refused": 0,
    }  # fmt: skip
