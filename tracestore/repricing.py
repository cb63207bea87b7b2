"""Recalculates the cost of stored calls, by command or in the background. Idempotent, safe to kill.

The totals of the affected traces follow by themselves: their traces settle again.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from kombu.exceptions import OperationalError

from tracestore import leases, prices
from tracestore.clickhouse import repricing
from tracestore.clickhouse.repricing import Batch, Calls
from tracestore.errors import Overloaded, Unavailable
from tracestore.models import Project, Repricing

#: The lease of settling, which rewrites rows too: two writers of one row would undo each other.
LEASE: Final = "settle_traces"
LEASE_SECONDS: Final = 15
#: How long a batch waits for its turn.
PATIENCE_SECONDS: Final = 120.0


#: A recalculation in the background that told nothing for so long was killed with its worker.
SILENT: Final = timedelta(seconds=PATIENCE_SECONDS + 30)


@dataclass(slots=True)
class Outcome:
    """What became of the calls of one model. Costs are sums over the calls that changed, in dollars."""

    model: str
    calls: int = 0
    old_cost_usd: float = 0.0
    new_cost_usd: float = 0.0
    newly_priced: int = 0
    newly_unpriced: int = 0


@dataclass(slots=True)
class Progress:
    """How far it is: `seen` of `calls` are done, `outcome` is what changed so far, by model."""

    calls: int
    seen: int = 0
    day: str = ""
    outcome: dict[str, Outcome] = field(default_factory=dict)

    @property
    def changed(self) -> int:
        return sum(one.calls for one in self.outcome.values())

    def as_list(self) -> list[dict[str, Any]]:
        return [asdict(one) for _, one in sorted(self.outcome.items())]


def reprice(calls: Calls, *, dry_run: bool = False) -> Iterator[Progress]:
    """Prices these calls again, yielding the progress (always the same object) after each batch.

    Raises:
        Unavailable: the store does not answer; what was written stays, and the rest may be done later.
        Overloaded: settling did not pause for long; likewise.
    """
    days = repricing.days(calls)
    progress = Progress(sum(count for _, count in days))
    yield progress
    for day, _ in days:
        progress.day = day
        for batch in repricing.batches(calls, day, prices.overrides_of(calls.project)):
            if batch.changes and not dry_run:
                with turn():
                    repricing.rewrite(batch)
            tally(progress, batch)
            yield progress


@contextmanager
def turn() -> Iterator[None]:
    """Waits until settling rests, and keeps it resting for the block."""
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        with leases.hold(LEASE, seconds=LEASE_SECONDS) as held:
            if held:
                yield
                return
        if time.monotonic() > end:
            raise Overloaded("Settling did not pause for two minutes. Start the recalculation again later.")
        time.sleep(0.1)


def tally(progress: Progress, batch: Batch) -> None:
    progress.seen += batch.calls
    for change in batch.changes:
        span = change.span
        model = span.model or span.request_model
        outcome = progress.outcome.setdefault(model, Outcome(model))
        outcome.calls += 1
        outcome.old_cost_usd += change.old_cost or 0.0
        outcome.new_cost_usd += span.cost_usd or 0.0
        outcome.newly_priced += change.old_cost is None and span.cost_usd is not None
        outcome.newly_unpriced += change.old_cost is not None and span.cost_usd is None


def is_going(job: Repricing) -> bool:
    """Whether it waits or runs, and has told so lately."""
    going = job.state in (Repricing.State.WAITING, Repricing.State.RUNNING)
    return going and datetime.now(UTC) - job.told_at <= SILENT


def start(calls: Calls, user: Any = None) -> Repricing:
    """Asks the worker for a recalculation in the background.

    By the task's name, through our own application: a web process has loaded no tasks.

    Raises:
        Overloaded: one of this project is under way; each takes a thread of the worker.
        Unavailable: the queue of background work does not answer; nothing was started.
    """
    from tracestore.celery import app

    project = Project.every.get_or_create(slug=calls.project, defaults={"name": calls.project})[0]
    if any(is_going(job) for job in Repricing.objects.filter(project=project).order_by("-pk")[:1]):
        raise Overloaded("A recalculation is under way. Start the next one when it is done.", retry_after_s=10)
    job = Repricing.objects.create(
        project=project, model=calls.model, since=calls.since, until=calls.until, requested_by=user
    )
    try:
        app.send_task("tracestore.reprice", args=[job.pk])
    except (OperationalError, OSError) as error:
        job.delete()
        raise Unavailable("The queue of background work does not answer. Run `manage.py reprice` instead.") from error
    return job
