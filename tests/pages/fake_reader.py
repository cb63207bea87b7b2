"""A store in memory with the interface of `TraceReader`, and traces to put into it."""

from __future__ import annotations

import random
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from tracestore.clickhouse.orders import NEWEST, Order
from tracestore.clickhouse.reader import TraceReader
from tracestore.clickhouse.rows import (
    EventRow,
    Page,
    SpanDetail,
    SpanRow,
    TimelineSpan,
    TraceFilter,
    TraceFinding,
    TraceSummary,
)
from tracestore.clickhouse.trace_counts import Volume, bucket_width
from tracestore.errors import InvalidInput, NotFound, Unavailable
from tracestore.search.tree import And, Identifier, Match, Node, Not, Or, Pattern, Text

MS = 1_000_000
EPOCH = 1_790_000_000_000_000_000


def zeros(of: type) -> dict[str, Any]:
    empty = {"str": "", "int": 0, "float | None": None, "list[str]": []}
    return {f.name: empty[str(f.type)] for f in fields(of)}


def span_row(trace_id: str, span_id: str, parent: str = "", name: str = "step", **more: Any) -> SpanRow:
    values = zeros(SpanRow) | {
        "trace_id": trace_id,
        "span_id": span_id,
        "parent_span_id": parent,
        "name": name,
        "kind": "internal",
        "type": "other",
        "status": "unset",
        "service": "shop-agents",
        "start_ns": EPOCH,
        "end_ns": EPOCH + MS,
    }
    row = SpanRow(**(values | more))
    row.duration_ns = max(row.end_ns - row.start_ns, 0)
    return row


def detail(row: SpanRow, **more: Any) -> SpanDetail:
    values: dict[str, Any] = {
        "attributes": {"gen_ai.operation.name": row.operation or "chat", "retry": 2, "temperature": 0.2},
        "resource_attributes": {"service.name": row.service, "host.name": "worker-1"},
        "events": [],
        "links": [],
        "input": "",
        "output": "",
    }
    return SpanDetail(row=row, **(values | more))


def summary(spans: list[SpanRow], **more: Any) -> TraceSummary:
    root = min(spans, key=lambda s: (bool(s.parent_span_id), s.start_ns))
    calls = [s for s in spans if s.type == "llm"]
    costs = [s.cost_usd for s in spans if s.cost_usd is not None]
    values = zeros(TraceSummary) | {
        "trace_id": root.trace_id,
        "name": root.name,
        "agent": root.agent,
        "service": root.service,
        "session_id": root.session_id,
        "user_id": root.user_id,
        "start_ns": min(s.start_ns for s in spans),
        "end_ns": max(s.end_ns for s in spans),
        "span_count": len(spans),
        "llm_calls": len(calls),
        "tool_calls": sum(s.type == "tool" for s in spans),
        "errors": sum(s.status == "error" for s in spans),
        "input_tokens": sum(s.input_tokens for s in spans),
        "output_tokens": sum(s.output_tokens for s in spans),
        "cost_usd": sum(costs) if costs else None,
        "unpriced_calls": sum(s.cost_usd is None for s in calls),
        "incomplete": sum(s.incomplete for s in calls),
        "status": "error" if root.status == "error" else "ok",
        "input_preview": root.input_preview,
        "tools": sorted({s.tool_name for s in spans if s.tool_name}),
    }
    made = TraceSummary(**(values | more))
    made.duration_ns = made.end_ns - made.start_ns
    return made


def in_short(row: SpanRow) -> TimelineSpan:
    return TimelineSpan(*(getattr(row, field.name) for field in fields(TimelineSpan)))


