"""OTLP export requests → span records (OTLP 1.11, specification.md; trace.proto).

Every span is judged alone: one that breaks a rule is counted with its reason and its neighbours are
kept. A request is given in slices, so that a large one neither stalls an event loop nor has to be in
memory whole as Python objects, which take several times the room of their encoding.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from tracestore.errors import InvalidInput
from tracestore.spans.decode_limits import DEFAULT_LIMITS, SUSPECT_STEPS, Limits, Outcome, sentences
from tracestore.spans.decode_protobuf import ProtobufSpans
from tracestore.spans.model import SpanRecord
from tracestore.spans.otlp_json import JsonSpans

__all__ = ["Decoded", "Limits", "decode_json", "decode_protobuf", "json_slices", "protobuf_slices", "sentences"]

#: A slice ends after this many spans or encoded bytes, or this many parts of any kind, entries of
#: values too: some 5 ms of work, also for a request made to be laborious.
SLICE_SPANS: Final = 512
SLICE_BYTES: Final = 4 << 20
SLICE_STEPS: Final = 4_000
#: Spans, resources, scopes and unknown fields of one request; 64 MiB of the smallest spans are 1.4 M.
MOST_STEPS: Final = 2_000_000


@dataclass(slots=True)
class Decoded:
    """Spans that were read. `received` counts those refused too; `size` is of the encoded spans.

    `rejected` counts spans that were refused and `warnings` what was changed in spans that were kept,
    by reason; `received == len(records) + rejected.total()`.
    """

    records: list[SpanRecord] = field(default_factory=list)
    rejected: Counter[str] = field(default_factory=Counter)
    warnings: Counter[str] = field(default_factory=Counter)
    received: int = 0
    size: int = 0

    @property
    def messages(self) -> list[str]:
        """What to tell the sender, in English (OTLP "Partial Success"): a sentence for each reason."""
        return sentences(self.rejected, self.warnings)


def decode_protobuf(body: bytes, limits: Limits = DEFAULT_LIMITS, *, now_ns: int | None = None) -> Decoded:
    """A whole ExportTraceServiceRequest in protobuf; see `protobuf_slices`."""
    return _joined(protobuf_slices(body, limits, now_ns=now_ns))


def decode_json(body: bytes, limits: Limits = DEFAULT_LIMITS, *, now_ns: int | None = None) -> Decoded:
    """A whole ExportTraceServiceRequest in OTLP/JSON; see `json_slices`."""
    return _joined(json_slices(body, limits, now_ns=now_ns))


def protobuf_slices(
    body: bytes,
    limits: Limits = DEFAULT_LIMITS,
    *,
    now_ns: int | None = None,
    suspicious: Callable[[bytes], bool] | None = None,
) -> Iterator[Decoded]:
    """The spans of a request in protobuf, in order, some at a time; nothing for an empty request.

    Invalid UTF-8 is replaced by U+FFFD. Of a body with broken framing, what precedes the break is kept.
    A slice may be without records, when much of the request had to be refused. `suspicious` is asked for
    the bytes of each span, of its resource and scope and of their schemas; what it says of a span is in `suspect`.

    Raises:
        InvalidInput: the body is broken and not one span could be found in it, or it has more parts
            than any sender's; what came in slices before stands.
    """
    outcome = Outcome.start(limits, now_ns)
    return _slices(ProtobufSpans(body, outcome, suspicious), outcome)


def json_slices(
    body: bytes, limits: Limits = DEFAULT_LIMITS, *, now_ns: int | None = None, suspect: bool = False
) -> Iterator[Decoded]:
    """The spans of a request in OTLP/JSON (OTLP "JSON Protobuf Encoding"); as `protobuf_slices`.

    Spans have no bytes of their own here: all are `suspect` if the request is.

    Raises:
        InvalidInput: the body is not JSON of an export request.
    """
    outcome = Outcome.start(limits, now_ns)
    return _slices(JsonSpans(body, outcome), outcome, suspect=suspect)


def _slices(spans: ProtobufSpans | JsonSpans, outcome: Outcome, *, suspect: bool = False) -> Iterator[Decoded]:
    part = Decoded()
    until = SLICE_STEPS
    readable = told = False
    for steps, (size, record) in enumerate(spans):
        part.size += size
        if record is not None:
            part.records.append(record)
            if suspect:
                record.suspect = True
                outcome.work += SUSPECT_STEPS
        if len(part.records) >= SLICE_SPANS or part.size >= SLICE_BYTES or steps + outcome.work >= until:
            until = steps + outcome.work + SLICE_STEPS
            readable = readable or outcome.rejected["malformed"] < outcome.received
            told = told or bool(outcome.rejected["malformed"])
            yield _finished(part, outcome)
            part = Decoded()
            if steps > MOST_STEPS:
                raise InvalidInput("the request has too many parts; send fewer spans at a time", field="body")
    if spans.broken:
        if not readable and outcome.rejected["malformed"] >= outcome.received:
            raise InvalidInput("the body is not an OTLP export request in the encoding it claims", field="body")
        if not told and not outcome.rejected["malformed"]:
            # How many spans were in the part that cannot be read nobody knows; one stands for them.
            outcome.refuse("malformed")
    if outcome.received or outcome.warnings:
        yield _finished(part, outcome)


def _finished(part: Decoded, outcome: Outcome) -> Decoded:
    """Moves what was counted since the last slice into this one."""
    part.received, outcome.received = outcome.received, 0
    part.rejected, outcome.rejected = outcome.rejected, Counter()
    part.warnings, outcome.warnings = outcome.warnings, Counter()
    return part


def _joined(slices: Iterator[Decoded]) -> Decoded:
    whole = Decoded()
    for part in slices:
        whole.records += part.records
        whole.rejected += part.rejected
        whole.warnings += part.warnings
        whole.received += part.received
        whole.size += part.size
    return whole
