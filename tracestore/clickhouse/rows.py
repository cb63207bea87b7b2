"""What the store answers with: one typed row per question. Shapes only, no I/O."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, TypeVar

from tracestore.clickhouse.envelope import EMPTY, Envelope
from tracestore.search.tree import Node
from tracestore.spans.model import Attributes
from tracestore.spans.semconv.log_events import Evaluation

T = TypeVar("T")


@dataclass(slots=True)
class TraceSummary:
    """One row of the `traces` view. Times are nanoseconds since the epoch.

    `cost_usd` is None when no call of the trace has a known price; `unpriced_calls` counts the
    model calls whose price is unknown, and `incomplete` those whose usage the sender's SDK dropped,
    so that the tokens and the cost are a lower bound. `status` is `ok`, `error` or `running` (no root was
    received and the last span came less than 15 minutes ago); `findings` is a count.
    """

    trace_id: str
    name: str
    agent: str
    service: str
    session_id: str
    user_id: str
    start_ns: int
    end_ns: int
    duration_ns: int
    span_count: int
    llm_calls: int
    tool_calls: int
    errors: int
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    reasoning_tokens: int
    cost_usd: float | None
    unpriced_calls: int
    incomplete: int
    status: str
    models: list[str]
    tools: list[str]
    agents: list[str]
    input_preview: str
    output_preview: str
    findings: int


@dataclass(slots=True)
class SpanRow:
    """One row of the `spans` view: every column of the contract but the payloads."""

    trace_id: str
    span_id: str
    parent_span_id: str
    name: str
    kind: str
    type: str
    service: str
    agent: str
    agent_id: str
    agent_version: str
    session_id: str
    user_id: str
    start_ns: int
    end_ns: int
    duration_ns: int
    status: str
    status_message: str
    error_type: str
    provider: str
    model: str
    request_model: str
    operation: str
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    reasoning_tokens: int
    usage_rule: str
    cost_usd: float | None
    price_source: str
    tool_name: str
    tool_call_id: str
    finish_reason: str
    response_id: str
    convention: str
    scope_name: str
    scope_version: str
    dropped_attributes: int
    input_preview: str
    output_preview: str
    input_bytes: int
    output_bytes: int

    @property
    def arguments(self) -> str:
        """What the call was given, to tell same calls from different ones."""
        return self.input_preview

    @property
    def incomplete(self) -> bool:
        """Whether the call's usage, or half of it, got lost with attributes that were dropped."""
        return (
            self.dropped_attributes > 0
            and self.type in ("llm", "embedding")
            and (not self.usage_rule or self.usage_rule.endswith("+incomplete"))
        )


@dataclass(slots=True)
class TimelineSpan:
    """What the waterfall draws of a span and its header sums up; named as in `SpanRow`. `arguments` is a hash."""

    span_id: str
    parent_span_id: str
    name: str
    type: str
    agent: str
    start_ns: int
    end_ns: int
    status: str
    model: str
    request_model: str
    tool_name: str
    input_tokens: int
    output_tokens: int
    cost_usd: float | None
    usage_rule: str
    dropped_attributes: int
    arguments: str
    price_source: str

    incomplete = SpanRow.incomplete

    @property
    def duration_ns(self) -> int:
        return max(self.end_ns - self.start_ns, 0)


@dataclass(slots=True)
class TraceFinding:
    """A finding as the trace's page shows it: what a detector says, and the spans that show it."""

    id: str
    detector: str
    severity: str
    title: str
    explanation: str
    span_ids: list[str]
    wasted_cost_usd: float
    fingerprint: str = ""


@dataclass(slots=True)
class EventRow:
    """An event of a span. `origin` is `log` where a log record told it, else `span`."""

    time_ns: int
    name: str
    attributes: Attributes = field(default_factory=dict)
    origin: str = "span"
    dropped_attributes: int = 0


@dataclass(slots=True)
class LinkRow:
    trace_id: str
    span_id: str
    attributes: Attributes = field(default_factory=dict)
    flags: int = 0
    dropped_attributes: int = 0


@dataclass(slots=True)
class SpanDetail:
    """One span with everything that was received: typed attributes, events, links, payloads.

    `events` are the span's own, then those of its log records that say something new; `evaluations`
    are what evaluators said of it, by either way.
    """

    row: SpanRow
    attributes: Attributes
    resource_attributes: Attributes
    events: list[EventRow]
    links: list[LinkRow]
    input: str
    output: str
    evaluations: list[Evaluation] = field(default_factory=list)
    scope_attributes: Attributes = field(default_factory=dict)
    dropped_events: int = 0
    dropped_links: int = 0
    envelope: Envelope = EMPTY


@dataclass(slots=True)
class Page(Generic[T]):
    """A page of results and the cursor of the next one, or None at the end."""

    results: list[T]
    next: str | None = None


@dataclass(slots=True, frozen=True)
class TraceFilter:
    """Which traces to list. None or '' means "any"; all conditions must hold.

    `since` <= start < `until`. `text` is looked for in names, ids, previews, prompts and answers;
    `search` is what somebody asked in the search language.
    """

    since: datetime | None = None
    until: datetime | None = None
    agent: str = ""
    service: str = ""
    session_id: str = ""
    user_id: str = ""
    status: str = ""
    model: str = ""
    tool: str = ""
    text: str = ""
    search: Node | None = None
