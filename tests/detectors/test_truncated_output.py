"""Answers that end at a limit."""

from __future__ import annotations

import pytest

from tests.detectors.runs import Run
from tracestore.analysis.trajectory import Requested
from tracestore.detectors.detector import Norms
from tracestore.detectors.finding import Finding
from tracestore.detectors.truncated_output import Settings, TruncatedOutput


def detect(run: Run, *, complete: bool = True) -> list[Finding]:
    return TruncatedOutput().detect(run.trajectory(complete=complete), Settings(), Norms())


@pytest.mark.parametrize(
    "reason", ["length", "max_tokens", "MAX_TOKENS", '["length"]', "finish_reason_max_tokens, max_tokens"]
)
def test_a_final_answer_that_was_cut_off_is_told_at_once(reason: str) -> None:
    run = Run()
    run.says("Part one")
    run.says("The refund will", finish_reason=reason)
    (finding,) = detect(run)
    assert finding.evidence["kind"] == "final answer"
    assert finding.span_ids == (run.spans[-1].span_id,)
    assert finding.wasted_tokens == 100
    assert detect(run, complete=False) == []


def test_a_tool_call_with_broken_arguments_is_told_while_the_run_goes_on() -> None:
    run = Run()
    run._add(type="llm", name="chat", finish_reason="length", requested=(Requested("1", "write", '{"text": "abc'),))
    (finding,) = detect(run, complete=False)
    assert finding.evidence["kind"] == "tool call"


def test_an_answer_on_the_way_is_told_from_the_second_on() -> None:
    run = Run()
    run.says("one", finish_reason="length")
    run.says("two")
    assert detect(run) == []
    run.says("three", finish_reason="length")
    run.says("four")
    (finding,) = detect(run)
    assert finding.evidence["count"] == 2
    assert finding.wasted_tokens == 0


def test_ordinary_ends_and_probes_are_not() -> None:
    run = Run()
    run.says("yes", finish_reason="length", attributes={"gen_ai.request.max_tokens": 1})
    run.says("done", finish_reason="stop")
    run.says("", finish_reason="tool_calls")
    assert detect(run) == []
