"""How many requests one caller may make of the API: a token bucket for each key and each person.

In memory, of this process: several web processes allow as many times more. Verdicts are not counted: agents ask
between any two steps, most are answered from memory, and one that was not heard may burn more than it would have
cost. Nor is this machine itself on an open installation: it has no name to tell its programs apart by.
"""

from __future__ import annotations

import threading
import time
from typing import Any, Final

from django.conf import settings
from prometheus_client import Counter
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from dashboard.api.authentication import identity
from tracestore.errors import Overloaded
from tracestore.token_bucket import Bucket, Clock

#: What may come at once, as seconds of the limit: a page or a script that begins asks for much, then for little.
BURST_SECONDS: Final = 4
#: Callers remembered at most; those who have paused are forgotten first.
MOST_KEPT: Final = 10_000

REFUSED = Counter("tracestore_api_refused_total", "API requests over the limit of their caller.", ["caller"])


class Callers:
    """The buckets of those who asked."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: dict[tuple[str, str], Bucket] = {}

    def take(self, caller: tuple[str, str], rate: int) -> float:
        """Seconds that the caller must wait; 0 when the request may go on, and was counted."""
        with self._lock:
            bucket = self._buckets.get(caller)
            if bucket is None:
                if len(self._buckets) >= MOST_KEPT:
                    self._buckets = {who: one for who, one in self._buckets.items() if not one.is_full()}
                if len(self._buckets) >= MOST_KEPT:
                    self._buckets.clear()
                bucket = self._buckets[caller] = Bucket(rate, rate * BURST_SECONDS, self._clock)
            wait = bucket.wait()
            if not wait:
                bucket.take(1)
            return wait

    def clear(self) -> None:
        with self._lock:
            self._buckets.clear()


callers: Final = Callers()


class CallerLimit(BaseThrottle):
    """Lets a request through, or says when to come again."""

    def allow_request(self, request: Request, view: Any) -> bool:
        rate = settings.ENVIRONMENT.api_requests_per_second
        caller = caller_of(request)
        if not rate or caller is None:
            return True
        wait = callers.take(caller, rate)
        if wait:
            REFUSED.labels(caller[0]).inc()
            raise Overloaded(f"Over {rate} requests a second: ask more slowly.", retry_after_s=wait)
        return True


def caller_of(request: Request) -> tuple[str, str] | None:
    """Which bucket counts a request, None for this machine itself. Keys of the same first characters share one."""
    if request.user is not None and request.user.is_authenticated:
        return "user", str(request.user.pk)
    if request.auth is not None and (prefix := identity(request).key_prefix):
        return "key", f"{identity(request).project} {prefix}"
    return None
