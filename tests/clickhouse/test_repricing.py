"""Stored costs follow the prices of now, once, and nothing else of a span changes."""

from __future__ import annotations

import time
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests.clickhouse.spans import SECOND, START, llm, span
from tests.clickhouse.test_writer import write
from tracestore import repricing, tasks
from tracestore.clickhouse import client, settling
from tracestore.clickhouse import repricing as stored
from tracestore.clickhouse.reader import get_reader
from tracestore.clickhouse.repricing import Calls
from tracestore.errors import Unavailable
from tracestore.models import PriceOverride, Project, Repricing
from tracestore.spans.pricing import TABLE

pytestmark = pytest.mark.django_db
TRACE = f"{1:032x}"
DAY = 86_400


@pytest.fixture
def project() -> Project:
    return Project.objects.get_or_create(slug="default", defaults={"name": "Default"})[0]


@pytest.fixture(autouse=True)
def short_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settling, "QUIET_MS", 50)


def settle() -> None:
    time.sleep(0.06)
    settling.settle()


def costs() -> list[tuple[Any, ...]]:
    rows = client.run("SELECT model, cost_usd, price_source FROM spans WHERE type != 'agent' ORDER BY start_time")
    return list(rows.result_rows)


def price(project: Project, model: str, dollars: float, **more: Any) -> PriceOverride:
    return PriceOverride.objects.create(
        project=project, model=model, input_per_million=dollars, output_per_million=0, **more
    )


def run(**options: Any) -> str:
    out = StringIO()
    call_command("reprice", stdout=out, **options)
    return out.getvalue()


def test_costs_sources_and_summaries_follow(project: Project) -> None:
    own = price(project, "house*", 1000)
    write(
        span(1, type="agent"),
        llm(2, parent=1, model="house-7b", cost_usd=None, attributes={"kept": 1}, output="answer"),
        llm(3, parent=1, cost_usd=9.0, price_source=f"{TABLE} old"),
    )
    settle()
    assert get_reader().trace("default", TRACE).unpriced_calls == 1
    before = client.run("SELECT * EXCEPT (cost_usd, price_source) FROM spans ORDER BY span_id").result_rows

    said = run(project="default")

    assert costs() == [
        ("house-7b", pytest.approx(0.1), f"project override {own.pk}"),
        ("gpt-4o-mini", pytest.approx(100 * 0.15e-6 + 10 * 0.6e-6), f"{TABLE} openai/gpt-4o-mini"),
    ]
    assert client.run("SELECT * EXCEPT (cost_usd, price_source) FROM spans ORDER BY span_id").result_rows == before
    assert "2 of 2 calls changed" in said
    assert "house-7b: 1 calls, $0.000000 → $0.100000, 1 had no price" in said
    for _ in ("while the trace is open", "and when it has settled again"):
        found = get_reader().trace("default", TRACE)
        assert (found.unpriced_calls, found.cost_usd) == (0, pytest.approx(0.100021))
        settle()


def test_again_changes_nothing(project: Project) -> None:
    price(project, "*", 3)
    write(llm(1), llm(2))
    assert "2 of 2 calls changed" in run()
    settle()
    rows = client.run("SELECT count(), max(version) FROM stored_spans FINAL").result_rows
    assert "0 of 2 calls changed" in run()
    assert client.run("SELECT count(), max(version) FROM stored_spans FINAL").result_rows == rows
    assert client.run("SELECT count() FROM open_traces").result_rows == [(0,)]


def test_a_dry_run_tells_and_leaves_everything_alone(project: Project) -> None:
    price(project, "*", 3)
    write(llm(1))
    before = costs()
    assert "1 of 1 calls would change" in run(dry_run=True)
    assert costs() == before


