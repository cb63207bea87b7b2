"""What "go to" finds in a real store: each kind by a piece of its name, bounded, of one project."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from tests.clickhouse.test_aggregate_pages import HOSTILE, browser
from tests.clickhouse.test_aggregates import finding, run
from tests.clickhouse.test_settling import settle
from tests.clickhouse.test_writer import write
from tracestore.clickhouse import client
from tracestore.clickhouse import named as things

__all__ = ["browser"]
pytestmark = [pytest.mark.django_db, pytest.mark.urls("dashboard.pages.urls")]


def options(browser: Client, text: str) -> list[dict[str, Any]]:
    response = browser.get("/go/", {"q": text})
    assert response.status_code == 200
    found: list[dict[str, Any]] = response.json()["options"]
    return found


def hrefs(browser: Client, text: str) -> list[str]:
    return [one["href"] for one in options(browser, text)]


def settle_all(traces: int) -> None:
    """A pass of settling leaves out what was written in the moment before it."""
    end = time.monotonic() + 20
    while client.run("SELECT uniq(project, trace_id) FROM stored_traces").result_rows[0][0] < traces:
        assert time.monotonic() < end
        settle()


@pytest.fixture
def filled() -> str:
    """A few settled traces; the id of one."""
    spans = run(1, tools_called=("search_hotels",), session_id="trip/42 %")
    write(*spans)
    for trace in range(2, 10):
        write(*run(trace, agent=f"hotel-{trace}", session_id="", tools_called=("book",)))
    write(*run(20, agent="hotel-secret", tools_called=("hotel-secret",)), project="other")
    settle_all(10)
    return spans[0].record.trace_id


def test_each_kind_by_a_piece_of_its_name(browser: Client, filled: str) -> None:
    assert "/tools/search_hotels/" in hrefs(browser, "HOTELS")
    assert "/sessions/trip/42%20%25/" in hrefs(browser, "trip/4")
    assert "/agents/planner/" in hrefs(browser, "plan")
    assert hrefs(browser, filled)[0] == f"/traces/{filled}/"
    assert f"/traces/{filled}/" in hrefs(browser, filled[:12].upper())
    [model] = [one for one in options(browser, "4o-mini") if one["kind"] == "model"]
    assert browser.get(model["href"]).status_code != 404
    assert model["href"].startswith("/traces/?q=model")


def test_findings_lead_to_their_evidence(browser: Client) -> None:
    finding("1", "loop", "critical", datetime.now(UTC))
    finding("2", "loop", "critical", datetime.now(UTC) - timedelta(days=60))
    for text in ("LOOPS", "loop"):
        [only] = [one for one in options(browser, text) if one["kind"] == "finding"]
        assert only == {
            "kind": "finding",
            "label": "it loops",
            "about": "finding · loop",
            "href": "/traces/aa/?span=bb",
        }


def test_at_most_five_of_a_kind_and_none_of_another_project(browser: Client, filled: str) -> None:
    found = options(browser, "hotel")
    assert sum(one["kind"] == "agent" for one in found) == 5
    assert not any("secret" in one["label"] for one in found)


def test_a_trace_is_found_by_its_whole_id_when_newer_ones_hide_it(
    browser: Client, filled: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(things, "NEWEST_TRACES", 0)
    assert f"/traces/{filled}/" in hrefs(browser, filled)
    assert "/sessions/trip/42%20%25/" in hrefs(browser, "trip/42 %")
    assert "/agents/planner/" not in hrefs(browser, "planner")


def test_what_matches_nothing_is_offered_as_a_search(browser: Client, filled: str) -> None:
    [search] = options(browser, "%_nowhere'\\")
    assert search["kind"] == "search"
    assert search["href"] == "/traces/?q=%25_nowhere%27%5C"
    assert options(browser, " ") == []
    assert browser.get("/go/", {"q": "x" * 201}).status_code == 400


def test_settings_are_pages_too(browser: Client, filled: str) -> None:
    assert "/settings/retention/" in hrefs(browser, "ret")


def test_hostile_names_stay_text(browser: Client) -> None:
    write(*run(8, agent=HOSTILE, session_id=HOSTILE, tools_called=(HOSTILE,)))
    settle_all(1)
    found = options(browser, "onerror")
    assert {one["kind"] for one in found} == {"agent", "tool", "session", "search"}
    for one in found:
        assert browser.get(one["href"]).status_code in (200, 400)


def test_strangers_are_sent_to_the_login() -> None:
    assert Client().get("/go/", {"q": "a"}).status_code == 302
