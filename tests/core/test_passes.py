"""When jobs last did their work: written seldom, read by every process, never in the way of the job."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import DatabaseError
from django.utils import timezone

from tracestore import passes, tasks
from tracestore.clickhouse import settling
from tracestore.clickhouse.open_traces import Settled
from tracestore.errors import Unavailable
from tracestore.models import Lease
from tracestore.schedule import SCHEDULE
from tracestore.status import jobs

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_written() -> None:
    passes.forget()


def of(job: str) -> jobs.Pass:
    return next(one for one in jobs.all_passes() if one.job == job)


def test_all_jobs_of_the_schedule_are_told_of() -> None:
    assert len(jobs.all_passes()) == len(SCHEDULE)
    assert all(one.done is None and not one.failing for one in jobs.all_passes())


def test_a_pass_is_written_once_in_a_while(django_assert_num_queries: object) -> None:
    passes.done("settle_traces")
    first = of("settle_traces").done
    assert first is not None
    assert abs(timezone.now() - first) < timedelta(seconds=30)
    with django_assert_num_queries(0):  # type: ignore[operator]
        passes.done("settle_traces")


def test_a_failure_counts_until_the_next_success() -> None:
    passes.failed("settle_traces")
    assert of("settle_traces").failing
    passes.done("settle_traces")
    assert not of("settle_traces").failing


def test_a_database_that_is_away_does_not_end_the_job(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise DatabaseError("locked")

    monkeypatch.setattr(Lease.objects, "update_or_create", refuse)
    passes.done("settle_traces")


def test_the_job_itself_writes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settling, "settle", lambda overrides: Settled())
    tasks.settle_traces()
    assert of("settle_traces").done is not None
    assert of("settle_traces").failed is None


def test_a_job_whose_store_is_away_did_not_do_its_work(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(overrides: object) -> Settled:
        raise Unavailable("The store does not answer.")

    monkeypatch.setattr(settling, "settle", away)
    tasks.settle_traces()
    assert of("settle_traces").failing
    assert of("settle_traces").done is None
