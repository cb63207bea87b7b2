"""Small hand-made log records."""

from __future__ import annotations

from typing import Any

from tests.clickhouse.spans import SECOND, START
from tracestore.clickhouse.log_writer import LogWriter
from tracestore.spans.model import LogRecord, Resource, Scope

DETAILS = "gen_ai.client.inference.operation.details"
ASKED = [{"role": "user", "parts": [{"type": "text", "content": "the weather?"}]}]
ANSWERED = [{"role": "assistant", "parts": [{"type": "text", "content": "sunny"}], "finish_reason": "stop"}]


def log(number: int, event_name: str = DETAILS, *, trace: int = 1, **fields: Any) -> LogRecord:
    """A record of span `number` of trace `trace`, half a second after its beginning."""
    values: dict[str, Any] = {
        "trace_id": f"{trace:032x}",
        "span_id": f"{number:016x}",
        "time_ns": START + number * SECOND + SECOND // 2,
        "observed_ns": START + number * SECOND + SECOND // 2,
        "event_name": event_name,
        "resource": Resource({"service.name": "shop"}, "shop"),
        "scope": Scope("tests", "1"),
    }
    return LogRecord(**(values | fields))


def details(number: int, **fields: Any) -> LogRecord:
    """The event that repeats a whole call, usage and all."""
    attributes = {
        "gen_ai.input.messages": ASKED,
        "gen_ai.output.messages": ANSWERED,
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.output_tokens": 10,
        "gen_ai.response.finish_reasons": ["stop"],
        "user.id": "u-7",
        **fields.pop("attributes", {}),
    }
    return log(number, attributes=attributes, **fields)


def write_logs(*records: LogRecord, project: str = "default") -> None:
    LogWriter().write([(project, record) for record in records])
