"""What the store tells of itself, asked of a real one."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from django.utils import timezone

from tests.clickhouse.spans import SECOND, span
from tests.clickhouse.test_writer import write
from tracestore.clickhouse import migrations, settling, store_status
from tracestore.models import Project
from tracestore.status import reading


@pytest.fixture(autouse=True)
def nothing_remembered() -> None:
    reading.forget()


def two_projects() -> None:
    now = time.time_ns()
    write(*(span(number, start=now - SECOND, trace=1) for number in (1, 2, 3)), project="one")
    # Of long ago, but it arrives now.
    write(span(9, start=now - 40 * 86_400 * SECOND, trace=2), project="two")


def test_an_empty_store() -> None:
    assert store_status.rate(None, time.time_ns()).minutes == {}
    assert store_status.waiting(None) == (0, 0.0)
    assert store_status.growth() == []


def test_the_rate_counts_what_arrives_whenever_it_began() -> None:
    two_projects()
    now = time.time_ns()
    counts = {
        project: (sum(rate.minutes.values()), rate.lately)
        for project in ("one", "two", "other", None)
        for rate in [store_status.rate(project, now)]
    }
    seconds = store_status.LATELY_SECONDS
    assert counts == {"one": (3, 3 / seconds), "two": (1, 1 / seconds), "other": (0, 0), None: (4, 4 / seconds)}
    later = store_status.rate(None, now + 3 * 60 * SECOND)
    assert (later.lately, sum(later.minutes.values())) == (0, 4)
    assert store_status.rate(None, now + 62 * 60 * SECOND).minutes == {}


def test_what_waits_to_be_settled(monkeypatch: pytest.MonkeyPatch) -> None:
    two_projects()
    assert store_status.waiting("one")[0] == 1
    assert store_status.waiting(None)[0] == 2
    assert 0 <= store_status.waiting(None)[1] < 60
    monkeypatch.setattr(settling, "QUIET_MS", 0)
    settling.settle()
    assert store_status.waiting(None)[0] == 0


def test_disk_growth_and_versions() -> None:
    two_projects()
    sizes = {table.name: table for table in store_status.tables()}
    assert sizes["stored_spans"].rows == 4
    assert sizes["stored_spans"].bytes > 0
    space = store_status.space()
    assert space is not None
    assert 0 < space[0] <= space[1]
    growth = {one.project: (one.spans, one.lately) for one in store_status.growth()}
    assert growth == {"one": (3, 3), "two": (1, 0)}
    engine, applied = store_status.versions()
    assert engine[0].isdigit()
    assert set(applied) == {migration.name for migration in migrations.known()}


@pytest.mark.django_db
def test_the_whole_status_of_a_real_store() -> None:
    for slug in ("one", "two"):
        Project.objects.get_or_create(slug=slug, defaults={"name": slug})
    two_projects()
    found = reading.status("one", whole=True, now=timezone.now() + timedelta(seconds=1))
    items = {item.id: item for section in found.sections for item in section.items}
    assert found.away is None
    assert items["ingest_rate"].figure == pytest.approx(3 / store_status.LATELY_SECONDS)
    assert items["schema"].level == "ok"
    assert (items["disk_used"].figure or 0) > 0
    assert (items["disk_daily"].figure or 0) > 0
