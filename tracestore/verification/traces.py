"""Traces that follow from a seed and a time alone, so that they can be told again and compared.

Costs are whole 1/1024 dollars and are sent with the calls, of a model that no price table knows: sums of
them are exact in binary, and no change of prices makes a stored trace look wrong.
"""

from __future__ import annotations

import hashlib
import json
import random
from dataclasses import dataclass
from typing import Final

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span as ProtoSpan
from opentelemetry.proto.trace.v1.trace_pb2 import Status

#: By these everything that comes from here can be told from real traces, in lists, in SQL, by alert rules.
SERVICE: Final = "tracestore-verification"
AGENT: Final = "tracestore-verification-agent"
MODEL: Final = "tracestore-verification-model"
TOOL: Final = "tracestore_verification_tool"

_MS: Final = 1_000_000
_COST_UNIT: Final = 1 / 1024


@dataclass(frozen=True, slots=True)
class SentSpan:
    """One span as it is sent. Times in ns; the counts and the cost are 0 unless `type` is llm."""

    span_id: str
    parent_span_id: str
    name: str
    type: str
    start_ns: int
    end_ns: int
    error: bool = False
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0
    input: str = ""
    output: str = ""


@dataclass(frozen=True, slots=True)
class SentTrace:
    """One trace as it is sent. `word` stands in one answer of it and nowhere else."""

    trace_id: str
    session_id: str
    word: str
    spans: tuple[SentSpan, ...]

    @property
    def start_ns(self) -> int:
        return self.spans[0].start_ns

    def figures(self) -> dict[str, int | float]:
        """What the store must say of it: counts, tokens and dollars."""
        return {
            "span_count": len(self.spans),
            "llm_calls": sum(span.type == "llm" for span in self.spans),
            "tool_calls": sum(span.type == "tool" for span in self.spans),
            "errors": sum(span.error for span in self.spans),
            "input_tokens": sum(span.input_tokens for span in self.spans),
            "output_tokens": sum(span.output_tokens for span in self.spans),
            "cost_usd": sum(span.cost_usd for span in self.spans),
        }


def tell(seed: int, at_ns: int, number: int) -> SentTrace:
    """Trace `number` of those that end at `at_ns`. The same arguments give the same trace, on any machine.

    An agent that calls a model and a tool, two to four times, then another agent that does the same once
    below it; every second trace has a tool call that fails.
    """
    salt = f"{seed}:{at_ns}:{number}"
    choose = random.Random(salt)  # noqa: S311 (nothing secret is made)
    trace_id = _digest(salt, 16)
    word = "v" + "".join(choose.choice("bcdfghjklmnpqrstvwxz") for _ in range(15))
    turns = choose.randint(2, 4)
    fails_at = choose.randrange(turns) if number % 2 else -1
    start = at_ns - at_ns % _MS - (turns + 1) * 200 * _MS - 100 * _MS
    spans: list[SentSpan] = []

    def add(parent: str, name: str, kind: str, begin: int, end: int, **fields: object) -> str:
        span_id = _digest(f"{salt}:{len(spans)}", 8)
        spans.append(SentSpan(span_id, parent, name, kind, begin, end, **fields))  # type: ignore[arg-type]
        return span_id

    root = add(
        "", f"invoke_agent {AGENT}", "agent", start, start + (turns + 1) * 200 * _MS + 50 * _MS,
        input="Is the store well?", output="It is, if you can read this.",
    )  # fmt: skip
    for turn in range(turns + 1):
        begin = start + turn * 200 * _MS + _MS
        inside = root
        if turn == turns:
            inside = add(root, f"invoke_agent {AGENT}-second", "agent", begin, begin + 195 * _MS)
        said = f"The word of turn {turn} is {word}." if turn == 0 else f"Turn {turn} says nothing new."
        call = add(
            inside, f"chat {MODEL}", "llm", begin + _MS, begin + 120 * _MS,
            input_tokens=choose.randint(100, 5000), output_tokens=choose.randint(1, 800),
            cost_usd=choose.randint(1, 64) * _COST_UNIT, input=f"Question {turn}", output=said,
        )  # fmt: skip
        add(
            call, f"execute_tool {TOOL}", "tool", begin + 120 * _MS, begin + 190 * _MS,
            error=turn == fails_at, input=json.dumps({"turn": turn}),
            output="timed out" if turn == fails_at else "done",
        )  # fmt: skip
    return SentTrace(trace_id, f"verification-{seed}-{_digest(salt, 4)}", word, tuple(spans))


def export(trace: SentTrace) -> ExportTraceServiceRequest:
    """The trace as OTLP, in the words of OpenTelemetry's GenAI conventions."""
    request = ExportTraceServiceRequest()
    group = request.resource_spans.add()
    group.resource.attributes.add(key="service.name").value.string_value = SERVICE
    scope = group.scope_spans.add()
    scope.scope.name = "tracestore.verification"
    scope.spans.extend(_proto(trace, span) for span in trace.spans)
    return request


def _proto(trace: SentTrace, span: SentSpan) -> ProtoSpan:
    found = ProtoSpan(
        trace_id=bytes.fromhex(trace.trace_id),
        span_id=bytes.fromhex(span.span_id),
        parent_span_id=bytes.fromhex(span.parent_span_id),
        name=span.name,
        kind=ProtoSpan.SPAN_KIND_CLIENT if span.type == "llm" else ProtoSpan.SPAN_KIND_INTERNAL,
        start_time_unix_nano=span.start_ns,
        end_time_unix_nano=span.end_ns,
    )
    for key, value in _attributes(trace, span).items():
        attribute = found.attributes.add(key=key).value
        if isinstance(value, str):
            attribute.string_value = value
        elif isinstance(value, int):
            attribute.int_value = value
        else:
            attribute.double_value = value
    if span.error:
        found.status.CopyFrom(Status(code=Status.STATUS_CODE_ERROR, message="The tool timed out."))
    return found


def _attributes(trace: SentTrace, span: SentSpan) -> dict[str, str | int | float]:
    found: dict[str, str | int | float] = {"gen_ai.conversation.id": trace.session_id}
    if span.type == "agent":
        found |= {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": span.name.partition(" ")[2]}
    if span.type == "tool":
        return found | {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": TOOL,
            "gen_ai.tool.call.id": f"call_{span.span_id}",
            "gen_ai.tool.call.arguments": span.input,
            "gen_ai.tool.call.result": span.output,
        }
    if span.type == "llm":
        found |= {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": SERVICE,
            "gen_ai.request.model": MODEL,
            "gen_ai.response.model": MODEL,
            "gen_ai.usage.input_tokens": span.input_tokens,
            "gen_ai.usage.output_tokens": span.output_tokens,
            "gen_ai.usage.cost": span.cost_usd,
        }
    if span.input:
        found["gen_ai.input.messages"] = _message("user", span.input)
        found["gen_ai.output.messages"] = _message("assistant", span.output)
    return found


def _message(role: str, text: str) -> str:
    return json.dumps([{"role": role, "parts": [{"type": "text", "content": text}]}])


def _digest(text: str, size: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[: 2 * size]