class FakeReader(TraceReader):
    """Keeps one project's traces; any other project is empty. `down` makes it unavailable."""

    def __init__(self, project: str = "default") -> None:
        self.project = project
        self.traces: dict[str, TraceSummary] = {}
        self.rows: dict[str, list[SpanRow]] = {}
        self.details: dict[tuple[str, str], SpanDetail] = {}
        self.findings: dict[str, list[TraceFinding]] = {}
        self.down = False

    def add(self, spans: list[SpanRow], details: list[SpanDetail] | None = None, **more: Any) -> str:
        made = summary(spans, **more)
        self.traces[made.trace_id] = made
        self.rows[made.trace_id] = spans
        for found in details or []:
            self.details[made.trace_id, found.row.span_id] = found
        return made.trace_id

    def check(self) -> None:
        if self.down:
            raise Unavailable("The store does not answer. Try again in a moment.")

    def list_traces(
        self,
        project: str,
        wanted: TraceFilter,
        *,
        limit: int = 100,
        cursor: str | None = None,
        order: Order = NEWEST,
    ) -> Page[TraceSummary]:
        self.check()
        if cursor is not None and not cursor.isdecimal():
            raise InvalidInput("cursor is not one of ours.", field="cursor")
        found = [t for t in self.traces.values() if project == self.project and matches(t, wanted)]
        found.sort(key=order.place, reverse=not order.up)
        begin = int(cursor or 0)
        following = str(begin + limit) if begin + limit < len(found) else None
        return Page(found[begin : begin + limit], following)

    def trace(self, project: str, trace_id: str) -> TraceSummary:
        self.check()
        if project != self.project or trace_id not in self.traces:
            raise NotFound("There is no such trace in this project.")
        return self.traces[trace_id]

    def spans(self, project: str, trace_id: str, *, limit: int = 100_000) -> list[SpanRow]:
        self.check()
        return self.rows.get(trace_id, [])[:limit] if project == self.project else []

    def timeline(self, project: str, trace_id: str, *, limit: int) -> list[TimelineSpan]:
        return [in_short(row) for row in self.spans(project, trace_id, limit=limit)]

    def version(self, project: str, trace_id: str) -> str:
        return str(len(self.rows.get(trace_id, [])))

    def trace_findings(self, project: str, trace_id: str) -> list[TraceFinding]:
        return self.findings.get(trace_id, [])

    def span(self, project: str, trace_id: str, span_id: str) -> SpanDetail:
        self.check()
        for row in self.rows.get(trace_id, []) if project == self.project else []:
            if row.span_id == span_id:
                return self.details.get((trace_id, span_id)) or detail(row)
        raise NotFound("There is no such span in this project.")

    def spans_by_id(self, project: str, trace_id: str, span_ids: Sequence[str]) -> dict[str, SpanDetail]:
        known = {row.span_id for row in self.rows.get(trace_id, [])} if project == self.project else set()
        return {one: self.span(project, trace_id, one) for one in span_ids if one in known}

    def volume(self, project: str, wanted: TraceFilter, buckets: int = 60) -> Volume:
        found = self.list_traces(project, wanted, limit=1_000_000).results
        if not found:
            return Volume(0, 1, [], [])
        first, last = min(t.start_ns for t in found), max(t.start_ns for t in found) + 1
        width = bucket_width(last - first, buckets)
        first -= first % width
        traces = [0] * (-(-(last - first) // width))
        errors = list(traces)
        for trace in found:
            traces[(trace.start_ns - first) // width] += 1
            errors[(trace.start_ns - first) // width] += trace.status == "error"
        return Volume(first, width, traces, errors)

    def facets(self, project: str, wanted: TraceFilter, limit: int = 8) -> dict[str, list[tuple[str, int]]]:
        found = self.list_traces(project, wanted, limit=1_000_000).results
        counts = {
            name: Counter(value for trace in found if (value := getattr(trace, name)))
            for name in ("status", "agent", "service")
        }
        counts["tool"] = Counter(tool for trace in found for tool in trace.tools)
        return {name: counter.most_common(limit) for name, counter in counts.items() if counter}

    def attribute_names(self, project: str, wanted: TraceFilter, space: str) -> list[str]:
        return ["gen_ai.operation.name", "retry"]

    def payload_digests(self, project: str, trace_id: str, span_ids: Sequence[str]) -> dict[str, tuple[int, int]]:
        found = self.spans_by_id(project, trace_id, span_ids)
        return {one: (zlib.crc32(span.input.encode()), zlib.crc32(span.output.encode())) for one, span in found.items()}

    def run_paths(self, project: str, traces: Sequence[TraceSummary], types: Sequence[str]) -> dict[str, list[str]]:
        return {
            one.trace_id: [
                f"{row.type}:{row.tool_name or row.agent or row.name}"
                for row in self.spans(project, one.trace_id)
                if row.type in types
            ]
            for one in traces
        }


def ns(moment: datetime) -> int:
    return int(moment.timestamp() * 1e6) * 1000


def matches(found: TraceSummary, wanted: TraceFilter) -> bool:
    exact = (
        (wanted.agent, found.agent),
        (wanted.service, found.service),
        (wanted.session_id, found.session_id),
        (wanted.user_id, found.user_id),
        (wanted.status, found.status),
    )
    return (
        all(asked in ("", has) for asked, has in exact)
        and (wanted.since is None or found.start_ns >= ns(wanted.since))
        and (wanted.until is None or found.start_ns < ns(wanted.until))
        and (wanted.search is None or holds(found, wanted.search))
    )


def holds(found: TraceSummary, node: Node) -> bool:
    """As much of the language as these tests say."""
    match node:
        case And(parts):
            return all(holds(found, part) for part in parts)
        case Or(parts):
            return any(holds(found, part) for part in parts)
        case Not(part):
            return not holds(found, part)
        case Text(text) | Identifier(text):
            return text.casefold() in f"{found.name} {found.trace_id} {found.input_preview}".casefold()
        case Match(field, "=", Pattern((text,))):
            values = found.tools if field.name == "tool" else [getattr(found, field.name)]
            return text in values
        case Match(field, ">", Decimal() as value):
            return bool((getattr(found, f"{field.name}_usd") or 0) > value)
    raise AssertionError(node)


def synthetic_trace(count: int, seed: int = 1, trace_id: str = "") -> list[SpanRow]:
    """A believable big run: an agent, steps, model calls, tools, a few errors."""
    dice = random.Random(seed)
    trace_id = trace_id or f"{dice.getrandbits(128):032x}"
    made = [span_row(trace_id, f"{1:016x}", name="research agent run", type="agent", agent="researcher")]
    parents = [made[0]]
    clock = EPOCH
    while len(made) < count:
        number = len(made) + 1
        over = parents[-1] if dice.random() < 0.7 else dice.choice(parents[-6:])
        kind = dice.choices(("workflow", "llm", "tool", "retrieval", "agent"), (2, 4, 5, 1, 0.5))[0]
        clock += dice.randint(0, 30) * MS
        length = dice.randint(1, 900) * MS
        row = span_row(trace_id, f"{number:016x}", over.span_id, kind, type=kind, start_ns=clock, end_ns=clock + length)
        if kind == "llm":
            row.name, row.model = "chat gpt-4o-mini", "gpt-4o-mini-2024-07-18"
            row.input_tokens, row.output_tokens = dice.randint(200, 20_000), dice.randint(10, 900)
            row.cost_usd = None if dice.random() < 0.05 else row.input_tokens * 1.5e-7 + row.output_tokens * 6e-7
            row.usage_rule, row.price_source = "gen_ai.usage", "genai-prices 0.2.3"
        elif kind == "tool":
            row.tool_name = dice.choice(("search_docs", "fetch_page", "run_sql", "send_mail"))
            row.name = f"execute_tool {row.tool_name}"
        elif kind == "retrieval":
            row.name = "vector search"
        elif kind == "agent":
            row.agent = dice.choice(("planner", "writer"))
            row.name = f"invoke_agent {row.agent}"
        else:
            row.name = f"step {number}"
        if dice.random() < 0.02:
            row.status, row.error_type, row.status_message = "error", "TimeoutError", "upstream timed out"
        made.append(row)
        if kind in ("workflow", "agent") and over.start_ns != 0:
            parents.append(row)
            if len(parents) > 12 and dice.random() < 0.6:
                del parents[dice.randint(1, 6) :]
    for row in reversed(made):
        row.duration_ns = row.end_ns - row.start_ns
    made[0].end_ns = max(row.end_ns for row in made)
    made[0].duration_ns = made[0].end_ns - made[0].start_ns
    return made


def copy_at(spans: list[SpanRow], trace_id: str, shift_ns: int) -> list[SpanRow]:
    """The same trace again under another id and at another time."""
    return [replace(s, trace_id=trace_id, start_ns=s.start_ns + shift_ns, end_ns=s.end_ns + shift_ns) for s in spans]


def exception_event(at_ns: int, kind: str, message: str, stack: str) -> EventRow:
    return EventRow(
        at_ns,
        "exception",
        {"exception.type": kind, "exception.message": message, "exception.stacktrace": stack},
    )
