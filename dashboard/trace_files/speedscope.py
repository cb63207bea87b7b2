"""A trace as speedscope's JSON (https://www.speedscope.app/file-format-schema.json), evented profiles.

One profile for each lane: an evented profile is one stack, and work that ran at the same time has several.
Times are microseconds from the trace's first start, with nanoseconds as decimals.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from tracestore.analysis.lanes import lanes
from tracestore.analysis.tree import Tree, build
from tracestore.clickhouse.trace_parts import Outline


def pieces(trace_id: str, spans: Sequence[Outline]) -> Iterator[bytes]:
    """The file, one profile at a time; frames come last, when all are known."""
    tree = build(spans)
    of = lanes(spans, tree)
    first = min(span.start_ns for span in spans)
    frames: dict[str, int] = {}
    nodes: list[list[int]] = [[] for _ in range(max(of) + 1)]
    for node, lane in enumerate(of):
        nodes[lane].append(node)
    yield b'{"$schema":"https://www.speedscope.app/file-format-schema.json","exporter":"tracestore",'
    yield f'"name":{json.dumps(trace_id)},"activeProfileIndex":0,"profiles":['.encode()
    for lane, members in enumerate(nodes):
        members.sort(key=lambda node: (spans[tree.order[node]].start_ns, node))
        events: list[dict[str, Any]] = []
        running: list[tuple[int, int]] = []
        for node in members:
            span = spans[tree.order[node]]
            while running and has_ended(running[-1], node, span, tree):
                close(events, running, spans, tree.order, frames, first)
            events.append({"type": "O", "frame": frame(frames, span), "at": (span.start_ns - first) / 1000})
            running.append((max(span.end_ns, span.start_ns), node))
        while running:
            close(events, running, spans, tree.order, frames, first)
        profile = {
            "type": "evented",
            "name": spans[tree.order[members[0]]].name if lane == 0 else f"parallel {lane}",
            "unit": "microseconds",
            "startValue": 0,
            "endValue": events[-1]["at"],
            "events": events,
        }
        yield (b"," if lane else b"") + json.dumps(profile, separators=(",", ":")).encode()
    yield b'],"shared":{"frames":' + json.dumps([{"name": name} for name in frames]).encode() + b"}}"


def has_ended(top: tuple[int, int], node: int, span: Outline, tree: Tree) -> bool:
    """Whether what is on top is over when a span begins; one without length may lie at its parent's very end."""
    end, above = top
    return end <= span.start_ns and not (tree.parent[node] == above and span.end_ns <= end)


def close(
    events: list[dict[str, Any]],
    running: list[tuple[int, int]],
    spans: Sequence[Outline],
    order: Sequence[int],
    frames: dict[str, int],
    first: int,
) -> None:
    end, node = running.pop()
    events.append({"type": "C", "frame": frame(frames, spans[order[node]]), "at": (end - first) / 1000})


def frame(frames: dict[str, int], span: Outline) -> int:
    """A frame is what is added up: the span's name, with the model where the name does not tell it."""
    name = f"{span.name} {span.model}" if span.model and span.model not in span.name else span.name
    return frames.setdefault(name or "(no name)", len(frames))
