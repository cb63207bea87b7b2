"""What any bytes at all may do: functions of bytes that fail when a promise is broken.

Used by `run.py`, which looks for such bytes guided by coverage, and by `test_found.py`, which feeds
them what was found before. No dependency on the fuzzer.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from typing import Final

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tracestore.clickhouse import columns, log_columns
from tracestore.errors import InvalidInput
from tracestore.spans import decode, decode_logs
from tracestore.spans.messages import messages
from tracestore.spans.model import SPAN_TYPES, Event, LogRecord, Resource, Scope, SpanRecord, Value
from tracestore.spans.normalise import normalise
from tracestore.spans.redaction.apply import FAILED, Redactor
from tracestore.spans.resolve import resolve

#: The clock of the targets, so that a found input fails again tomorrow.
NOW: Final = 1_800_000_000 * 10**9

Decode = Callable[..., decode.Decoded]


def protobuf(data: bytes) -> None:
    """A request in protobuf is decoded, understood and made into columns."""
    _spans(decode.decode_protobuf, data)


def otlp_json(data: bytes) -> None:
    """The same in OTLP/JSON."""
    _spans(decode.decode_json, data)


def logs_protobuf(data: bytes) -> None:
    """A logs request in protobuf."""
    _logs(decode_logs.decode_protobuf, data)


def logs_json(data: bytes) -> None:
    """A logs request in OTLP/JSON."""
    _logs(decode_logs.decode_json, data)


def conventions(data: bytes) -> None:
    """Spans made of known words, so that the conventions are reached without guessing protobuf."""
    _understand(_Words(data).spans())


def json_neighbours(data: bytes) -> None:
    """JSON of known members, in any place and of any kind, beside a good span in OTLP/JSON, which is kept."""
    good = f'{{"traceId":"{"ab" * 16}","spanId":"{"cd" * 8}","name":"good","startTimeUnixNano":"{NOW - 1}"}}'
    bad = _Words(data).json(6)
    body = f'{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{good},{bad},{good}]}}]}}]}}'
    decoded = decode.decode_json(body.encode(), now_ns=NOW)
    assert decoded.received == len(decoded.records) + decoded.rejected.total() == 3, "the ledger does not balance"
    assert [record.name for record in decoded.records].count("good") >= 2, "a neighbour was lost"
    _understand(decoded.records)


def redaction(data: bytes) -> None:
    """What the exact pass takes out the quick pass has seen coming; nothing fails, and once is enough."""
    words = _Words(data)
    request = ExportTraceServiceRequest()
    span = request.resource_spans.add().scope_spans.add().spans.add()
    span.trace_id, span.span_id, span.start_time_unix_nano = b"t" * 16, b"s" * 8, NOW
    for _ in range(1 + words.byte() % 4):
        text = "".join(words.one(SECRETS) if words.byte() % 2 else words.text() for _ in range(1 + words.byte() % 4))
        span.attributes.add(key=words.one((*KEYS, *SECRET_KEYS))).value.string_value = text
    body = request.SerializeToString()
    (record,) = decode.decode_protobuf(body, now_ns=NOW).records
    clean, counts = REDACTOR.redact(record)
    assert FAILED not in counts, "a rule failed"
    assert not counts or REDACTOR.suspicious(body), f"the quick pass missed {dict(counts)}"
    again = REDACTOR.redact(clean)[1]
    assert not again, f"a second pass finds {dict(again)}"


TARGETS: Final[dict[str, Callable[[bytes], None]]] = {
    "protobuf": protobuf,
    "json": otlp_json,
    "json_neighbours": json_neighbours,
    "logs_protobuf": logs_protobuf,
    "logs_json": logs_json,
    "conventions": conventions,
    "redaction": redaction,
}


def _spans(read: Decode, data: bytes) -> None:
    try:
        decoded = read(data, now_ns=NOW)
    except InvalidInput:
        return
    assert decoded.received == len(decoded.records) + decoded.rejected.total(), "the ledger does not balance"
    for record in decoded.records:
        assert (len(record.trace_id), len(record.span_id), len(record.parent_span_id) in (0, 16)) == (32, 16, True)
        assert 0 < record.start_ns <= record.end_ns < 2**63
    json.dumps(decoded.messages)
    _understand(decoded.records)


def _logs(read: Callable[..., decode_logs.DecodedLogs], data: bytes) -> None:
    try:
        decoded = read(data, now_ns=NOW)
    except InvalidInput:
        return
    assert decoded.received == len(decoded.records) + decoded.rejected.total(), "the ledger does not balance"
    records: Sequence[LogRecord] = decoded.records
    if records:
        columns.serialise(log_columns.log_columns([("p", record) for record in records], 1))


def _understand(records: Sequence[SpanRecord]) -> None:
    spans = [normalise(record) for record in records]
    resolve(spans)
    for span in spans:
        assert span.type in SPAN_TYPES
        assert span.cost_usd is None or (math.isfinite(span.cost_usd) and span.cost_usd >= 0)
        for count in (span.input_tokens, span.output_tokens, span.cache_read_tokens, span.reasoning_tokens):
            assert 0 <= count < 2**64
        json.dumps(messages(span.record.attributes, span.record.events, span.type).to_json())
    if spans:
        batch = [("p", span) for span in spans]
        for table in (
            columns.span_columns(batch, 1),
            columns.payload_columns(batch, 1),
            columns.activity_columns(batch),
        ):
            columns.serialise(table)


KEYS: Final = (
    "openinference.span.kind", "traceloop.span.kind", "traceloop.entity.input", "traceloop.entity.output",
    "llm.request.type", "gen_ai.operation.name", "mcp.method.name", "gen_ai.agent.name", "gen_ai.system",
    "gen_ai.provider.name", "gen_ai.request.model", "gen_ai.response.model", "gen_ai.response.finish_reasons",
    "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens", "gen_ai.usage.cache_read.input_tokens",
    "gen_ai.usage.reasoning_tokens", "gen_ai.input.messages", "gen_ai.output.messages",
    "gen_ai.system_instructions", "gen_ai.tool.definitions", "gen_ai.tool.name", "gen_ai.tool.call.arguments",
    "gen_ai.tool.call.result", "gen_ai.prompt.0.role", "gen_ai.prompt.0.content",
    "gen_ai.completion.0.tool_calls.0.name",
    "gen_ai.conversation.id", "llm.input_messages.0.message.content", "llm.input_messages.0.message.role",
    "llm.input_messages.0.message.contents.0.message_content.text",
    "llm.output_messages.0.message.tool_calls.0.tool_call.function.arguments", "llm.tools.0.tool.json_schema",
    "llm.token_count.prompt", "llm.token_count.completion", "llm.model_name", "llm.invocation_parameters",
    "llm.cost.total", "input.value", "input.mime_type", "output.value", "session.id", "user.id", "metadata", "tag.tags",
    "retrieval.documents.0.document.content", "tool.name", "tool.parameters", "error.type", "operation.cost",
    "ai.operationId", "ai.prompt", "ai.prompt.messages", "ai.response.text", "ai.response.toolCalls",
    "ai.toolCall.args",
    "ai.toolCall.result", "ai.usage.promptTokens", "langfuse.observation.type", "langfuse.observation.input",
    "langfuse.observation.usage_details", "langfuse.observation.cost_details", "langfuse.trace.metadata",
    "langsmith.span.kind", "gen_ai.prompt", "gen_ai.completion", "mlflow.spanType", "mlflow.spanInputs",
    "mlflow.spanOutputs", "mlflow.chat.tokenUsage", "logfire.msg", "request_data", "response_data",
    "all_messages_events",
    "pydantic_ai.all_messages", "tool_arguments", "tool_response", "db.system", "db.query.text", "message",
    "gcp.vertex.agent.llm_request", "gcp.vertex.agent.tool_call_args", "http.url",
)  # fmt: skip
WORDS: Final = (
    "", "chat", "LLM", "TOOL", "AGENT", "CHAIN", "RETRIEVER", "execute_tool", "invoke_agent", "tools/call", "workflow",
    "embeddings", "text_completion", "ai.generateText.doGenerate", "ai.toolCall", "generation", "CHAT_MODEL", "openai",
    "anthropic", "gpt-4o", "claude-3-5-sonnet-20241022", "application/json", "null", "nan", "1e400", "-1", "{}", "[]",
    '{"messages":[{"role":"user","content":[{"type":"text","text":"hi"}]}]}',
    '[{"role":"assistant","parts":[{"type":"tool_call","id":"c","name":"t","arguments":{"a":1}}]}]',
    '{"generations":[[{"message":{"kwargs":{"content":"x","tool_calls":[{"name":"t","args":{}}]}}}]]}',
    "{'input_str': \"{'a': 1}\"}", '{"kwargs":{"a":{"b":[1]}}}', '{"prompt_tokens":5,"completion_tokens":-2}',
    '{"id":"call_1","function":{"name":"f","arguments":"{\\"a\\":1}"}}', "content='x' name='t' tool_call_id='c'",
    '{"choices":[{"message":{"content":"x"},"finish_reason":"stop"}],"usage":{"total_tokens":1}}',
)  # fmt: skip
SCOPES: Final = (
    "app", "openinference.instrumentation.langchain", "openinference.instrumentation.smolagents",
    "openinference.instrumentation.crewai", "opentelemetry.instrumentation.openai_agents", "gcp.vertex.agent", "ai",
    "com.anthropic.sdk.python", "pydantic-ai", "logfire", "langfuse-sdk", "langsmith", "mlflow", "autogen-core",
    "strands.telemetry.tracer", "opentelemetry.instrumentation.langchain",
)  # fmt: skip
EVENTS: Final = (
    "exception",
    "gen_ai.choice",
    "gen_ai.tool.message",
    "gen_ai.user.message",
    "gen_ai.content.prompt",
    "x",
)
SECRET_KEYS: Final = (
    "password",
    "api_key",
    "apiKey",
    "authorization",
    "x-api-key",
    "token",
    "db.password",
    "max_tokens",
)
SECRETS: Final = (
    "password=hunter2 ", '"password": "hunter2",', "{'api_key': 'abc123'}", r'{\"token\": \"abc\"}',
    "Bearer abcdef0123456789",
    "sk-" + "a1B2" * 12, "AKIA" + "ABCDEFGH12345678", "ghp_" + "a1B2c3D4e5" * 4, "4111 1111 1111 1111",
    "4111111111111111",
    "postgres://user:secret@host/db", "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", "[redacted:", "secret", "=", ":", '"', "'", "\\", " ",
    "\n", ",", "}",
)  # fmt: skip
REDACTOR: Final = Redactor()

JSON_MEMBERS: Final = (
    "traceId", "spanId", "parentSpanId", "traceState", "name", "kind", "startTimeUnixNano", "endTimeUnixNano",
    "attributes", "events", "links", "status", "code", "message", "key", "value", "stringValue", "intValue",
    "doubleValue", "boolValue", "bytesValue",
    "arrayValue", "kvlistValue", "values", "droppedAttributesCount", "timeUnixNano", "trace_id", "x", "",
)  # fmt: skip
JSON_SCALARS: Final = (
    "null", "true", "false", "NaN", "-Infinity", "1e999", "1e-999", "-0", "0.0", "9223372036854775808", "9" * 400, '""',
    r'"\ud83d"', r'"\udc00x"', r'"\u0000"', f'"{"ab" * 16}"', f'"{"CD" * 8}"', '"AAE="', '"NaN"',
    "18446744073709551616",
)  # fmt: skip
MEMBERS: Final = (
    "role", "content", "parts", "type", "text", "name", "arguments", "tool_calls", "function", "id", "kwargs",
    "message", "messages", "input", "output", "usage", "args", "result", "response", "image_url",
)  # fmt: skip
NAMES: Final = ("x", "execute_tool t", "invoke_agent a", "handoff to b", "tools/call t", "chat gpt-4o", "ai.toolCall")


class _Words:
    """Reads bytes as choices: a byte each, zero when there are no more."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def byte(self) -> int:
        self._at += 1
        return self._data[self._at - 1] if self._at <= len(self._data) else 0

    def one(self, of: Sequence[str]) -> str:
        return of[self.byte() % len(of)]

    def text(self) -> str:
        """A word, some of the bytes as they are, or words put together as JSON or inside a text."""
        match self.byte() % 8:
            case 0 | 1 | 2:
                return self.one(WORDS)
            case 3:
                length = self.byte()
                raw = self._data[self._at : self._at + length]
                self._at += length
                return raw.decode("utf-8", "replace")
            case 4:
                return json.dumps(self.value(3), default=str)
            case 5:
                return self.one(WORDS)[: self.byte()]
            case 6:
                return self.one(WORDS) + self.one(WORDS)
        return json.dumps(self.one(WORDS))

    def value(self, depth: int) -> Value:
        match self.byte() % (8 if depth else 5):
            case 0 | 1:
                return self.text() if depth else self.one(WORDS)
            case 2:
                return self.byte() - 3
            case 3:
                return (0.5, math.nan, math.inf, -1e308, 1e300, 0.0)[self.byte() % 6]
            case 4:
                return (None, True, False, 2**63 - 1, -(2**63), b"\xff\x00")[self.byte() % 6]
            case 5:
                return [self.value(depth - 1) for _ in range(self.byte() % 4)]
        return {self.one(MEMBERS): self.value(depth - 1) for _ in range(self.byte() % 4)}

    def json(self, depth: int) -> str:
        """JSON as text, of OTLP's members mostly; whatever Python's encoder would not write, too."""
        match self.byte() % (8 if depth else 4):
            case 0:
                return self.one(JSON_SCALARS)
            case 1:
                return json.dumps(self.text())
            case 2:
                return str(self.byte() - 3)
            case 3:
                return f'"{NOW - self.byte()}"'
            case 4:
                return f"[{','.join(self.json(depth - 1) for _ in range(self.byte() % 4))}]"
        members = (f'"{self.one(JSON_MEMBERS)}":{self.json(depth - 1)}' for _ in range(self.byte() % 8))
        return f"{{{','.join(members)}}}"

    def attributes(self) -> dict[str, Value]:
        return {self.one(KEYS): self.value(2) for _ in range(self.byte() % 10)}

    def spans(self) -> list[SpanRecord]:
        found = []
        while self._at < len(self._data) and len(found) < 6:
            number = len(found)
            parent = self.byte() % 8
            found.append(
                SpanRecord(
                    "ab" * 16,
                    f"{number + 1:016x}",
                    f"{parent:016x}" if parent else "",
                    self.one(NAMES),
                    NOW + number,
                    NOW + number + self.byte(),
                    "client",
                    ("unset", "ok", "error")[self.byte() % 3],
                    "boom",
                    attributes=self.attributes(),
                    events=[Event(NOW, self.one(EVENTS), self.attributes()) for _ in range(self.byte() % 3)],
                    resource=Resource({"service.name": "s"}, "s"),
                    scope=Scope(self.one(SCOPES), "1"),
                )
            )
        return found
