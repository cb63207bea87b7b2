"""The jobs that follow a write. Each is idempotent and safe to run twice or to be killed."""

from __future__ import annotations

import structlog
from celery import shared_task

from tracestore import leases
from tracestore.clickhouse import settling
from tracestore.clickhouse.completing import Completing
from tracestore.errors import Unavailable

log = structlog.get_logger(__name__)

#: Passes of one task at most, so that a long backlog does not keep a worker from other work.
MOST_PASSES = 20

#: Which settled traces this worker has looked at for what other traces and payloads tell.
completing = Completing()

#: Longer than a pass takes; also how long settling rests after a worker was killed in the middle of
#: one. If a pass does take longer, two may run at once, which costs work and changes nothing.
LEASE_SECONDS = 15


@shared_task(name="tracestore.settle_traces")
def settle_traces() -> None:
    """Settles the traces that went quiet, pass by pass until none is left."""
    for _ in range(MOST_PASSES):
        with leases.hold("settle_traces", seconds=LEASE_SECONDS) as held:
            if not held:
                return  # another worker is at it
            try:
                done = settling.settle()
                completed = completing.run() if done.traces else 0
            except Unavailable as error:
                log.warning("settling waits for the store", reason=error.message)
                return
        if done.traces or done.spans_changed or completed:
            log.info("settled", traces=done.traces, spans_changed=done.spans_changed, spans_completed=completed)
        if not done.more:
            return
