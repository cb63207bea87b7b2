"""Jaeger's API in the whole product: spans of a real SDK over OTLP, read as Jaeger UI and Grafana read them."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

import pytest

from tests.e2e.stack import API_KEY, Stack
from tests.e2e.test_sdk import http_exporter, run_agent


def ask(stack: Stack, path: str, key: str = API_KEY, **params: Any) -> Any:
    address = f"{stack.web}/jaeger/api/{path}?{urllib.parse.urlencode(params)}"
    request = urllib.request.Request(address, headers={"x-api-key": key})
    with urllib.request.urlopen(request, timeout=30) as response:
        return json.load(response)


def test_a_run_is_found_and_read(stack: Stack) -> None:
    trace_id = run_agent(http_exporter(stack), "jaeger")
    assert "jaeger" in ask(stack, "services")["data"]
    assert "execute_tool track" in ask(stack, "services/jaeger/operations")["data"]
    now = time.time_ns() // 1000
    # Before it is settled and after, by the tag that people look for first.
    for _ in range(2):
        found = ask(stack, "traces", service="jaeger", tags='{"error":"true"}', start=now - 600 * 10**6, end=now)[
            "data"
        ]
        assert [trace["traceID"] for trace in found] == [trace_id]
        (summary,) = ask(stack, "v3/trace-summaries", **{"query.serviceName": "jaeger"})["summaries"]
        assert (summary["traceId"], summary["orphanSpanCount"]) == (trace_id, 0)
        (trace,) = ask(stack, f"traces/{trace_id}")["data"]
        assert len(trace["spans"]) == summary["spanCount"] == len(stack.api(f"traces/{trace_id}/")["spans"])
        stack.wait_settled()
    (tool,) = (span for span in trace["spans"] if span["operationName"] == "execute_tool track")
    assert {"key": "error", "type": "bool", "value": True} in tool["tags"]
    assert tool["logs"][0]["fields"][0] == {"key": "event", "type": "string", "value": "exception"}
    parts = ask(stack, f"v3/traces/{trace_id}")["result"]["resourceSpans"]
    spans = [span for part in parts for scope in part["scopeSpans"] for span in scope["spans"]]
    assert {span["spanId"] for span in spans} == {span["spanID"] for span in trace["spans"]}
    with pytest.raises(urllib.error.HTTPError) as caught:
        ask(stack, "services", key="wrong")
    assert caught.value.code == 401
