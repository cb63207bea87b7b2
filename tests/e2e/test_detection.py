"""A run that loops is found and told to halt while it goes on, through the whole of Tracestore."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Callable
from typing import Any

from tests.e2e.stack import API_KEY, Stack
from tests.e2e.test_arrival import SECOND, Run, body
from tests.e2e.test_front_door import send_grpc

#: Far longer than it takes; how long it does take, benchmarks/detection.py measures.
LIMIT_SECONDS = 40


def until(found: Callable[[], Any]) -> Any:
    end = time.monotonic() + LIMIT_SECONDS
    while time.monotonic() < end:
        if answer := found():
            return answer
        time.sleep(0.2)
    raise AssertionError(f"not within {LIMIT_SECONDS} s")


def post(stack: Stack, path: str) -> Any:
    request = urllib.request.Request(f"{stack.web}/api/v1/{path}", data=b"{}", method="POST")
    request.add_header("authorization", f"Bearer {API_KEY}")
    request.add_header("content-type", "application/json")
    with urllib.request.urlopen(request, timeout=30) as response:
        return json.load(response)


def test_a_loop_halts_the_run_that_goes_on(stack: Stack) -> None:
    run = Run("a loop that goes on")
    trace_id = run.trace_id.hex()
    for span in run.spans[2::2]:
        span.attributes.add(key="gen_ai.tool.call.arguments").value.string_value = '{"query": "weather in Rome"}'
        span.attributes.add(key="gen_ai.tool.call.result").value.string_value = "no results"
    # In pieces, as a batch exporter sends them: a call of the model and of the tool each; the root is still open.
    for turn in range(2):
        assert send_grpc(stack, body(*run.spans[1 + 2 * turn : 3 + 2 * turn])) == b""
    assert stack.api("verdict/", trace_id=trace_id)["verdict"] == "continue"
    for turn in range(2, 5):
        assert send_grpc(stack, body(*run.spans[1 + 2 * turn : 3 + 2 * turn])) == b""
    halted = until(lambda: (v := stack.api("verdict/", trace_id=trace_id))["verdict"] == "halt" and v)
    assert halted["steps"] >= 3
    assert any(reason.startswith("loop:") for reason in halted["reasons"])
    found = stack.api("findings/", trace_id=trace_id, detector="loop")["results"]
    assert [one["severity"] for one in found] == ["critical"]
    assert set(found[0]["span_ids"]) <= {span.span_id.hex() for span in run.spans}
    ((rows,),) = stack.sql(f"SELECT count() FROM findings WHERE trace_id = '{trace_id}' AND detector = 'loop'")
    assert int(rows) == 1

    # Whoever knows better says so: the run may go on.
    assert post(stack, f"findings/{found[0]['id']}/dismiss/")["dismissed"] is True
    until(lambda: stack.api("verdict/", trace_id=trace_id)["verdict"] != "halt")
    assert post(stack, f"findings/{found[0]['id']}/undo/")["dismissed"] is False
    until(lambda: stack.api("verdict/", trace_id=trace_id)["verdict"] == "halt")
    shown = stack.api("detectors/loop/")
    assert shown["counts"]["critical"] >= 1
    assert shown["runs"]["failures"] == 0


def test_health_follows(stack: Stack) -> None:
    """Each minute the state of every agent is worked out."""
    now = time.time_ns()
    run = Run("an agent whose health is worked out")
    for span in run.spans:
        span.start_time_unix_nano = now - 30 * SECOND
        span.end_time_unix_nano = now - 29 * SECOND
    assert send_grpc(stack, body(*run.spans)) == b""
    end = time.monotonic() + 120
    while time.monotonic() < end:
        states = {one["agent"] for one in stack.api("health/")["results"]}
        if "planner" in states:
            break
        time.sleep(1)
    shown = stack.api("health/planner/")
    assert shown["state"] in ("unknown", "healthy", "suspect", "degraded", "critical")
    assert shown["over_time"]
