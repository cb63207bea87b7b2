"""What detectors did, cost and failed at, kept where every process can read it."""

from __future__ import annotations

import threading
import time
from typing import Final

from django.db.models import F
from django.db.models.functions import Greatest
from django.utils import timezone

from tracestore.detectors.running import Tallies
from tracestore.models import DetectorRun

#: How long tallies are added up before they are written; a failure is written at once.
WRITE_SECONDS: Final = 10.0

_lock = threading.Lock()
_waiting = Tallies()
_written_at = 0.0


def count(tallies: Tallies) -> None:
    """Adds what detectors did. Written every few seconds."""
    global _waiting, _written_at
    with _lock:
        failed = False
        for detector, tally in tallies.of.items():
            _waiting.one(detector).add(tally)
            failed |= tally.failures > 0
        if not failed and time.monotonic() - _written_at < WRITE_SECONDS:
            return
        taken, _waiting = _waiting, Tallies()
        _written_at = time.monotonic()
    for detector, tally in taken.of.items():
        DetectorRun.objects.get_or_create(detector=detector)
        rows = DetectorRun.objects.filter(detector=detector)
        rows.update(
            looks=F("looks") + tally.looks,
            findings=F("findings") + tally.findings,
            failures=F("failures") + tally.failures,
            cpu_seconds=F("cpu_seconds") + tally.cpu_seconds,
            slowest_seconds=Greatest(F("slowest_seconds"), tally.slowest_seconds),
        )
        if tally.failures:
            rows.update(last_failure=tally.failure, last_failure_at=timezone.now())


def flush() -> None:
    """Writes what is waiting."""
    global _written_at
    _written_at = -WRITE_SECONDS
    count(Tallies())
