"""The jobs that follow a write. Each is idempotent and safe to run twice or to be killed."""

from __future__ import annotations

import threading
import time
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import structlog
from celery import shared_task
from django.utils import timezone

from tracestore import (
    closed,
    deletion,
    deletion_work,
    detector_settings,
    heap,
    leases,
    passes,
    prices,
    project_deletion_work,
    replay,
    repricing,
    retention,
    window_detection,
)
from tracestore.alerts import breakers, budgets, builtin_rules, delivery, evaluation, incidents
from tracestore.alerts import expiry as alerts_expiry
from tracestore.clickhouse import expiry, settling
from tracestore.clickhouse.detecting import health, looking
from tracestore.clickhouse.repricing import Calls
from tracestore.detection import Looker
from tracestore.errors import TracestoreError, Unavailable
from tracestore.models import Backtest, Repricing

log = structlog.get_logger(__name__)

#: Passes of one task at most, so that a long backlog does not keep a worker from other work.
MOST_PASSES = 20


@shared_task(name="tracestore.settle_traces")
def settle_traces() -> None:
    """Settles the traces that went quiet, pass by pass until none is left."""
    for _ in range(MOST_PASSES):
        with leases.hold("settle_traces", seconds=leases.SETTLING_SECONDS) as held:
            if not held:
                return  # another worker is at it
            try:
                done = settling.settle(prices.overrides_of)
            except Unavailable as error:
                log.warning("settling waits for the store", reason=error.message)
                passes.failed("settle_traces")
                return
        passes.done("settle_traces")
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
    if job is None or job.project.closed_at is not None:
        return

    def tell(**fields: Any) -> None:
        Repricing.objects.filter(pk=number).update(told_at=timezone.now(), **fields)

    calls = Calls(job.project.slug, job.model, since=job.since, until=job.until)
    told = 0.0
    try:
        for progress in repricing.reprice(calls):
            if time.monotonic() - told >= TELL_SECONDS:
                told = time.monotonic()
                closed.check(job.project.slug)
                tell(state="running", calls=progress.calls, seen=progress.seen, outcome=progress.as_list())
        tell(state="done", calls=progress.calls, seen=progress.seen, outcome=progress.as_list())
    except TracestoreError as error:
        tell(state="failed", message=error.message[:300])
    except Exception:
        tell(state="failed", message="An internal error occurred. The worker's log tells more.")
        raise


@shared_task(name="tracestore.delete_data", time_limit=6 * 3600)
def delete_data() -> None:
    """Does the deletions that were ordered, those too that a killed worker left; then projects whose day has come."""
    while deletion_work.TURNS.perform_next():
        pass
    while project_deletion_work.TURNS.perform_next():
        pass
    passes.done("delete_data")


@shared_task(name="tracestore.expire_data")
def expire_data() -> None:
    """Deletes what projects no longer keep. Bounded: what one run leaves, the next one does."""
    with leases.hold("expire_data", seconds=leases.EXPIRY_SECONDS) as held:
        if not held:
            return
        for table, kept_from in retention.kept_from(datetime.now(UTC).date()).items():
            try:
                done = expiry.expire(table, kept_from)
            except Unavailable as error:
                log.warning("retention waits for the store", reason=error.message)
                passes.failed("expire_data")
                return
            if done.rows:
                log.info("expired", table=table, rows=done.rows, parts=done.parts_dropped,
                         rewritten=done.partitions_rewritten, more=done.more)  # fmt: skip
        passes.done("expire_data")


#: A pass that takes longer lets another worker begin the same one, which costs work and changes nothing.
LOOK_LEASE_SECONDS = 60
WINDOWS_LEASE_SECONDS = 900
#: How often traces that went silent are looked for, and free memory is given back.
SILENT_SECONDS = 60.0

#: What this process remembers of traces it looked at; one look at a time.
_looker = Looker()
_looker_since = timezone.now()
_looking = threading.Lock()
_silent_at = 0.0


@shared_task(name="tracestore.detect_traces")
def detect_traces() -> None:
    """Looks at traces that changed, pass by pass, and each minute at those that went silent."""
    global _looker, _looker_since, _silent_at
    if not _looking.acquire(blocking=False):
        return
    try:
        for _ in range(MOST_PASSES):
            with leases.hold("detect_traces", seconds=LOOK_LEASE_SECONDS) as held:
                if not held:
                    return  # another worker is at it
                now = timezone.now()
                if deletion.touched_since(_looker_since):
                    # Texts of deleted runs are among what it remembers.
                    _looker, _looker_since = Looker(), now
                try:
                    done = _looker.look()
                    if time.monotonic() - _silent_at >= SILENT_SECONDS:
                        _silent_at = time.monotonic()
                        _looker.look_at_silent()
                        heap.give_back()
                except Unavailable as error:
                    log.warning("detection waits for the store", reason=error.message)
                    passes.failed("detect_traces")
                    return
            passes.done("detect_traces")
            if done.findings or done.withdrawn:
                log.info("looked", traces=done.traces, findings=done.findings, withdrawn=done.withdrawn,
                         lag_seconds=round(done.lag_seconds, 1))  # fmt: skip
            if not done.more:
                return
    finally:
        _looking.release()


