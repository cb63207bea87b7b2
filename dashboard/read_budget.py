"""How much a project may have the store read for its pages and its API: a token bucket of bytes for each project.

In memory, of this process: several web processes allow as many times more. A request that was let in is finished, all
of its questions, so that no page is half a page; what it reads is taken off afterwards and may become debt, which the
project's next requests wait for. Verdicts are on nobody's account: an agent that is not heard may burn more than the
question would have read.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Awaitable, Callable
from typing import Final, cast

from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.utils.decorators import sync_and_async_middleware
from prometheus_client import Counter

from tracestore.clickhouse import charging
from tracestore.errors import Overloaded
from tracestore.token_bucket import Bucket, Clock

#: What may be read at once, as seconds of the budget: a morning's look at every page, or one export.
BURST_SECONDS: Final = 60
#: Projects remembered at most; those with a full budget are forgotten first.
MOST_KEPT: Final = 10_000

READ = Counter("tracestore_read_bytes_total", "Bytes that the store read for projects, by what asked.", ["by"])
REFUSED = Counter(
    "tracestore_read_refused_total", "Requests of projects that had read too much, by what asked.", ["by"]
)


class Budgets:
    """The buckets of those who asked."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: dict[str, Bucket] = {}

    def wait(self, project: str) -> float:
        """Seconds until the project may ask again; 0 when it may now."""
        rate = settings.ENVIRONMENT.read_bytes_per_second
        with self._lock:
            bucket = self._buckets.get(project)
            return bucket.wait() if rate and bucket is not None else 0.0

    def charge(self, project: str, read_bytes: int) -> None:
        rate = settings.ENVIRONMENT.read_bytes_per_second
        if not rate:
            return
        with self._lock:
            bucket = self._buckets.get(project)
            if bucket is None:
                if len(self._buckets) >= MOST_KEPT:
                    self._buckets = {slug: one for slug, one in self._buckets.items() if not one.is_full()}
                if len(self._buckets) >= MOST_KEPT:
                    self._buckets.clear()
                bucket = self._buckets[project] = Bucket(rate, rate * BURST_SECONDS, self._clock)
            bucket.take(read_bytes)


budgets: Final = Budgets()


class Account:
    """On whose account one request reads: nobody's until its project is known. `by`: `api` or `page`."""

    def __init__(self) -> None:
        self.project = ""
        self.by = ""
        self._admitted = False

    def open(self, project: str, by: str) -> None:
        self.project, self.by = project, by

    def admit(self) -> None:
        """As `charging.Payer`. Decided at the first question of the request, for all of them."""
        if not self.project or self._admitted:
            return
        wait = budgets.wait(self.project)
        if wait:
            REFUSED.labels(self.by).inc()
            raise Overloaded(
                "This project has had the store read more than its budget. It fills up by itself: ask again"
                f" in {max(1, round(wait))} s, or for shorter times.",
                retry_after_s=wait,
            )
        self._admitted = True

    def charge(self, read_bytes: int) -> None:
        if self.project and read_bytes:
            READ.labels(self.by).inc(read_bytes)
            budgets.charge(self.project, read_bytes)


def read_for(project: str, by: str) -> None:
    """From here on the request reads on this project's account."""
    account = charging.current()
    if isinstance(account, Account):
        account.open(project, by)


@sync_and_async_middleware
def keep_account(
    get_response: Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]],
) -> Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]]:
    """Middleware that gives each request an account of its own."""
    if iscoroutinefunction(get_response):
        answer = cast("Callable[[HttpRequest], Awaitable[HttpResponseBase]]", get_response)

        async def asynchronous(request: HttpRequest) -> HttpResponseBase:
            with charging.paying(Account()):
                return await answer(request)

        return asynchronous

    answer_now = cast("Callable[[HttpRequest], HttpResponseBase]", get_response)

    def synchronous(request: HttpRequest) -> HttpResponseBase:
        with charging.paying(Account()):
            return answer_now(request)

    return synchronous
