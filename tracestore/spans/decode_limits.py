"""What a received span may look like: limits, the reasons for refusing one, and the checks.

One implementation for every encoding: protobuf and JSON readers differ only in how they find the
fields. A span that breaks a rule is refused alone; a value that is too large is cut, never refused.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from tracestore.spans.model import SPAN_KINDS, STATUSES, Attributes, Resource

NANOS: Final = 1_000_000_000

#: Why a single span is refused; the words go into metrics and into the sender's error message.
REASONS: Final = {
    "malformed": "the span cannot be read",
    "too_large": "the span is larger than 16 MiB",
    "trace_id": "trace_id must be 16 bytes that are not all zero",
    "span_id": "span_id must be 8 bytes that are not all zero",
    "no_start_time": "start_time_unix_nano is missing",
    "time_too_old": "the span begins before 1990",
    "time_in_future": "the span begins or ends in the future",
    "not_storable": "the store refuses the span",
}

#: What was changed in spans that were kept; told to the sender as a warning.
WARNINGS: Final = {
    "attributes_over_limit": "attributes beyond the limit were dropped",
    "attribute_malformed": "attributes that cannot be read were dropped",
    "value_over_limit": "attribute values beyond the size limit were cut",
    "value_too_deep": "attribute values nested beyond the limit were cut",
    "events_over_limit": "events beyond the limit per span, or that cannot be read, were dropped",
    "links_over_limit": "links beyond the limit per span, or without valid ids, were dropped",
    "invalid_utf8": "invalid UTF-8 was replaced by U+FFFD",
    "ids_invalid": "trace or span ids of log records that are no ids were left out",
    "end_before_start": "spans that end before they begin were given a duration of zero",
}

#: Ends a text that was cut.
CUT: Final = "…"
#: Prefix of the attribute that keeps the true length in bytes of a value that was cut.
TRUNCATED: Final = "tracestore.truncated."


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of one span is kept. The defaults are generous: they stop abuse, not use.

    span_bytes: a span beyond this is refused; its attributes would be cut to nothing anyway.
    attributes: the SDKs stop at 128; beyond 1,000 a sender uses data as keys, and every key costs.
    value_bytes: a long conversation is 100 KiB; above 1 MiB a value is a file in disguise.
    depth: deeper values come from cyclic objects, and readers of JSON give up soon after.
    nodes: array and map entries of one span, and attributes of its events and links; small ones grow
        twentyfold in memory.
    events, links: streaming libraries record an event a chunk; pages cannot show more than this.
    name_chars, key_chars: names are put into dictionaries and on screens.
    future_ns: clocks run ahead by a time zone at most. The past has no limit but the oldest time
    that can be meant; late spans are welcome.
    """

    span_bytes: int = 16 << 20
    attributes: int = 1_000
    value_bytes: int = 1 << 20  # at least 16 KiB: shorter ones are read without looking
    depth: int = 32
    nodes: int = 100_000
    events: int = 1_000
    links: int = 1_000
    name_chars: int = 1_000
    key_chars: int = 500
    future_ns: int = 24 * 3600 * NANOS
    oldest_ns: int = 631_152_000 * NANOS  # 1990-01-01

    def __post_init__(self) -> None:
        if self.value_bytes < 16 << 10:
            raise ValueError("value_bytes must be at least 16 KiB")


DEFAULT_LIMITS: Final = Limits()

#: Taking the secrets out of a span is the work of so many steps: some twenty such spans make a slice.
SUSPECT_STEPS: Final = 200

_NO_TRACE: Final = bytes(16)
_NO_SPAN: Final = bytes(8)


