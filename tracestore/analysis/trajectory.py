"""What an agent did, as detectors read it: the spans of a trace or of a session, in order.

Pure. The store fills it from its tables, tests and evaluations from decoded requests (`from_spans`);
both go through `of_span`'s rules, so that a detector says the same of a capture and of a stored trace.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from tracestore.analysis.exchanged import Requested, answered, asked, requested, text_of
from tracestore.spans.messages.read import side
from tracestore.spans.model import Attributes, Event, Span, Value

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class TraceSpan:
    """One span with what detectors need of it. Times are nanoseconds since the epoch, ids lower-case hex.

    `input` and `output` depend on the type:

    - `tool`: arguments and result, unwrapped, as text (JSON where it was JSON);
    - `retrieval`: the query and the documents;
    - `llm`: the text of the newest message that went in (what was asked now, not the whole history) and
      the text that the model said; its tool calls are in `requested`;
    - else: as sent.

    `instructions` is the system text of a model call. `end_ns` is 0 while a span is known only from its
    children. `cost_usd` is None when the price is unknown. `facts` is for what detectors work out of a span alone
    and need at each look: small things (numbers, not texts), since a worker remembers many spans.
    """

    trace_id: str
    span_id: str
    parent_span_id: str
    name: str
    type: str
    start_ns: int
    end_ns: int
    status: str = "unset"
    status_message: str = ""
    error_type: str = ""
    service: str = ""
    agent: str = ""
    agent_version: str = ""
    session_id: str = ""
    user_id: str = ""
    provider: str = ""
    model: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    cost_usd: float | None = None
    tool_name: str = ""
    tool_call_id: str = ""
    finish_reason: str = ""
    input: str = ""
    output: str = ""
    instructions: str = ""
    requested: tuple[Requested, ...] = ()
    attributes: Mapping[str, Value] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def failed(self) -> bool:
        """Whether the span itself says that it failed. Errors hidden in results are another matter."""
        return self.status == "error" or bool(self.error_type)

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens


@dataclass(frozen=True, slots=True)
class Trajectory:
    """The spans of one trace, or of all traces of a session, ordered by start.

    `trace_id` is the trace that is looked at; with `whole_session` other traces' spans may stand before
    it. `complete` says that it is over (its root arrived, or nothing came for long); while it is False
    `now_ns` is the time of looking.
    """

    project: str
    trace_id: str
    spans: tuple[TraceSpan, ...]
    complete: bool = True
    now_ns: int = 0
    session_id: str = ""
    whole_session: bool = False
    _places: dict[str, int] = field(default_factory=dict, init=False, repr=False, compare=False)
    _worked_out: dict[str, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def span(self, span_id: str) -> TraceSpan | None:
        if not self._places:
            for place, span in enumerate(self.spans):
                self._places.setdefault(span.span_id, place)
        found = self._places.get(span_id)
        return None if found is None else self.spans[found]

    def once(self, name: str, make: Callable[[Trajectory], T]) -> T:
        """What `make` works out of this trajectory: made once, for all detectors. Do not change what you are given."""
        if name not in self._worked_out:
            self._worked_out[name] = make(self)
        found: T = self._worked_out[name]
        return found

    def of_type(self, *types: str) -> list[TraceSpan]:
        return [span for span in self.spans if span.type in types]

    @property
    def agent(self) -> str:
        """The agent that the trace is of: that of its first span that names one."""
        return next((span.agent for span in self.spans if span.agent and span.trace_id == self.trace_id), "")


#: Attributes of the hot table that some detector reads; everything else stays out of a trajectory.
KEPT_ATTRIBUTES: Final = ("tracestore.retrieval.", "gen_ai.request.max_tokens", "http.response.status_code")


def of_span(span: Span) -> TraceSpan:
    """A decoded and understood span (after `resolve`) as a detector reads it."""
    record = span.record
    said, asked, instructions = span.output, span.input, ""
    requested: tuple[Requested, ...] = ()
    if span.type == "llm":
        asked, said, instructions, requested = exchange(record.attributes, record.events)
        asked, said = asked or span.input, said or ("" if requested else span.output)
    return TraceSpan(
        record.trace_id, record.span_id, record.parent_span_id, record.name, span.type, record.start_ns,
        record.end_ns, record.status, record.status_message, span.error_type, record.resource.service, span.agent,
        span.agent_version, span.session_id, span.user_id, span.provider, span.model or span.request_model,
        span.input_tokens, span.output_tokens, span.cache_read_tokens, span.cache_write_tokens, span.reasoning_tokens,
        span.cost_usd, span.tool_name, span.tool_call_id, span.finish_reason, asked, said, instructions, requested,
        kept({**record.attributes, **(span.derived or {})}),
    )  # fmt: skip


def kept(attributes: Attributes) -> Mapping[str, Value]:
    names = "\n".join(attributes)  # nearly always there is none
    if not any(name in names for name in KEPT_ATTRIBUTES):
        return {}
    return {name: value for name, value in attributes.items() if name.startswith(KEPT_ATTRIBUTES)}


def exchange(attributes: Attributes, events: list[Event]) -> tuple[str, str, str, tuple[Requested, ...]]:
    """The newest message in, the text out, the instructions and the tool calls asked for, of a model call."""
    usual = asked(attributes)
    if usual is None:
        sent = side(attributes, events, "user")
        given = next((text_of(m.parts) for m in reversed(sent) if m.role != "system"), "")
        usual = given, "\n".join(text_of(m.parts) for m in sent if m.role == "system")
    answer = answered(attributes)
    if answer is None:
        got = side(attributes, events, "assistant")
        said = "\n".join(filter(None, (text_of(m.parts) for m in got)))
        answer = said, requested(part for m in got for part in m.parts)
    return usual[0], answer[0], usual[1], answer[1]


def from_spans(project: str, spans: Iterable[Span], trace_id: str = "", *, complete: bool = True) -> Trajectory:
    """The trajectory of decoded spans: of one trace, or with `trace_id` '' of all given (as one session)."""
    read = sorted(
        (of_span(span) for span in spans if not trace_id or span.record.trace_id == trace_id),
        key=lambda span: (span.start_ns, -span.end_ns, span.span_id),
    )
    last = max((span.end_ns for span in read), default=0)
    return Trajectory(
        project, trace_id or (read[-1].trace_id if read else ""), tuple(read), complete, last,
        session_id=next((span.session_id for span in read if span.session_id), ""), whole_session=not trace_id,
    )  # fmt: skip
