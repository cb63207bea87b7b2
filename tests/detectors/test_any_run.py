"""What must hold of every run, however odd."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.detectors.runs import Run, found
from tracestore.analysis.trajectory import Requested, TraceSpan, Trajectory
from tracestore.detectors.loop_turns import suspicion

IDS = ("loop", "retry_storm", "error_cascade")
texts = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        [
            "",
            "{}",
            "[]",
            "null",
            '{"a": 1}',
            '{"a": [1, {"b": "c d"}]}',
            '"x"',
            "Error: x",
            "ok",
            "a b c",
            "a b c please",
        ]
    ),
    st.recursive(st.text(max_size=3), lambda inner: st.lists(inner, max_size=3)).map(repr),
)
spans = st.builds(
    TraceSpan,
    trace_id=st.sampled_from(["t1", "t2"]),
    span_id=st.integers(0, 60).map(str),
    parent_span_id=st.one_of(st.just(""), st.integers(0, 60).map(str)),
    name=st.sampled_from(["n", "m"]),
    type=st.sampled_from(["tool", "llm", "agent", "retrieval", "other"]),
    start_ns=st.integers(0, 50),
    end_ns=st.integers(0, 60),
    status=st.sampled_from(["unset", "ok", "error"]),
    agent=st.sampled_from(["", "a", "b"]),
    tool_name=st.sampled_from(["", "x", "y", "transfer_to_b"]),
    tool_call_id=st.sampled_from(["", "1", "2"]),
    cost_usd=st.one_of(st.none(), st.floats(0, 1)),
    input=texts,
    output=texts,
    requested=st.lists(
        st.builds(Requested, st.sampled_from(["", "1", "9"]), st.sampled_from(["x", "z"]), texts), max_size=2
    ).map(tuple),
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(spans, max_size=40), st.booleans())
def test_nothing_is_raised_and_what_is_named_exists(listed: list[TraceSpan], whole: bool) -> None:
    ordered = tuple(sorted(listed, key=lambda span: span.start_ns))
    trajectory = Trajectory("p", ordered[-1].trace_id if ordered else "", ordered, whole_session=whole)
    there = {span.span_id for span in ordered}
    for detector in IDS:
        findings = found(detector, trajectory)
        assert findings == found(detector, trajectory)
        assert len({finding.identity("p") for finding in findings}) == len(findings)
        for finding in findings:
            assert finding.span_ids
            assert {*finding.span_ids, finding.look_first} <= there
            assert finding.first_seen_ns <= finding.last_seen_ns
    assert all(0 <= score <= 1 for score in suspicion(trajectory).values())


steps = st.tuples(
    st.sampled_from("xyz"),
    st.sampled_from(["a b c", "a b c please", "d e f", "g"]),
    st.sampled_from(["one", "two", "Error: x", "[]"]),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(steps, max_size=25))
def test_an_alarm_stays_an_alarm_while_the_run_goes_on(done: list[tuple[str, str, str]]) -> None:
    run = Run()
    for tool, query, result in done:
        run.step(tool, {"q": query}, result)
    alarmed: set[str] = set()
    named: dict[str, set[str]] = {}
    for end in range(len(run.spans) + 1):
        now = {finding.identity("p"): finding for finding in found("loop", run.trajectory(end, complete=False))}
        assert named.keys() <= now.keys()
        for identity, finding in now.items():
            assert named.get(identity, set()) <= set(finding.span_ids)
            named[identity] = set(finding.span_ids)
        assert alarmed <= {identity for identity, finding in now.items() if finding.severity == "critical"}
        alarmed = {identity for identity, finding in now.items() if finding.severity == "critical"}


@pytest.mark.parametrize("different", [1, 3, 10_000])
def test_long_runs_are_told_within_bounds(different: int) -> None:
    run = Run()
    for i in range(1_500):
        run.step("search", {"q": f"words number{i % different}"}, f"answer {i % different}")
    findings: list[Any] = found("loop", run.trajectory())
    assert bool(findings) == (different < 10)
    assert all(len(finding.span_ids) <= 500 for finding in findings)
