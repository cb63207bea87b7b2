"""B20: a project whose questions read too much waits, and no other does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from dashboard import read_budget
from dashboard.read_budget import BURST_SECONDS, READ, REFUSED, Account, Budgets
from tests.security.conftest import by_key, by_login
from tests.security.things import TRACE_ID, World
from tracestore.clickhouse import charging, client, exporting
from tracestore.clickhouse.concurrently import at_once, both
from tracestore.errors import Overloaded, Unavailable
from tracestore.models import Project

RATE = 100_000
TRACES = "/api/v1/traces/"
PAGE = "/traces/?range=7d"


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The budgets' clock, in seconds."""
    at = [0.0]
    monkeypatch.setattr(read_budget, "budgets", Budgets(lambda: at[0]))
    monkeypatch.setattr(settings, "ENVIRONMENT", replace(settings.ENVIRONMENT, read_bytes_per_second=RATE))
    return at


@pytest.fixture
def payer() -> Iterator[Account]:
    """Somebody pays for what the test itself asks."""
    account = Account()
    account.open("a", "api")
    with charging.paying(account):
        yield account


def left(project: str) -> float:
    """What a project may read at once, in bytes."""
    bucket = read_budget.budgets._buckets.get(project)
    return RATE * BURST_SECONDS if bucket is None else bucket._now()


def spend(project: str, seconds: float = 0.0) -> None:
    """The whole budget, and so many seconds of debt."""
    read_budget.budgets.charge(project, int(RATE * (BURST_SECONDS + seconds)))


def test_a_project_over_its_budget_waits_and_others_do_not(now: list[float], world: World, stranger: Project) -> None:
    eager, calm = by_key(world.project), by_key(stranger)
    assert eager.get(TRACES).status_code == 200
    assert left("a") < RATE * BURST_SECONDS
    spend("a", seconds=30)
    before = REFUSED.labels("api")._value.get()
    refused = eager.get(TRACES)
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "overloaded")
    assert 30 <= int(refused["Retry-After"]) <= 31
    assert "budget" in refused.json()["error"]["message"]
    assert REFUSED.labels("api")._value.get() == before + 1
    assert by_key(world.project).get(TRACES).status_code == 429, "another key of the project"
    assert calm.get(TRACES).status_code == 200
    now[0] += 32
    assert eager.get(TRACES).status_code == 200


def test_its_pages_wait_too_and_say_so_calmly(now: list[float], world: World, stranger: Project) -> None:
    member, other = by_login(world.project), by_login(stranger)
    assert member.get(PAGE).status_code == 200
    spend("a", seconds=5)
    refused = member.get(PAGE)
    page = refused.content.decode()
    assert (refused.status_code, refused["Retry-After"]) == (429, "5")
    assert "Too much at once" in page
    assert "Try again" in page
    fragment = member.get("/traces/", headers={"HX-Request": "true"})
    assert fragment.status_code == 429
    assert "<html" not in fragment.content.decode()
    assert other.get(PAGE).status_code == 200
    assert member.get("/settings/keys/").status_code == 200, "what asks nothing of the store is not refused"


@pytest.mark.parametrize(
    "ask",
    [lambda: client.run("SELECT sum(number) FROM numbers(1000000)"),
     lambda: client.query_arrow("SELECT sum(number) AS n FROM numbers(1000000)"),
     lambda: client.run("SELECT 1 FROM numbers(1000000) WHERE sipHash64(number) = 1"),
     lambda: client.run("SELECT number FROM numbers(1000000)")],
)  # fmt: skip
def test_each_question_costs_what_the_store_read(
    ask: Callable[[], object], now: list[float], world: World, payer: Account
) -> None:
    """Also one that finds nothing, and one whose answer is large."""
    ask()
    assert RATE * BURST_SECONDS - left("a") == pytest.approx(8_000_000, rel=0.1)


