"""The jobs that follow a write. Each is idempotent and safe to run twice or to be killed."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import structlog
from celery import shared_task
from django.utils import timezone

from tracestore import leases, prices, repricing, retention
from tracestore.clickhouse import expiry, settling
from tracestore.clickhouse.repricing import Calls
from tracestore.errors import TracestoreError, Unavailable
from tracestore.models import Repricing

log = structlog.get_logger(__name__)

#: Passes of one task at most, so that a long backlog does not keep a worker from other work.
MOST_PASSES = 20

#: Longer than a pass takes; also how long settling rests after a worker was killed in the middle of
#: one. If a pass does take longer, two may run at once, which costs work and changes nothing.
LEASE_SECONDS = 15
#: A run that rewrites its most partitions takes minutes (the worker ends it after five).
EXPIRY_LEASE_SECONDS = 300


@shared_task(name="tracestore.settle_traces")
def settle_traces() -> None:
    """Settles the traces that went quiet, pass by pass until none is left."""
    for _ in range(MOST_PASSES):
        with leases.hold("settle_traces", seconds=LEASE_SECONDS) as held:
            if not held:
                return  # another worker is at it
            try:
                done = settling.settle(prices.overrides_of)
            except Unavailable as error:
                log.warning("settling waits for the store", reason=error.message)
                return
        if done.traces or done.spans_changed:
            log.info("settled", traces=done.traces, spans_changed=done.spans_changed)
        if not done.more:
            return


#: How often a recalculation writes down how far it is.
TELL_SECONDS = 0.5


@shared_task(name="tracestore.reprice", time_limit=6 * 3600)
def reprice(number: int) -> None:
    """Does the recalculation that was asked for (a `Repricing` row) and tells its progress there."""
    job = Repricing.objects.select_related("project").filter(pk=number).first()
    if job is None:
        return

    def tell(**fields: Any) -> None:
        Repricing.objects.filter(pk=number).update(told_at=timezone.now(), **fields)

    calls = Calls(job.project.slug, job.model, since=job.since, until=job.until)
    told = 0.0
    try:
        for progress in repricing.reprice(calls):
            if time.monotonic() - told >= TELL_SECONDS:
                told = time.monotonic()
                tell(state="running", calls=progress.calls, seen=progress.seen, outcome=progress.as_list())
        tell(state="done", calls=progress.calls, seen=progress.seen, outcome=progress.as_list())
    except TracestoreError as error:
        tell(state="failed", message=error.message[:300])
    except Exception:
        tell(state="failed", message="An internal error occurred. The worker's log tells more.")
        raise


@shared_task(name="tracestore.expire_data")
def expire_data() -> None:
    """Deletes what projects no longer keep. Bounded: what one run leaves, the next one does."""
    with leases.hold("expire_data", seconds=EXPIRY_LEASE_SECONDS) as held:
        if not held:
            return
        for table, kept_from in retention.kept_from(datetime.now(UTC).date()).items():
            try:
                done = expiry.expire(table, kept_from)
            except Unavailable as error:
                log.warning("retention waits for the store", reason=error.message)
                return
            if done.rows:
                log.info("expired", table=table, rows=done.rows, parts=done.parts_dropped,
                         rewritten=done.partitions_rewritten, more=done.more)  # fmt: skip
