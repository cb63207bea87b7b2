"""Captures of real frameworks: injections and full contexts are found while a run goes on, and nothing else is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.detectors.runs import found
from tests.spans.corpus import captures, read_manifest, resolved
from tracestore.analysis.trajectory import Trajectory, from_spans

QUIET = ("runaway_run", "stalled_run", "truncated_output", "empty_retrieval")


@pytest.mark.parametrize("capture", captures(), ids=lambda path: path.name)
def test_a_capture(capture: Path) -> None:
    facts = read_manifest(capture)["expected"]["scenario_facts"]
    spans = resolved(capture)
    whole = [from_spans("p", spans, trace_id) for trace_id in sorted({span.record.trace_id for span in spans})]
    for trajectory in whole:
        for detector in QUIET:
            assert found(detector, trajectory) == []
    injections = [finding for trajectory in whole for finding in found("prompt_injection", trajectory)]
    assert {finding.severity for finding in injections} == ({"critical"} if facts.get("prompt_injection") else set())
    if injections:
        assert facts["exfil_recipient"] in injections[0].evidence["followed"]
    full = [finding for trajectory in whole for finding in found("context_growth", trajectory)]
    too_much = facts.get("cost_spike") or "context length" in facts.get("error_contains", "")
    assert len(full) == (1 if too_much else 0)
    if not (injections or full):
        return
    (spotted,) = {finding.trace_id for finding in (*injections, *full)}
    assert_told_early(next(one for one in whole if one.trace_id == spotted))


def assert_told_early(trajectory: Trajectory) -> None:
    """Of a growing part of the run the same is said, from the span on that shows it."""
    for detector in ("prompt_injection", "context_growth"):
        at_last = {finding.identity("p") for finding in found(detector, trajectory)}
        before: set[str] = set()
        for upto in range(1, len(trajectory.spans) + 1):
            part = Trajectory("p", trajectory.trace_id, trajectory.spans[:upto], complete=False)
            now = {finding.identity("p") for finding in found(detector, part)}
            assert before <= now <= at_last
            before = now
        assert before == at_last
