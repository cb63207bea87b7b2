"""OTLP log requests → log records (OTLP 1.11; logs.proto), a slice at a time, as `decode` does spans.

A record is judged alone: one that breaks a rule is counted with its reason and its neighbours are
kept. Limits, values, resources and scopes are read by the same code as those of spans.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from tracestore.errors import InvalidInput
from tracestore.spans import decode_limits
from tracestore.spans.decode_limits import DEFAULT_LIMITS, Limits, Outcome
from tracestore.spans.decode_logs_json import JsonLogs
from tracestore.spans.decode_logs_protobuf import ProtobufLogs
from tracestore.spans.model import LogRecord

__all__ = ["DecodedLogs", "decode_json", "decode_protobuf", "json_slices", "protobuf_slices", "sentences"]

#: Why a single log record is refused.
REASONS: Final = {
    "malformed": "the log record cannot be read",
    "too_large": "the log record is larger than 16 MiB",
    "no_time": "time_unix_nano and observed_time_unix_nano are both missing",
    "time_too_old": "the log record is from before 1990",
    "time_in_future": "the log record is from the future",
    "not_storable": "the store refuses the log record",
}

#: A slice ends after this many records, encoded bytes, or steps of any kind: some milliseconds of work.
SLICE_RECORDS: Final = 1_000
SLICE_BYTES: Final = 4 << 20
SLICE_STEPS: Final = 4_000
#: Records, resources, scopes and unknown fields of one request.
MOST_STEPS: Final = 2_000_000


@dataclass(slots=True)
class DecodedLogs:
    """Records that were read; `received == len(records) + rejected.total()`."""

    records: list[LogRecord] = field(default_factory=list)
    rejected: Counter[str] = field(default_factory=Counter)
    warnings: Counter[str] = field(default_factory=Counter)
    received: int = 0

    @property
    def messages(self) -> list[str]:
        """What to tell the sender: a sentence for each reason."""
        return sentences(self.rejected, self.warnings)


class _Walk(Protocol):
    """The records of one request: iterating gives a record, or None for any other step."""

    @property
    def broken(self) -> bool: ...

    def __iter__(self) -> Iterator[LogRecord | None]: ...


def sentences(rejected: Mapping[str, int], warnings: Mapping[str, int]) -> list[str]:
    """One sentence for each reason, for the sender to read."""
    return decode_limits.sentences(rejected, warnings, REASONS)


def protobuf_slices(
    body: bytes, limits: Limits = DEFAULT_LIMITS, *, now_ns: int | None = None
) -> Iterator[DecodedLogs]:
    """The records of an ExportLogsServiceRequest in protobuf, in order, some at a time.

    Of a body with broken framing, what precedes the break is kept. A slice may be without records.

    Raises:
        InvalidInput: the body is broken and not one record could be found in it, or it has more
            parts than any sender's.
    """
    outcome = Outcome.start(limits, now_ns)
    return _slices(ProtobufLogs(body, outcome), outcome)


def json_slices(body: bytes, limits: Limits = DEFAULT_LIMITS, *, now_ns: int | None = None) -> Iterator[DecodedLogs]:
    """The same for OTLP/JSON.

    Raises:
        InvalidInput: the body is not JSON of a logs request.
    """
    outcome = Outcome.start(limits, now_ns)
    return _slices(JsonLogs(body, outcome), outcome)


def decode_protobuf(body: bytes, limits: Limits = DEFAULT_LIMITS, *, now_ns: int | None = None) -> DecodedLogs:
    """A whole request in protobuf; see `protobuf_slices`."""
    return _joined(protobuf_slices(body, limits, now_ns=now_ns))


def decode_json(body: bytes, limits: Limits = DEFAULT_LIMITS, *, now_ns: int | None = None) -> DecodedLogs:
    """A whole request in OTLP/JSON; see `json_slices`."""
    return _joined(json_slices(body, limits, now_ns=now_ns))


def _slices(walk: _Walk, outcome: Outcome) -> Iterator[DecodedLogs]:
    part = DecodedLogs()
    size = 0
    until = SLICE_STEPS
    readable = told = False
    for steps, record in enumerate(walk):
        if record is not None:
            part.records.append(record)
            size += record.size
        if len(part.records) >= SLICE_RECORDS or size >= SLICE_BYTES or steps + outcome.work >= until:
            until = steps + outcome.work + SLICE_STEPS
            size = 0
            readable = readable or outcome.rejected["malformed"] < outcome.received
            told = told or bool(outcome.rejected["malformed"])
            yield _finished(part, outcome)
            part = DecodedLogs()
            if steps > MOST_STEPS:
                raise InvalidInput("the request has too many parts; send fewer log records at a time", field="body")
    if walk.broken:
        if not readable and outcome.rejected["malformed"] >= outcome.received:
            raise InvalidInput("the body is not an OTLP logs request in the encoding it claims", field="body")
        if not told and not outcome.rejected["malformed"]:
            # How many records were in the part that cannot be read nobody knows; one stands for them.
            outcome.refuse("malformed")
    if outcome.received or outcome.warnings:
        yield _finished(part, outcome)


def _finished(part: DecodedLogs, outcome: Outcome) -> DecodedLogs:
    """Moves what was counted since the last slice into this one."""
    part.received, outcome.received = outcome.received, 0
    part.rejected, outcome.rejected = +outcome.rejected, Counter()
    part.warnings, outcome.warnings = outcome.warnings, Counter()
    return part


def _joined(slices: Iterator[DecodedLogs]) -> DecodedLogs:
    whole = DecodedLogs()
    for part in slices:
        whole.records += part.records
        whole.rejected += part.rejected
        whole.warnings += part.warnings
        whole.received += part.received
    return whole
