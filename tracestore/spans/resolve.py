"""What only the trace as a whole can tell: one call seen twice, whose agent, whose session.

Works on columns alone, so that spans read back from the database (without attributes and events)
resolve like fresh ones. Idempotent, and independent of the order in which the spans are given.

Spans of a trace arrive in pieces, children before parents. Each time more of a trace is known,
resolve all of it again. What may still change then:
- `agent` and `agent_version` of a span are filled once all its ancestors up to one with an agent
  are known; a chain with a gap inherits nothing. An agent once filled stays.
- `session_id` and `user_id` likewise; a trace in which several sessions are named gives a span
  the nearest one known at that moment.
- `type` of a span may fall from `llm` or `tool` to `other` (with its tokens and cost moved to the
  span that is kept) when the other span of the same call arrives, from `agent` to `workflow` when
  an outer span of the same run arrives, and rise from `workflow` to `agent` when LangGraph nodes
  turn up below it. It never returns.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Final

from tracestore.spans.doubled_calls import merge_calls
from tracestore.spans.doubled_tools import merge_tools
from tracestore.spans.forest import Forest
from tracestore.spans.model import Span
from tracestore.spans.own_prices import Overrides
from tracestore.spans.reported import merge_reported
from tracestore.spans.requested import fill_from_calls
from tracestore.spans.semconv.openinference import LANGCHAIN
from tracestore.spans.tool_errors import name_failures


def resolve(spans: Sequence[Span], overrides: Overrides | None = None) -> list[Span]:
    """Apply the rules of a trace to all spans known of one or more traces, in place.

    Returns the spans that changed. Safe with missing parents, cycles, a span that comes several
    times (its copies become like the first) and 100,000 spans: nothing recurses and the work grows
    with the number of spans (and their sorting).
    """
    before = [_columns(span) for span in spans]
    apply(spans, overrides)
    return [span for span, old in zip(spans, before, strict=True) if _columns(span) != old]


def apply(spans: Sequence[Span], overrides: Overrides | None = None) -> None:
    """The same for who does not ask what changed, which costs as much as the rules do."""
    first: dict[tuple[str, str], Span] = {}
    for span in spans:
        first.setdefault((span.record.trace_id, span.record.span_id), span)
    forest = Forest(list(first.values()))
    _find_graphs(forest)
    merge_calls(forest, overrides)
    merge_tools(forest)
    name_failures(forest)
    merge_reported(forest)
    fill_from_calls(forest)
    _inherit_agents(forest)
    _merge_agents(forest)
    _spread_context(forest)
    if len(first) < len(spans):
        for span in spans:
            kept = first[span.record.trace_id, span.record.span_id]
            if kept is not span:
                for name in _COLUMNS:
                    setattr(span, name, getattr(kept, name))


#: The columns that a rule may change.
_COLUMNS: Final = (
    "type",
    "agent",
    "agent_id",
    "agent_version",
    "session_id",
    "user_id",
    "operation",
    "provider",
    "model",
    "request_model",
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
    "usage_rule",
    "cost_usd",
    "price_source",
    "tool_name",
    "tool_call_id",
    "finish_reason",
    "error_type",
    "response_id",
    "input",
    "output",
)

_columns = attrgetter(*_COLUMNS)


def _find_graphs(forest: Forest) -> None:
    """A LangGraph run whose agent has no name in the metadata is an agent by its graph nodes.

    OpenInference gives it as a chain with the graph's name. Its nodes are direct children with the
    operation `execute_task`.
    """
    for span in forest.spans:
        if span.operation != "execute_task" or span.record.scope.name != LANGCHAIN:
            continue
        parent = forest.parent(span)
        if (
            parent is not None
            and parent.type == "workflow"
            and not parent.agent
            and parent.operation != "execute_task"
            and parent.record.scope.name == LANGCHAIN
            and parent.record.name != "LangGraph"
        ):
            parent.type, parent.operation = "agent", "invoke_agent"
            parent.agent = parent.record.name


def _merge_agents(forest: Forest) -> None:
    """One run reported by two spans, the inner directly or through workflow spans of that agent.

    The outer stays the run. An agent that calls itself does so through a tool. A run without a name
    has inherited one by now, and is part of that run.
    """
    for span in forest.top_down():
        if span.type != "agent" or not span.agent:
            continue
        above = forest.parent(span)
        seen = 0
        while above is not None and above.type == "workflow" and above.agent == span.agent:
            above = forest.parent(above)
            seen += 1
            if seen > 64:
                above = None
        if above is not None and above.type == "agent" and above.agent == span.agent:
            span.type = "workflow"


def _inherit_agents(forest: Forest) -> None:
    """A span without an agent belongs to the agent of its parent; so do its id and version.

    Top down, so one step to the parent is enough. A version belongs to the agent: below a run of
    the same agent the version of that run counts, because a step knows its service's at best.
    """
    for span in forest.top_down():
        parent = forest.parent(span)
        if parent is None or not parent.agent:
            continue
        if not span.agent:
            span.agent = parent.agent
        if span.agent == parent.agent:
            span.agent_id = span.agent_id or parent.agent_id
            span.agent_version = parent.agent_version or span.agent_version


def _spread_context(forest: Forest) -> None:
    """Session and user: the parent's, else the trace's earliest.

    Pydantic AI makes up a conversation id (a version 7 UUID) for each run that is given none, also
    for an agent that runs within another's tool: such a run belongs to the session it is part of.
    """
    earliest: dict[str, list[str]] = {}
    for span in sorted(forest.spans, key=_start):
        found = earliest.setdefault(span.record.trace_id, ["", ""])
        found[0] = found[0] or span.session_id
        found[1] = found[1] or span.user_id
    for span in forest.top_down():
        parent = forest.parent(span)
        if parent is not None and parent.session_id and _made_up(span):
            span.session_id = parent.session_id
        if span.session_id and span.user_id:
            continue
        if parent is not None:
            span.session_id = span.session_id or parent.session_id
            span.user_id = span.user_id or parent.user_id
        if not (span.session_id and span.user_id):
            session, user = earliest[span.record.trace_id]
            span.session_id = span.session_id or session
            span.user_id = span.user_id or user


def _made_up(span: Span) -> bool:
    session = span.session_id
    return span.record.scope.name == "pydantic-ai" and len(session) == 36 and session[14] == "7"


def _start(span: Span) -> tuple[int, str]:
    return span.record.start_ns, span.record.span_id
