"""Which dialect reads a span: the first row whose attribute is on it.

Spans often carry several dialects at once (an SDK of one backend writes GenAI attributes beside its
own). The order is from those that say explicitly what a span is to those that are only a vocabulary.
What is common is found by few look-ups: this runs for every span that arrives.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tracestore.spans.model import Span, SpanRecord
from tracestore.spans.semconv import (
    genai,
    haystack,
    langfuse,
    langsmith,
    llamaindex,
    logfire,
    mcp,
    mlflow,
    openllmetry,
    plumbing,
    vercel,
)

Reader = Callable[[Span], None]

#: An attribute, and who reads a span that carries it. OpenInference's `openinference.span.kind`
#: goes before all of them (`tracestore.spans.normalise`): an explicit kind, from spans that carry
#: GenAI names too, some of them wrong.
DIALECTS: Final[tuple[tuple[str, Reader], ...]] = (
    # A copy of a span that has only started, whatever it copies.
    ("logfire.pending_parent_id", logfire.read_pending),
    # An explicit kind, beside a `gen_ai.operation.name` that is wrong for retrievers and prompts.
    ("langsmith.span.kind", langsmith.read),
    # An explicit kind, set by the application; beside it the GenAI names only complete.
    ("langfuse.observation.type", langfuse.read),
    # An explicit kind too. Who sends this and Langfuse's means Langfuse: MLflow's decorators default.
    ("mlflow.spanType", mlflow.read),
    # Tells the call from the span around it, which carry the same GenAI names and numbers.
    ("ai.operationId", vercel.read),
    # OpenLLMetry's kinds; where they and an operation are on one span, it knows which to believe.
    ("traceloop.span.kind", openllmetry.read),
    ("traceloop.workflow.name", openllmetry.read),
    ("llm.request.type", openllmetry.read),
    ("traceloop.entity.path", openllmetry.read),
)

#: Those that are met only where there is no operation, so that common spans never pay for them.
_WITHOUT_OPERATION: Final[tuple[tuple[str, Reader], ...]] = (
    # Pydantic AI before 1. Its calls have an operation, its runs and tools do not.
    ("all_messages_events", logfire.read_old),
    ("agent_name", logfire.read_old),
    ("tool_arguments", logfire.read_old),
)


#: What Logfire's integrations of vendors' SDKs keep; too plain a name to say more without the scope.
_REQUEST: Final = "request_data"

#: The messages of a call as one JSON list, by Pydantic AI before 1.
_EVENTS: Final = "events"

_MARKS: Final = frozenset([_REQUEST, _EVENTS, *(key for key, _ in (*DIALECTS, *_WITHOUT_OPERATION))])


def reader(span: Span) -> Reader:
    """Who reads this span, for spans without OpenInference's kind."""
    attributes = span.record.attributes
    # Plain GenAI spans and plumbing, which are most, have none of these.
    marked = not _MARKS.isdisjoint(attributes)
    if marked:
        for key, read in DIALECTS:
            if key in attributes:
                return read
    scope = span.record.scope.name
    if marked and _REQUEST in attributes and scope.startswith(logfire.SCOPE):
        # A vendor's call as Logfire sees it: GenAI names in newer releases, its own JSON beside.
        return logfire.read_call
    if "gen_ai.operation.name" in attributes:
        if openllmetry.is_scope(scope):
            return openllmetry.read
        if marked and _EVENTS in attributes and scope == logfire.PYDANTIC_AI:
            return logfire.read_listed
        # An MCP call has the operation of a tool; its method says more.
        return mcp.read if "mcp.method.name" in attributes else genai.read
    if "mcp.method.name" in attributes:
        return mcp.read
    if marked:
        for key, read in _WITHOUT_OPERATION:
            if key in attributes:
                return read
    if scope == logfire.PYDANTIC_AI:
        return logfire.read_old
    return named(span.record) or plumbing.read


def named(record: SpanRecord) -> Reader | None:
    """Who reads a span that only its name or its scope tells, attributes or none: frameworks' own tracing."""
    if record.name.startswith(haystack.PREFIX):
        return haystack.read
    return llamaindex.read if record.scope.name == llamaindex.SCOPE else None
