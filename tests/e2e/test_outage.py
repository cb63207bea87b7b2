"""The store away for some seconds under load; `benchmarks/chaos.py` does the same for a minute."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.chaos import Way, outage
from ingest.limits import IngestLimits
from tests.e2e.stack import Stack

LIMITS = IngestLimits()


@pytest.mark.parametrize("way", ["stopped", "killed"])
def test_senders_are_told_to_come_back_and_everything_arrives_once(tmp_path: Path, way: Way) -> None:
    with Stack(tmp_path / "data") as stack:
        # A stopped store keeps senders waiting for `answer_s` before they are told.
        report = outage(stack, way, LIMITS.answer_s + 4 if way == "stopped" else 6, rate=1_000)
        refused = stack.ledger()["refused"]
    assert (report.spans_missing, report.spans_doubled, report.given_up) == (0, 0, 0)
    assert report.told_a_delay > 0
    assert refused > 0
    assert set(report.answers) <= {"OK", "UNAVAILABLE", "RESOURCE_EXHAUSTED", "DEADLINE_EXCEEDED"}
    assert report.most_bytes - report.resting_bytes < 6 * LIMITS.in_flight_bytes
