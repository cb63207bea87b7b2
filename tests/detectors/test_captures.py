"""Loops and storms in captures of real frameworks: each found, by its spans, and nothing else alarmed about."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.detectors.runs import found
from tests.spans.corpus import captures, read_manifest, resolved
from tracestore.analysis.trajectory import from_spans

#: Neither arguments nor results nor errors are sent without content capture.
UNSEEN = "adk-native."


@pytest.mark.parametrize("capture", captures(), ids=lambda path: path.name)
def test_a_capture(capture: Path) -> None:
    manifest = read_manifest(capture)
    expected = manifest["expected"]
    loop = expected["loop"]
    trajectory = from_spans("p", resolved(capture))
    loops, storms = found("loop", trajectory), found("retry_storm", trajectory)
    assert found("error_cascade", trajectory) == []
    if capture.name.startswith(UNSEEN):
        assert (loops, storms) == ([], [])
        return
    executions = [s.span_id for s in trajectory.spans if s.type == "tool" and s.tool_name in expected["tool_names"]]
    named = {executions[place - 1] for place in loop.get("tool_exec_ordinals", [])}
    said = loops if loop["is_loop"] else storms
    assert [set(finding.span_ids) for finding in said] == ([named] if named else [])
    assert bool(loops) == loop["is_loop"]
    assert bool(storms) == bool(loop.get("retry_storm"))
    if named and loop["is_loop"]:
        assert loops[0].look_first in named
        assert loops[0].wasted_tokens > 0 or "autogen-native" in capture.name
