"""When each scheduled job last did its work, kept where every process can read it.

In rows of `Lease` that nobody holds: `expires_at` is the moment. A worker writes each at most every few
seconds, so what is read may be that much too old.
"""

from __future__ import annotations

import threading
import time
from datetime import datetime
from typing import Final

import structlog
from django.db import DatabaseError
from django.utils import timezone

from tracestore.models import Lease

log = structlog.get_logger(__name__)

WRITE_SECONDS: Final = 10.0
_DONE, _FAILED = "passed/", "failed/"

_lock = threading.Lock()
_written: dict[str, float] = {}


def done(job: str) -> None:
    """The job did its work, whether or not there was any."""
    _write(_DONE + job)


def failed(job: str) -> None:
    """The job could not do its work: the store was away, or a defect."""
    _write(_FAILED + job)


def _write(name: str) -> None:
    now = time.monotonic()
    with _lock:
        if now - _written.get(name, -WRITE_SECONDS) < WRITE_SECONDS:
            return
        _written[name] = now
    try:
        Lease.objects.update_or_create(name=name, defaults={"holder": "", "expires_at": timezone.now()})
    except DatabaseError as error:
        # What is told of a job must not be what ends it.
        log.warning("a pass could not be written down", name=name, reason=type(error).__name__)


def forget() -> None:
    """Forgets what this process wrote, so that the next moment is written at once (for tests)."""
    with _lock:
        _written.clear()


def moments() -> tuple[dict[str, datetime], dict[str, datetime]]:
    """Job → when it last did its work, and when it last could not."""
    rows = Lease.objects.filter(name__startswith=_DONE) | Lease.objects.filter(name__startswith=_FAILED)
    at = dict(rows.values_list("name", "expires_at"))

    def of(kind: str) -> dict[str, datetime]:
        return {name.removeprefix(kind): moment for name, moment in at.items() if name.startswith(kind)}

    return of(_DONE), of(_FAILED)