def test_a_question_that_is_ended_costs_its_time(
    now: list[float], world: World, payer: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "READ_LIMITS", {"max_execution_time": 1})
    with pytest.raises(Unavailable, match="too long"):
        client.run("SELECT count() FROM numbers(100000000000) WHERE NOT ignore(sipHash64(number))")
    assert left("a") < -charging.UNTOLD_BYTES_PER_SECOND / 2


def test_questions_in_other_threads_are_on_the_same_account(now: list[float], world: World, payer: Account) -> None:
    million: Callable[[], Any] = lambda: client.run("SELECT sum(number) FROM numbers(1000000)")  # noqa: E731
    both(million, million)
    at_once(million, million)
    assert RATE * BURST_SECONDS - left("a") == pytest.approx(32_000_000, rel=0.1)


def test_a_request_that_was_let_in_is_finished(now: list[float], world: World, payer: Account) -> None:
    client.run("SELECT sum(number) FROM numbers(1000000)")
    assert left("a") < 0
    client.run("SELECT 1")
    later = Account()
    later.open("a", "api")
    with charging.paying(later), pytest.raises(Overloaded):
        client.run("SELECT 1")


def test_what_is_not_asked_by_api_or_page_costs_nothing(now: list[float], world: World) -> None:
    client.run("SELECT sum(number) FROM numbers(1000000)")
    assert read_budget.budgets._buckets == {}
    spend("a")
    client.run("SELECT 1")


def test_verdicts_are_told_whatever_was_read(now: list[float], world: World) -> None:
    spend("a", seconds=60)
    assert by_key(world.project).get("/api/v1/verdict/", {"trace_id": TRACE_ID}).status_code == 200


def test_sql_is_on_the_projects_account(now: list[float], world: World) -> None:
    key = by_key(world.project)
    question = {"query": "SELECT count() FROM spans"}
    assert key.post("/api/v1/sql/", question, content_type="application/json").status_code == 200
    assert left("a") < RATE * BURST_SECONDS
    spend("a", seconds=60)
    assert key.post("/api/v1/sql/", question, content_type="application/json").status_code == 429


def test_exports_are_on_the_projects_account_to_their_last_byte(
    now: list[float], world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "TAIL_BYTES", 10)
    monkeypatch.setattr(exporting, "CHUNK_BYTES", 20)
    key = by_key(world.project)
    response = key.get("/api/v1/export/spans.csv")
    begun = left("a")

    async def body() -> int:
        return sum([len(chunk) async for chunk in response.streaming_content])

    size = asyncio.run(body())
    assert size > 500
    assert begun - left("a") > size - 100
    spend("a", seconds=60)
    assert key.get("/api/v1/export/spans.csv").status_code == 429


def test_a_project_has_so_many_exports_at_once(world: World) -> None:
    wanted = exporting.Export("spans", "csv")
    running = [exporting.stream("a", wanted) for _ in range(exporting.MOST_AT_ONCE)]
    assert all(next(one) for one in running)
    with pytest.raises(Overloaded, match="4 exports"):
        next(exporting.stream("a", wanted))
    assert next(exporting.stream("b", wanted))
    running[0].close()
    assert next(exporting.stream("a", wanted))


def test_no_limit_and_no_end_of_projects(now: list[float], world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_budget, "MOST_KEPT", 3)
    for number in range(10):
        read_budget.budgets.charge(str(number), 1)
    assert len(read_budget.budgets._buckets) <= 3
    spend("a", seconds=60)
    monkeypatch.setattr(settings, "ENVIRONMENT", replace(settings.ENVIRONMENT, read_bytes_per_second=0))
    before = READ.labels("api")._value.get()
    assert by_key(world.project).get(TRACES).status_code == 200
    assert READ.labels("api")._value.get() > before, "it is counted all the same"


def test_an_open_installation_has_the_budget_of_its_project(now: list[float], world: World) -> None:
    Project.objects.get_or_create(slug="default", defaults={"name": "Default"})
    spend("default", seconds=60)
    assert Client().get(TRACES).status_code == 429
