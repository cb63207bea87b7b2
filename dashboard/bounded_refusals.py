"""How many refusals the audit log takes: so many of one caller in a minute, the rest is only counted.

In memory, of this process. Without a bound, whoever holds any key could fill the log by asking for what it may not do.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

from django.http import HttpRequest
from prometheus_client import Counter

from dashboard.audit_requests import actor_of

MOST_A_MINUTE: Final = 20
#: Callers remembered; more than that in one minute share what is left.
MOST_KEPT: Final = 1000

UNRECORDED = Counter("tracestore_audit_refusals_unrecorded_total", "Refusals beyond what the audit log takes.")


class Refusals:
    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._minute = 0
        self._counts: dict[str, int] = {}

    def take(self, request: HttpRequest) -> bool:
        """Whether one more of this caller is recorded."""
        actor = actor_of(request)
        return self.take_of(f"{actor.kind} {actor.name}")

    def take_of(self, caller: str) -> bool:
        minute = int(self._clock() // 60)
        with self._lock:
            if minute != self._minute:
                self._minute, self._counts = minute, {}
            if caller not in self._counts and len(self._counts) >= MOST_KEPT:
                caller = ""
            self._counts[caller] = self._counts.get(caller, 0) + 1
            taken = self._counts[caller] <= MOST_A_MINUTE
        if not taken:
            UNRECORDED.inc()
        return taken

    def clear(self) -> None:
        with self._lock:
            self._counts.clear()


refusals: Final = Refusals()
