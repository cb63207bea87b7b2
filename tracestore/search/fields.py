"""The fields that a search knows: their names, what they hold, and where they may stand."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final, Literal, TypeAlias

from tracestore.spans.model import SPAN_KINDS, SPAN_TYPES, STATUSES

#: text, one of several texts of a trace, a count, a time, money.
Holds: TypeAlias = Literal["text", "texts", "count", "time", "money"]

TRACE_STATUSES: Final = ("ok", "error", "running")


@dataclass(frozen=True, slots=True)
class Known:
    """A field. `trace`: a whole trace has it; `span`: a span has it. What only a span has means,
    outside of span(…), that some span of the trace has it.
    """

    name: str
    holds: Holds
    about: str
    trace: bool = True
    span: bool = True
    #: The only values there are, if they are few; of the trace where the two differ.
    values: tuple[str, ...] = ()
    span_values: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()


FIELDS: Final = (
    Known("agent", "texts", "an agent that took part"),
    Known("tool", "texts", "a tool that was called"),
    Known("model", "texts", "a model that was called"),
    Known("status", "text", "how it ended", values=TRACE_STATUSES, span_values=STATUSES),
    Known("service", "text", "the service that sent it"),
    Known("session", "text", "the conversation", aliases=("session_id",)),
    Known("user", "text", "whose request it was", aliases=("user_id",)),
    Known("name", "text", "of the outermost span; in span(…) of the span"),
    Known("trace", "text", "the id of the trace", span=False, aliases=("trace_id",)),
    Known("finding", "texts", "a detector that found something", span=False, aliases=("detector",)),
    Known("severity", "texts", "of a finding", span=False, values=("info", "warning", "critical")),
    Known("cost", "money", "US dollars", aliases=("cost_usd",)),
    Known("duration", "time", "from start to end: 500ms, 2s, 5m, 1h", aliases=("took",)),
    Known("tokens", "count", "input and output together"),
    Known("input_tokens", "count", "cached ones included", aliases=("input",)),
    Known("output_tokens", "count", "reasoning included", aliases=("output",)),
    Known("cache_read_tokens", "count", "read from the provider's cache", aliases=("cached",)),
    Known("cache_write_tokens", "count", "written to the provider's cache"),
    Known("reasoning_tokens", "count", "part of the output", aliases=("reasoning",)),
    Known("steps", "count", "model calls, each with its tools", span=False, aliases=("llm_calls",)),
    Known("tool_calls", "count", "executions of tools", span=False),
    Known("errors", "count", "failures, counted where they happened", span=False),
    Known("span_count", "count", "spans of the trace", span=False, aliases=("spans",)),
    Known("findings", "count", "findings of the trace", span=False),
    Known("unpriced_calls", "count", "model calls of unknown price", span=False, aliases=("unpriced",)),
    Known("incomplete", "count", "model calls whose usage the sender dropped", span=False),
    Known("type", "text", "what a span is", trace=False, values=SPAN_TYPES),
    Known("kind", "text", "OpenTelemetry's kind of a span", trace=False, values=SPAN_KINDS),
    Known("span", "text", "the id of a span", trace=False, aliases=("span_id",)),
    Known("operation", "text", "such as chat or execute_tool", trace=False),
    Known("provider", "text", "of the model", trace=False),
    Known("error", "text", "the type of an error", trace=False, aliases=("error_type",)),
    Known("message", "text", "what a span's status says", trace=False, aliases=("status_message",)),
    Known("finish", "text", "why a model stopped", trace=False, aliases=("finish_reason",)),
    Known("version", "text", "of the agent", trace=False, aliases=("agent_version",)),
    Known("event", "texts", "the name of an event of a span", trace=False),
    Known("scope", "text", "the instrumentation's name", trace=False, aliases=("scope_name",)),
    Known("convention", "text", "the dialect a span was read from", trace=False),
)  # fmt: skip

#: `has:cost` asks whether a field is there; no field of its own, but it stands where one does.
HAS: Final = "has"

BY_NAME: Final = {name: known for known in FIELDS for name in (known.name, *known.aliases)}

#: What begins the name of an attribute of a span, or of its resource.
SPACES: Final = ("attr", "resource")


def nearest(word: str, among: tuple[str, ...] | dict[str, Known]) -> str:
    """The known word that is most like it, or ''."""
    found = get_close_matches(word.lower(), among, n=1, cutoff=0.6)
    return found[0] if found else ""
