"""A trace as a replay bundle: its model and tool calls in order, each with its recorded answer.

The format is described in docs/replay-bundle.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from dashboard.api.rendering import ENCODER
from dashboard.api.times import rfc3339
from tracestore.analysis import replay
from tracestore.clickhouse.rows import SpanDetail
from tracestore.clickhouse.trace_parts import Outline, parts
from tracestore.spans.messages import messages
from tracestore.spans.model import Attributes, Event

#: Attributes that say how a model was asked; all else of a request is its messages.
PARAMETER_PREFIXES = ("gen_ai.request.", "llm.invocation_parameters", "llm.request.")

Details = Callable[[Sequence[str]], dict[str, SpanDetail]]


def pieces(trace_id: str, spans: Sequence[Outline], details: Details) -> Iterator[bytes]:
    """The file, call by call. `details` reads spans with their payloads by id."""
    head = {"format": replay.FORMAT, "version": replay.VERSION, "trace_id": trace_id}
    yield ENCODER.encode(head)[:-1] + b',"calls":['
    asked: Counter[str] = Counter()
    number = 0
    for part in parts([span for span in spans if span.type in ("llm", "tool")]):
        found = details([span.span_id for span in part])
        for span in part:
            detail = found.get(span.span_id)
            if detail is None:
                continue  # deleted since the outline was read
            made = call(detail)
            asked[made["request_sha256"]] += 1
            made |= {"number": number + 1, "occurrence": asked[made["request_sha256"]]}
            yield (b"," if number else b"") + ENCODER.encode(made)
            number += 1
    yield b"]}"


def call(detail: SpanDetail) -> dict[str, Any]:
    row = detail.row
    made: dict[str, Any] = {
        "kind": "model" if row.type == "llm" else "tool",
        "span_id": row.span_id,
        "parent_span_id": row.parent_span_id,
        "agent": row.agent,
        "start_time": rfc3339(row.start_ns),
        "duration_ns": row.duration_ns,
        "status": row.status,
    }
    if row.type == "llm":
        events = [Event(event.time_ns, event.name, event.attributes) for event in detail.events]
        talk = messages(detail.attributes, events, row.type)
        made["request"] = replay.model_request(row.request_model or row.model, talk.input)
        made["response"] = replay.model_response(talk)
        made["model"] = row.model or row.request_model
        made["tools"] = list(talk.tools)
        made["parameters"] = parameters(detail.attributes)
        made["usage"] = {"input_tokens": row.input_tokens, "output_tokens": row.output_tokens}
    else:
        made["request"] = replay.tool_request(row.tool_name or row.name, detail.input)
        made["response"] = replay.tool_response(detail.output)
        made["tool_call_id"] = row.tool_call_id
    made["request_sha256"] = replay.digest(made["request"])
    if row.status == "error":
        made["error"] = {"type": row.error_type, "message": row.status_message}
    return made


def parameters(attributes: Attributes) -> Attributes:
    return {key: value for key, value in attributes.items() if key.startswith(PARAMETER_PREFIXES)}
