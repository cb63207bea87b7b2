"""The jobs that follow a write. Each is idempotent and safe to run twice or to be killed."""

from __future__ import annotations

from datetime import UTC, datetime

import structlog
from celery import shared_task

from tracestore import leases, retention
from tracestore.clickhouse import expiry, settling
from tracestore.errors import Unavailable

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
                done = settling.settle()
            except Unavailable as error:
                log.warning("settling waits for the store", reason=error.message)
                return
        if done.traces or done.spans_changed:
            log.info("settled", traces=done.traces, spans_changed=done.spans_changed)
        if not done.more:
            return


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
