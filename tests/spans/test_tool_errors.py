"""HTTP requests below a tool: attached, not counted, and telling why it failed where that is certain."""

from __future__ import annotations

import pytest
from records import record

from tracestore.spans.model import Span, Value
from tracestore.spans.normalise import normalise
from tracestore.spans.resolve import resolve


def run(error_type: str, *statuses: int, status: str = "error") -> list[Span]:
    tool: dict[str, Value] = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "sandbox"}
    if error_type:
        tool["error.type"] = error_type
    spans = [
        record("invoke_agent a", {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "a"}, span_id="run"),
        record("execute_tool sandbox", tool, span_id="tool", parent="run", status=status),
    ]
    for number, code in enumerate(statuses):
        request: dict[str, Value] = {"http.request.method": "POST", "http.response.status_code": code}
        failed = "error" if code >= 400 else "unset"
        spans.append(record("POST", request, span_id=f"h{number}", parent="tool", kind="client", status=failed))
    made = [normalise(found) for found in reversed(spans)]
    resolve(made)
    return list(reversed(made))


@pytest.mark.parametrize(
    ("own", "statuses", "expected"),
    [
        ("", (503,), "503"),
        ("", (503, 503), "503"),
        ("", (503, 200), "503"),
        # Which of them was it?
        ("", (503, 404), "_OTHER"),
        ("", (200,), "_OTHER"),
        ("", (), "_OTHER"),
        # The tool knows better.
        ("SandboxTimeout", (503,), "SandboxTimeout"),
    ],
)
def test_why_a_tool_failed(own: str, statuses: tuple[int, ...], expected: str) -> None:
    assert run(own, *statuses)[1].error_type == expected


def test_a_tool_that_did_not_fail_has_no_error() -> None:
    assert run("", 503, status="unset")[1].error_type == ""


def test_requests_stay_attached_and_are_not_counted() -> None:
    _, tool, *requests = run("", 503, 200)
    assert [found.type for found in (tool, *requests)] == ["tool", "other", "other"]
    assert {found.agent for found in requests} == {"a"}
    assert {found.record.parent_span_id for found in requests} == {"tool"}
    assert all(found.input_tokens == 0 and found.tool_name == "" for found in requests)
