"""How much each project may send: token buckets, one set for each process. No I/O; the clock is given.

How many spans a body holds is known only after decoding it, which is what a flood must not cost. So
a bucket may go into debt: an export is let in, whole, while its project has no debt, and is charged
with its bytes at once and with its spans as they are decoded. Who has debt is turned away before the
body is read, whatever its size, until the debt is paid. In any stretch of time a project thus gets in
what its limits allow, plus the exports that the last allowed moment let in.

What was let in stays charged, whatever becomes of it: the work was done.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Final, TypeAlias

import prometheus_client

from tracestore.errors import Overloaded
from tracestore.rates import BURST_SECONDS, Rates
from tracestore.token_bucket import Bucket, Clock

#: The limits of a project, from memory; None for a project without any.
RatesOf: TypeAlias = Callable[[str], Rates | None]

SPANS: Final = "spans"
BYTES: Final = "bytes"


class _Held:
    """The buckets of one project, and the limits that they were made for."""

    __slots__ = ("buckets", "rates")

    def __init__(self) -> None:
        self.rates: Rates | None = None
        self.buckets: dict[str, Bucket] = {}


class RateLimits:
    """The limits that this process holds. All calls come from the event loop.

    rates_of: the limits of a project.
    refused: counts refused exports; has the label `limit`.
    delay_s: the shortest and the longest delay told to a sender. Longer ones make standard exporters give up.
    processes: how many share the ports; each holds its share of every limit.
    """

    def __init__(
        self,
        rates_of: RatesOf,
        refused: prometheus_client.Counter,
        delay_s: tuple[float, float],
        *,
        processes: int = 1,
        clock: Clock = time.monotonic,
    ) -> None:
        self._rates_of = rates_of
        self._refused = {limit: refused.labels(limit) for limit in (SPANS, BYTES)}
        self._delay_s = delay_s
        self._processes = processes
        self._clock = clock
        self._held: dict[str, _Held] = {}

    def admit(self, project: str, size: int = 0) -> None:
        """Lets an export in and charges a body of `size` bytes; 0 while that is not known yet.

        Raises:
            Overloaded: the project has used up a limit; nothing was charged.
        """
        buckets = self._buckets(project)
        if not buckets:
            return
        wait, limit = max((bucket.wait(), limit) for limit, bucket in buckets.items())
        if wait:
            self._refused[limit].inc()
            allowed = buckets[limit].rate * self._processes
            raise Overloaded(
                f"the project sends more than its limit of {allowed:.0f} {limit} a second; nothing was stored",
                retry_after_s=self._delay(wait),
            )
        if size and BYTES in buckets:
            buckets[BYTES].take(size)

    def charge(self, project: str, spans: int) -> None:
        """Charges spans, or log records, of an export that was let in."""
        bucket = self._buckets(project).get(SPANS)
        if bucket is not None:
            bucket.take(spans)

    def _delay(self, wait: float) -> float:
        """Until the debt is paid, within what senders put up with; spread, so that they do not return together."""
        shortest, longest = self._delay_s
        return random.uniform(max(shortest, min(wait, longest)), longest)  # noqa: S311

    def _buckets(self, project: str) -> dict[str, Bucket]:
        rates = self._rates_of(project)
        if rates is None:
            # Forgotten with its debt; there is nothing left to hold it against.
            if project in self._held:
                del self._held[project]
            return {}
        held = self._held.get(project)
        if held is None:
            held = self._held[project] = _Held()
        if held.rates != rates:
            held.rates = rates
            self._adapt(held.buckets, SPANS, rates.spans_per_second, rates.burst)
            self._adapt(held.buckets, BYTES, rates.bytes_per_second, None)
        return held.buckets

    def _adapt(self, buckets: dict[str, Bucket], limit: str, per_second: int | None, burst: int | None) -> None:
        if per_second is None:
            buckets.pop(limit, None)
            return
        rate = per_second / self._processes
        capacity = rate * BURST_SECONDS if burst is None else burst / self._processes
        if limit in buckets:
            buckets[limit].become(rate, capacity)
        else:
            buckets[limit] = Bucket(rate, capacity, self._clock)
