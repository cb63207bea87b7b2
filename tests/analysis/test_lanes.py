"""Lanes: in each, spans nest or lie apart, and what nests does so under its ancestor."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from dashboard.trace_files import perfetto, speedscope
from tests.pages.fake_reader import span_row
from tracestore.analysis.lanes import lanes
from tracestore.analysis.tree import build
from tracestore.clickhouse.rows import SpanRow
from tracestore.clickhouse.trace_parts import Outline


@st.composite
def traces(draw: st.DrawFn) -> list[SpanRow]:
    made = []
    for number in range(draw(st.integers(1, 25))):
        parent = draw(st.integers(0, number))
        start, length = draw(st.integers(0, 40)), draw(st.integers(0, 20))
        over = f"{parent:016x}" if parent else ""
        made.append(span_row("a" * 32, f"{number + 1:016x}", over, f"s{number}", start_ns=start, end_ns=start + length))
    return made


@given(traces())
def test_spans_of_a_lane_nest_under_their_ancestors(spans: list[SpanRow]) -> None:
    tree = build(spans)
    lane = lanes(spans, tree)
    assert set(lane) == set(range(max(lane) + 1))
    for a in range(len(tree)):
        for b in range(len(tree)):
            one, other = spans[tree.order[a]], spans[tree.order[b]]
            overlap = one.start_ns <= other.start_ns < one.end_ns and other.end_ns > one.start_ns
            if a == b or lane[a] != lane[b] or not overlap:
                continue
            inside = one.end_ns >= other.end_ns and a < b < tree.end[a]
            same = (one.start_ns, one.end_ns) == (other.start_ns, other.end_ns) and b < a < tree.end[b]
            around = one.start_ns == other.start_ns and other.end_ns >= one.end_ns and b < a < tree.end[b]
            assert inside or same or around


def outlines(spans: list[SpanRow]) -> list[Outline]:
    return [
        Outline(s.span_id, s.parent_span_id, s.name, "tool", "ok", "", "", "", "", s.start_ns, s.end_ns, 0, 0, None, 0)
        for s in sorted(spans, key=lambda s: (s.start_ns, s.span_id))
    ]


@given(traces())
def test_speedscope_opens_and_closes_each_span_once_and_in_order(spans: list[SpanRow]) -> None:
    made = json.loads(b"".join(speedscope.pieces("a" * 32, outlines(spans))))
    opened = 0
    for profile in made["profiles"]:
        stack: list[int] = []
        at = 0.0
        for event in profile["events"]:
            assert event["at"] >= at
            at = event["at"]
            if event["type"] == "O":
                stack.append(event["frame"])
                opened += 1
            else:
                assert stack.pop() == event["frame"]
        assert stack == []
        assert profile["endValue"] == at
    assert opened == len(spans)


@given(traces())
def test_perfetto_has_each_span_once(spans: list[SpanRow]) -> None:
    made = json.loads(b"".join(perfetto.pieces("a" * 32, outlines(spans))))
    found = [event["args"]["span_id"] for event in made["traceEvents"] if event["ph"] == "X"]
    assert sorted(found) == sorted(span.span_id for span in spans)