@dataclass(slots=True)
class Outcome:
    """What happened to the spans of one request so far, and what it may still use."""

    limits: Limits = DEFAULT_LIMITS
    latest_ns: int = 0
    #: Laborious things met so far: tells when a slice has had its share of time.
    work: int = 0
    nodes: int = 0
    nodes_until: int = 0
    received: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    warnings: Counter[str] = field(default_factory=Counter)

    @classmethod
    def start(cls, limits: Limits, now_ns: int | None) -> Outcome:
        now = time.time_ns() if now_ns is None else now_ns
        return cls(limits, now + limits.future_ns, nodes_until=limits.nodes)

    def refusal(self, trace_id: bytes, span_id: bytes, start_ns: int, end_ns: int) -> str | None:
        """The reason to refuse a span with these ids and times, or None."""
        if len(trace_id) != 16 or trace_id == _NO_TRACE:
            return "trace_id"
        if len(span_id) != 8 or span_id == _NO_SPAN:
            return "span_id"
        if start_ns < self.limits.oldest_ns:
            return "time_too_old" if start_ns else "no_start_time"
        if start_ns > self.latest_ns or end_ns > self.latest_ns:
            return "time_in_future"
        return None

    def refuse(self, reason: str) -> None:
        """Counts a span that is not kept."""
        self.received += 1
        self.rejected[reason] += 1

    def end_of(self, start_ns: int, end_ns: int) -> int:
        """The end to keep: a span never ends before it begins."""
        if end_ns >= start_ns:
            return end_ns
        if end_ns:
            self.warnings["end_before_start"] += 1
        return start_ns

    def event_time(self, time_ns: int, start_ns: int) -> int:
        """The time of an event; one that cannot be meant becomes the start of its span."""
        if self.limits.oldest_ns <= time_ns <= self.latest_ns:
            return time_ns
        return start_ns

    def text(self, raw: bytes) -> str:
        """UTF-8 as text, with U+FFFD for what is not UTF-8."""
        try:
            return str(raw, "utf-8")
        except UnicodeDecodeError:
            self.warnings["invalid_utf8"] += 1
            return str(raw, "utf-8", "replace")

    def name(self, raw: bytes) -> str:
        """A name: text, cut to the limit."""
        return self._short(raw, self.limits.name_chars)

    def key(self, raw: bytes) -> str:
        """The name of an attribute."""
        return self._short(raw, self.limits.key_chars)

    def _short(self, raw: bytes, limit: int) -> str:
        if len(raw) <= limit:
            return self.text(raw)
        # Four bytes a character at most, so a megabyte is not decoded to keep a thousand letters.
        text = self.text(clipped(raw, limit * 4))
        return text if len(text) <= limit else text[: limit - 1] + CUT

    def allow_nodes(self) -> None:
        """A new span, resource or scope has its own allowance of nodes."""
        self.nodes_until = self.nodes + self.limits.nodes

    def node(self) -> bool:
        """Whether one more entry of a structure may be read of this span."""
        self.work += 1
        self.nodes += 1
        return self.nodes <= self.nodes_until


def sentences(
    rejected: Mapping[str, int], warnings: Mapping[str, int], reasons: Mapping[str, str] = REASONS
) -> list[str]:
    """One sentence for each reason, for the sender to read."""
    told = [f"{n} rejected: {reasons.get(reason, reason)}" for reason, n in rejected.items()]
    return told + [f"{n} changed: {WARNINGS[what]}" for what, n in warnings.items()]


def clipped(raw: bytes, limit: int) -> bytes:
    """At most `limit` bytes of UTF-8, cut between characters."""
    if len(raw) <= limit:
        return raw
    end = limit
    while end > limit - 4 and end > 0 and raw[end] & 0xC0 == 0x80:
        end -= 1
    return raw[:end]


def parent_id(raw: bytes) -> str:
    """The parent's id in hex; '' when absent, zero or of a wrong length (the span is then a root)."""
    return raw.hex() if len(raw) == 8 and raw != _NO_SPAN else ""


def valid_link(trace_id: bytes, span_id: bytes) -> bool:
    return len(trace_id) == 16 and len(span_id) == 8


def kind_of(number: int) -> str:
    """A SpanKind by its number; one that we do not know yet is unspecified."""
    return SPAN_KINDS[number] if 0 <= number < len(SPAN_KINDS) else "unspecified"


def status_of(number: int) -> str:
    """A StatusCode by its number."""
    return STATUSES[number] if 0 <= number < len(STATUSES) else "unset"


def resource_of(attributes: Attributes, schema_url: str = "", dropped: int = 0) -> Resource:
    """A resource, with `service` taken from `service.name`."""
    service = attributes.get("service.name", "")
    return Resource(attributes, service if isinstance(service, str) else "", schema_url, dropped)
