"""Retry storms, cascades, and errors that only the result tells."""

from __future__ import annotations

import pytest

from tests.detectors.runs import Run, found
from tracestore.detectors.hidden_errors import hidden_error

TIMEOUT = "TimeoutError: upstream timed out after 30.0s"
PAY = {"order": "ORD-1", "amount": 79.9}


def test_a_storm_is_told_once_with_the_attempt_that_worked_and_is_no_loop() -> None:
    run = Run()
    spans = [run.step("pay", PAY, TIMEOUT) for _ in range(5)]
    spans.append(run.step("pay", PAY, "accepted"))
    (storm,) = found("retry_storm", run.trajectory())
    assert storm.span_ids == tuple(span.span_id for span in spans)
    assert storm.look_first == spans[0].span_id
    assert storm.severity == "critical"
    assert storm.cause == "system"
    assert storm.wasted_tokens == 500
    assert storm.evidence["failed"] == 5
    assert found("loop", run.trajectory()) == []
    early = found("retry_storm", run.trajectory(8))[0]
    assert early.identity("p") == storm.identity("p")


def test_three_failures_and_giving_up_is_right() -> None:
    run = Run()
    for spelled in ("BK-22", "bk-22", "BK-22 "):
        run.step("get", {"id": spelled}, "record not found", status="error", error_type="ValueError")
    run.says("Sorry, I could not find the record.")
    assert found("retry_storm", run.trajectory()) == []
    assert found("loop", run.trajectory()) == []


def test_failures_of_other_arguments_count_and_a_success_between_ends_them() -> None:
    run = Run()
    for i in range(6):
        run.step("get", {"id": i}, TIMEOUT if i != 2 else "fine")
    assert found("retry_storm", run.trajectory()) == []
    run.step("get", {"id": 7}, TIMEOUT)
    assert len(found("retry_storm", run.trajectory())) == 1


def test_the_same_call_mostly_failing() -> None:
    run = Run()
    for i in range(7):
        run.step("get", PAY, "fine" if i == 3 else TIMEOUT)
    (storm,) = found("retry_storm", run.trajectory())
    assert storm.evidence["failed"] >= 4


def test_attempts_of_a_provider() -> None:
    run = Run()
    for _ in range(4):
        run._add(type="llm", name="chat", input="hello", status="error", error_type="429", model="m")
    run.says("hello to you", asked="hello")
    (storm,) = found("retry_storm", run.trajectory())
    assert storm.cause == "system"
    assert storm.evidence["provider"] is True


def test_back_off_makes_it_milder() -> None:
    run = Run()
    start = 0
    for i in range(5):
        start += 2**i * 1_000_000_000
        run.tool("pay", PAY, TIMEOUT, start_ns=start, end_ns=start + 1)
    assert found("retry_storm", run.trajectory())[0].severity == "warning"


def test_a_cascade_needs_several_tools_at_the_end() -> None:
    run = Run()
    run.step("a", {"x": 1}, "fine")
    run.step("a", {"x": 2}, TIMEOUT)
    run.step("b", {"x": 3}, "Error: no record")
    assert found("error_cascade", run.trajectory()) == []
    run.step("c", {"x": 4}, '{"error": "no record"}')
    (cascade,) = found("error_cascade", run.trajectory())
    assert cascade.severity == "critical"
    assert cascade.evidence["tools"] == ["a", "b", "c"]
    assert found("error_cascade", run.trajectory(complete=False))[0].severity == "warning"
    run.step("a", {"x": 5}, "fine")
    assert found("error_cascade", run.trajectory()) == []


@pytest.mark.parametrize(
    ("kind", "result"),
    [
        ("text", "Error: user not found"),
        ("text", "Error executing tool lookup: boom"),
        ("text", "[Error] timed out"),
        ("text", '[{"type": "text", "text": "Error executing tool lookup: boom"}]'),
        ("text", "Output: unknown language rust"),
        ("exception", "Traceback (most recent call last):\n  File \"x\", line 1\nKeyError: 'a'"),
        ("exception", "started\n" + "line\n" * 50 + "ValueError: bad value"),
        ("exception", "java.io.IOException: no route"),
        ("json", '{"isError": true, "content": [{"type": "text", "text": "boom"}]}'),
        ("json", '{"status": 503, "body": ""}'),
        ("json", '{"success": false}'),
        ("json", "{'error': 'no such user'}"),
        ("exit code", "exit code: 1\n"),
        ("exit code", "Process exited with code 2"),
        ("shell", "bash: line 1: ffmpeg: command not found"),
    ],
)
def test_errors_in_results(kind: str, result: str) -> None:
    assert hidden_error(result) == kind


@pytest.mark.parametrize(
    "result",
    [
        "",
        "Error handling in Python: use try and except.",
        "No errors found in 12 files",
        "Errors: 0, warnings: 3",
        '{"error": null, "data": [1]}',
        '{"errors": [], "status": 200}',
        '{"status": "open", "amount": 404}',
        '[{"id": 1, "text": "How to fix a ValueError: invalid literal"}]',
        "The error rate rose to 5 %.",
        "exit code: 0\nall done",
        "Code output: Error: cannot open the file\n",
        "How to read it\n" * 5 + "ValueError: shown in an article\n" + "and what follows\n" * 10,
    ],
)
def test_talk_of_errors_is_none(result: str) -> None:
    assert hidden_error(result) == ""
