"""The rules for one log record, the same for every encoding (logs.proto, message LogRecord)."""

from __future__ import annotations

from typing import Final

from tracestore.spans.decode_limits import Outcome
from tracestore.spans.model import Attributes, Value

#: Severity numbers run from 1 (TRACE) to 24 (FATAL4); 0 is unspecified.
_MOST_SEVERE: Final = 24


def refusal(outcome: Outcome, time_ns: int, observed_ns: int) -> str | None:
    """The reason to refuse a record with these times, or None.

    One without any time is refused: given a time by us it would be another record each time it is sent.
    """
    moment = time_ns or observed_ns
    if not moment:
        return "no_time"
    if moment < outcome.limits.oldest_ns:
        return "time_too_old"
    if moment > outcome.latest_ns:
        return "time_in_future"
    return None


def identifier(raw: bytes, length: int, outcome: Outcome) -> str:
    """An id in hex. One that is no id reads as absent, and the record is kept (logs.proto, `trace_id`)."""
    if not raw:
        return ""
    if len(raw) != length or not any(raw):
        outcome.warnings["ids_invalid"] += 1
        return ""
    return raw.hex()


def severity(number: int) -> int:
    return number if 0 <= number <= _MOST_SEVERE else 0


def event_name(named: str, attributes: Attributes) -> str:
    """The event's name; before OTLP 1.5 it was the attribute `event.name`."""
    older: Value = named or attributes.get("event.name")
    return older if isinstance(older, str) else ""
