"""What one ingest process accepts at most. Constants with reasons, one object, so that tests can shrink them."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class IngestLimits:
    """Limits of one process.

    body_bytes: after decompression; OTLP recommends 64 MiB.
    in_flight_bytes: bodies being worked on, decompressed. As Python objects they take two to three
        times as much, so this is what bounds the memory of the process under overload.
    pending_slices: parts of one export that wait for the store together; the rest is decoded later.
    commit_rows, commit_bytes: one insert. Larger ones gain nothing and hold everybody up.
    commits: inserts at a time: one being prepared while the store works on the other.
    second_rows: rows that must wait before a second insert starts beside the first.
    small_rows: an insert below this waits for company (`commit.py`): 2,000 rows at once cost the store
        half of what they cost in fours (`benchmarks/inserts.py`), more at once gain nothing.
    gather_s, gather_row_s: how long at most after the insert before: a moment, and what it takes the
        senders just answered to have as many rows decoded again while both cores are busy.
    retry_s: the pause before the only second attempt after the store did not answer.
    answer_s: how long an export waits without the store taking any of it. Senders give up after
        10 s by default; before that they can still be told to try again, and when.
    reads: gRPC messages taken in at a time; each may be as large as a body.
    read_s: how long a body may take to arrive.
    bisect_writes: inserts spent on finding the spans that the store refuses, per batch.
    retry_after_s: the delay told to senders that are turned away, spread so that they do not return
        together. The OpenTelemetry Python exporter gives up above its own 10 s.
    """

    body_bytes: int = 64 * MIB
    in_flight_bytes: int = 128 * MIB
    pending_slices: int = 16
    commit_rows: int = 20_000
    commit_bytes: int = 64 * MIB
    commits: int = 2
    second_rows: int = 8_000
    small_rows: int = 2_000
    gather_s: float = 0.03
    gather_row_s: float = 120e-6
    retry_s: float = 0.1
    answer_s: float = 8.0
    reads: int = 8
    read_s: float = 30.0
    bisect_writes: int = 256
    retry_after_s: tuple[float, float] = (2.0, 5.0)
