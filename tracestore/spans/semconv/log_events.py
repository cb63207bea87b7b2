"""What log records say about their span (OpenTelemetry GenAI events, which are log records).

A record is turned into the event that it would be on the span, so that everything that reads events
reads it too. https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-events/

Events repeat the call's usage. Nothing here looks at it: tokens are the span's alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tracestore.spans.model import Attributes, Event, Span, SpanRecord, Value
from tracestore.spans.semconv import events as message_events
from tracestore.spans.semconv import tools
from tracestore.spans.semconv.context import metadata, read_context
from tracestore.spans.semconv.errors import error_type
from tracestore.spans.semconv.values import parse_json, plain, text

#: Events with this in front belong to a span; other log records are only shown beside it.
PREFIX: Final = "gen_ai."
EVALUATION: Final = "gen_ai.evaluation.result"
EXCEPTION: Final = "gen_ai.client.operation.exception"


@dataclass(slots=True)
class Told:
    """What the events of one span say, '' where they say nothing."""

    input: str = ""
    output: str = ""
    session_id: str = ""
    user_id: str = ""
    finish_reason: str = ""
    error_type: str = ""


@dataclass(slots=True)
class Evaluation:
    """One evaluator's opinion of a span. `score` is None where none, or no number, was given."""

    name: str
    score: float | None
    label: str
    explanation: str
    time_ns: int
    response_id: str = ""


def event_of(time_ns: int, name: str, body: Value, attributes: Attributes, severity: str = "") -> Event:
    """A log record as an event.

    The fields of a GenAI event stand in its attributes or, up to 1.36, in its body. Of a plain log
    record the body is kept as the attribute `body`.
    """
    if name.startswith(PREFIX):
        found = parse_json(body) if isinstance(body, str) and body[:1] == "{" else body
        if isinstance(found, dict):
            return Event(time_ns, name, {**found, **attributes})
        if body is not None and body != "":
            return Event(time_ns, name, {"content" if name in message_events.ROLES else "body": body, **attributes})
        return Event(time_ns, name, attributes)
    said: Attributes = {"severity": severity} if severity else {}
    if body is not None and body != "":
        said["body"] = body
    return Event(time_ns, name or "log", {**said, **attributes})


def told(events: Sequence[Event], span_type: str) -> Told:
    """What these events, in order of time, say of a span of this type. Never raises."""
    ours = [event for event in events if event.name.startswith(PREFIX)]
    found = Told()
    if span_type == "tool":
        got, gave = message_events.tool_texts(ours)
        found.input, found.output = tools.arguments(got), tools.blocks(gave)
    else:
        found.input, found.output = message_events.conversation_texts(ours)
    found.finish_reason = message_events.finish_reason(ours)
    for event in ours:
        # Session, user and error are spelled in events as on spans, so the same code reads them.
        probe = Span(SpanRecord("", "", "", "", 0, 0, attributes=event.attributes))
        read_context(probe, metadata(event.attributes))
        found.session_id = found.session_id or probe.session_id
        found.user_id = found.user_id or probe.user_id
        if event.name == EXCEPTION:
            found.error_type = text(event.attributes.get("exception.type")) or error_type(probe) or found.error_type
        elif event.name == message_events.DETAILS:
            found.error_type = found.error_type or error_type(probe)
    return found


def evaluations(events: Sequence[Event]) -> list[Evaluation]:
    """The evaluation results among these events, in their order."""
    return [
        Evaluation(
            name=text(event.attributes.get("gen_ai.evaluation.name")),
            score=_score(event.attributes.get("gen_ai.evaluation.score.value")),
            label=text(event.attributes.get("gen_ai.evaluation.score.label")),
            explanation=text(event.attributes.get("gen_ai.evaluation.explanation")),
            time_ns=event.time_ns,
            response_id=text(event.attributes.get("gen_ai.response.id")),
        )
        for event in events
        if event.name == EVALUATION
    ]


def _score(value: Value) -> float | None:
    try:
        number = float(value) if isinstance(value, int | float | str) else math.nan
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def unrepeated(sent: Sequence[Event], attributes: Mapping[str, Value], own: Sequence[Event]) -> list[Event]:
    """Events from log records, without what the span itself says.

    Some instrumentations send messages and usage on the span and again as an event. Of such an
    event only what the span does not have is kept, and nothing when it has all of it. An event that
    the span has as an event too is left out.
    """
    known = [(event.name, _compared(event.attributes)) for event in own]
    kept = []
    for event in sent:
        if (event.name, _compared(event.attributes)) in known:
            continue
        if event.name == message_events.DETAILS:
            rest = {
                key: value
                for key, value in event.attributes.items()
                if key not in attributes or _compared(attributes[key]) != _compared(value)
            }
            if not rest:
                continue
            event = Event(event.time_ns, event.name, rest)
        kept.append(event)
    return kept


def _compared(value: Any) -> Any:
    """A value such that equal ones are equal, whether sent as a structure or as JSON text."""
    if isinstance(value, str):
        found = parse_json(value) if value[:1] in ("[", "{") else None
        return value if found is None else found
    if isinstance(value, dict):
        return {key: _compared(one) for key, one in value.items()}
    return plain(value)