@pytest.mark.parametrize(
    ("options", "changed"),
    [
        pytest.param({}, [1, 2, 3, 4], id="all"),
        pytest.param({"model": "GPT*"}, [1, 2], id="glob"),
        pytest.param({"model": "gpt-4o"}, [], id="a name is the whole name"),
        pytest.param({"model": "asked-for"}, [4], id="the requested name counts too"),
        pytest.param({"since": "2026-09-22"}, [2, 3, 4], id="since"),
        pytest.param({"until": "2026-09-22"}, [1], id="until"),
        pytest.param({"project": "other"}, [], id="another project"),
    ],
)
def test_which_calls(project: Project, options: dict[str, str], changed: list[int]) -> None:
    Project.objects.create(slug="other", name="Other")
    price(project, "*", 5)
    write(
        llm(1), llm(2, start=START + DAY * SECOND), llm(3, start=START + DAY * SECOND, model="b"),
        llm(4, start=START + 2 * DAY * SECOND, model="c", request_model="asked-for"),
        span(5, type="agent", input_tokens=7),
    )  # fmt: skip
    call_command("reprice", *[f"--{name}={value}" for name, value in options.items()], stdout=StringIO())
    found = client.run("SELECT span_id FROM spans WHERE price_source LIKE 'project override%' ORDER BY span_id")
    assert [int(number, 16) for (number,) in found.result_rows] == changed


@pytest.mark.parametrize(("batch", "calls"), [(3, 100), (stored.BATCH_CALLS, stored.BATCH_CALLS + 1)])
def test_every_call_is_seen_once(project: Project, monkeypatch: pytest.MonkeyPatch, batch: int, calls: int) -> None:
    """Of several batches, and of one as large as any."""
    price(project, "*", 5)
    monkeypatch.setattr(stored, "BATCH_CALLS", batch)
    write(*(llm(number, trace=1 + number % 4, start=START + number * 500 * SECOND) for number in range(calls)))
    *_, last = repricing.reprice(Calls("default"))
    assert (last.seen, last.calls, last.changed) == (calls, calls, calls)
    assert client.run("SELECT count(), countIf(cost_usd = 0.0005) FROM spans").result_rows == [(calls, calls)]


def test_what_the_sender_reported_stays_where_no_price_is_known(project: Project) -> None:
    write(llm(1, model="nobodys", cost_usd=0.5, price_source="reported", attributes={"operation.cost": 0.5}))
    run()
    assert costs() == [("nobodys", 0.5, "reported by the sender")]


def test_a_price_that_is_gone_leaves_the_cost_unknown_and_not_nothing(project: Project) -> None:
    write(llm(1, model="nobodys", cost_usd=0.5, price_source="project override 99"))
    assert "1 have none any more" in run()
    assert costs() == [("nobodys", None, "")]


def test_killed_between_note_and_rows_the_next_run_does_the_rest(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    price(project, "*", 5)
    write(llm(1))
    settle()

    def killed(*_: object) -> None:
        raise Unavailable("gone")

    with monkeypatch.context() as patch:
        patch.setattr(client, "insert_arrow", lambda table, *rest: killed() if "stored_spans" in table else None)
        with pytest.raises(CommandError, match="Run the command again"):
            run()
    settle()
    assert "1 of 1 calls changed" in run()
    settle()
    assert get_reader().trace("default", TRACE).cost_usd == pytest.approx(0.0005)


def test_settling_and_recalculating_take_turns(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repricing, "PATIENCE_SECONDS", 0.0)
    price(project, "*", 5)
    write(llm(1))
    with repricing.leases.hold(repricing.LEASE, seconds=60), pytest.raises(CommandError, match="did not pause"):
        run()
    assert "1 of 1 calls changed" in run()


def test_the_job_tells_how_far_it_is(project: Project) -> None:
    price(project, "*", 5)
    write(llm(1), llm(2, model="b"))
    job = Repricing.objects.create(project=project, model="b")
    tasks.reprice(job.pk)
    job.refresh_from_db()
    assert (job.state, job.calls, job.seen) == ("done", 1, 1)
    assert [(one["model"], one["calls"], one["new_cost_usd"]) for one in job.outcome] == [
        ("b", 1, pytest.approx(0.0005))
    ]


def test_how_many_calls_a_price_is_about() -> None:
    write(llm(1), llm(2, model="b", cost_usd=None), llm(3, model="b", provider="acme", cost_usd=None))
    assert stored.touched(Calls("default", "b")) == stored.Touched(2, None, 2)
    assert stored.touched(Calls("default", "b", "Acme")).calls == 1
    assert stored.touched(Calls("default", "gpt*")) == stored.Touched(1, 0.001, 0)
    assert stored.touched(Calls("default", "*")).calls == 3


def test_an_unknown_project_is_named() -> None:
    with pytest.raises(CommandError, match="no project 'nowhere'"):
        run(project="nowhere")