@shared_task(name="tracestore.judge_windows")
def judge_windows() -> None:
    """Counts histories and lets the detectors of windows judge whose turn it is."""
    with leases.hold("judge_windows", seconds=WINDOWS_LEASE_SECONDS) as held:
        if not held:
            return
        try:
            made = window_detection.judge_due(timezone.now())
        except Unavailable as error:
            log.warning("detection over time waits for the store", reason=error.message)
            passes.failed("judge_windows")
            return
        passes.done("judge_windows")
        if made:
            log.info("judged", findings=made)


#: What this process remembers of whole days.
_days = health.DayFigures()
_days_since = timezone.now()


@shared_task(name="tracestore.agent_health")
def agent_health() -> None:
    """Works out the state of each agent."""
    global _days, _days_since
    with leases.hold("agent_health", seconds=LOOK_LEASE_SECONDS) as held:
        if not held:
            return
        now = timezone.now()
        if deletion.touched_since(_days_since):
            # Agents of deleted runs are among what it remembers, and would get a state anew.
            _days, _days_since = health.DayFigures(), now
        try:
            health.work_out(looking.now(), without=closed.slugs(), days=_days)
            passes.done("agent_health")
        except Unavailable as error:
            log.warning("health waits for the store", reason=error.message)
            passes.failed("agent_health")


@shared_task(name="tracestore.backtest", time_limit=3600)
def backtest(number: int) -> None:
    """Does the backtest that was asked for (a `Backtest` row) and tells its progress there."""
    job = Backtest.objects.select_related("project").filter(pk=number).first()
    if job is None or job.project.closed_at is not None:
        return

    def tell(**fields: Any) -> None:
        Backtest.objects.filter(pk=number).update(told_at=timezone.now(), **fields)

    past = replay.Past(job.project.slug, job.since, job.until, job.agent)
    told = 0.0
    try:
        for progress in replay.backtest(past, detector_settings.parts(job.detector), job.values):
            if time.monotonic() - told >= TELL_SECONDS:
                told = time.monotonic()
                closed.check(job.project.slug)
                tell(state="running", total=progress.total, seen=progress.seen)
        outcome = {**asdict(progress.outcome), "sentence": progress.outcome.sentence(past)}
        tell(state="done", total=progress.total, seen=progress.seen, outcome=outcome)
    except TracestoreError as error:
        tell(state="failed", message=error.message[:300])
    except Exception:
        tell(state="failed", message="An internal error occurred. The worker's log tells more.")
        raise


#: Longer than a pass over many rules takes. Two at once would cost work: rows are changed by compare-and-swap.
ALERTS_LEASE_SECONDS = 60


#: How often a project that was made while we run is given the rules that ship.
RULES_SECONDS = 60.0
_rules_at = 0.0


def _ensure_rules() -> None:
    global _rules_at
    if _rules_at == 0.0 or time.monotonic() - _rules_at >= RULES_SECONDS:
        builtin_rules.ensure_all()
        _rules_at = time.monotonic()


@shared_task(name="tracestore.evaluate_alerts")
def evaluate_alerts() -> None:
    """Rules → alerts → incidents → what is to be told."""
    with leases.hold("evaluate_alerts", seconds=ALERTS_LEASE_SECONDS) as held:
        if not held:
            return
        now = timezone.now()
        try:
            _ensure_rules()
            evaluation.evaluate(now)
            seen = passes.done
        except Unavailable as error:
            log.warning("alert rules wait for the store", reason=error.message)
            seen = passes.failed
        # What is known already goes on without the store.
        incidents.absorb(now)
        breakers.follow(now)
        incidents.tick(now)
        seen("evaluate_alerts")
    send_notifications.delay()


@shared_task(name="tracestore.send_notifications", time_limit=300)
def send_notifications() -> None:
    """Sends what is to be sent. Several may run at once: each notification is claimed by one."""
    delivery.send_due(timezone.now())
    passes.done("send_notifications")


@shared_task(name="tracestore.judge_budgets")
def judge_budgets() -> None:
    """Works out what is spent of each budget."""
    with leases.hold("judge_budgets", seconds=ALERTS_LEASE_SECONDS) as held:
        if not held:
            return
        try:
            budgets.judge_all(timezone.now())
            passes.done("judge_budgets")
        except Unavailable as error:
            log.warning("budgets wait for the store", reason=error.message)
            passes.failed("judge_budgets")


@shared_task(name="tracestore.expire_alerts")
def expire_alerts() -> None:
    """Deletes what on-call needs no more. Bounded, as above."""
    deleted = alerts_expiry.expire(timezone.now())
    passes.done("expire_alerts")
    if deleted:
        log.info("expired", table="alerts", rows=deleted)
