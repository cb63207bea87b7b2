"""Pages of findings and detectors over a real store."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from dashboard.api.traces import hint_of
from tests.clickhouse.detecting import test_api
from tests.clickhouse.detecting.test_api import run, settle
from tests.clickhouse.spans import SECOND, llm, span
from tests.clickhouse.test_writer import write
from tests.detectors.small import Repeats
from tracestore import detector_settings, tasks
from tracestore.alerts import builtin_rules, evaluation, incidents
from tracestore.alerts.models import Incident
from tracestore.analysis.health import Judged
from tracestore.celery import app
from tracestore.clickhouse import settling
from tracestore.clickhouse.detecting import findings, health
from tracestore.clickhouse.detecting.findings import FindingFilter
from tracestore.clickhouse.reader import get_reader
from tracestore.detection import Looker
from tracestore.detectors.finding import Finding
from tracestore.models import Backtest, Membership, Project

pytestmark = [pytest.mark.django_db, pytest.mark.urls("dashboard.pages.urls")]
HOSTILE = "<img src=x onerror=alert(1)>"
NOW = 0


@pytest.fixture(autouse=True)
def detectors(monkeypatch: pytest.MonkeyPatch, two_detectors: None) -> None:
    global NOW
    NOW = time.time_ns()
    test_api.AGO = NOW - 600 * SECOND
    monkeypatch.setattr(settling, "QUIET_MS", 10)


@pytest.fixture
def admin(db: None) -> Client:
    return client_of(Membership.Role.ADMIN)


def client_of(role: str) -> Client:
    user = User.objects.create(username=f"a {role}")
    project, _ = Project.objects.get_or_create(slug="default", defaults={"name": "Default"})
    Membership.objects.create(user=user, project=project, role=role)
    client = Client()
    client.force_login(user)
    return client


def text(client: Client, path: str, status: int = 200, **query: str) -> str:
    response = client.get(path, query)
    page = response.content.decode()
    assert response.status_code == status, page[:300]
    assert "<img src=x" not in page
    assert " style=" not in page, "inline styles need a policy that allows them"
    return page


def finding(trace: int, key: str = "k", severity: Any = "warning", ago_s: int = 60, **more: Any) -> Finding:
    values = {"detector": "loop", "agent": "planner", "title": f"{key} again", "explanation": "It does.", **more}
    at = NOW - ago_s * SECOND
    return Finding(version="1", severity=severity, key=key, first_seen_ns=at, last_seen_ns=at,
                   trace_id=f"{trace:032x}", span_ids=("a" * 16,), look_first="a" * 16, **values)  # fmt: skip


def store(*made: Finding) -> None:
    findings.store([("default", one) for one in made])


def rows(page: str) -> list[str]:
    return page.split("<tbody>")[1].split("</tbody>")[0].split("<tr")[1:] if "<tbody>" in page else []


def test_findings_of_one_problem_are_one_row_with_their_sums(admin: Client) -> None:
    store(
        finding(1, "search", ago_s=7200, wasted_cost_usd=0.25, wasted_tokens=400),
        finding(2, "search", "critical", wasted_cost_usd=0.5, wasted_tokens=600),
        finding(3, "book", agent=HOSTILE, title=HOSTILE, detector="runaway_run"),
    )
    shown = rows(text(admin, "/findings/"))
    assert len(shown) == 2
    assert all(words in shown[0] for words in ("critical", ">2</a>", "$0.75", "1.00 k"))
    assert shown[0].count("<rect x") == 2  # a bar for each part of the time in which it was seen
    assert "&lt;img" in shown[1]


@pytest.mark.parametrize(
    ("query", "count"),
    [({"detector": "loop"}, 2), ({"agent": "planner"}, 2), ({"severity": "critical"}, 1), ({"severity": "warning"}, 2),
     ({"cause": "data"}, 1), ({"since": "1h"}, 2), ({"since": "30d"}, 3), ({"detector": "none"}, 0)],
)  # fmt: skip
def test_filters_are_in_the_address(admin: Client, query: dict[str, str], count: int) -> None:
    store(
        finding(1, "a", "critical"), finding(2, "b", cause="data", agent="x", detector="stalled_run"),
        finding(3, "c", ago_s=100_000),
    )  # fmt: skip
    page = text(admin, "/findings/", **({"since": "7d"} | query))
    assert len(rows(page)) == count
    assert ("Nothing found with these filters" in page) == (count == 0)


def test_the_order_is_severity_then_the_latest_or_what_was_wasted(admin: Client) -> None:
    store(finding(1, "old", "critical", ago_s=900), finding(2, "new"), finding(3, "dear", ago_s=400, wasted_cost_usd=9))

    def order(**query: str) -> list[str]:
        return [re.findall(r"(\w+) again</a>", row)[0] for row in rows(text(admin, "/findings/", **query))]

    assert order() == ["old", "new", "dear"]
    assert order(sort="wasted") == ["dear", "new", "old"]
    assert order(sort="seen") == ["new", "dear", "old"]


@pytest.mark.parametrize("query", [{"severity": "bad"}, {"cause": "x"}, {"sort": "x"}, {"agent": "x" * 3000}])
def test_a_bad_filter_is_named(admin: Client, query: dict[str, str]) -> None:
    assert next(iter(query)) in text(admin, "/findings/", 400, **query)


def test_an_empty_list_says_what_is_looked_for(admin: Client) -> None:
    page = text(admin, "/findings/")
    assert "No trace has arrived yet" in page
    assert "Counts equal calls" in page
    write(*run(1))
    assert "Nothing found in this time" in text(admin, "/findings/")


def test_the_badge_counts_problems_that_somebody_should_look_at(admin: Client) -> None:
    assert text(admin, "/findings/open/").strip() == ""
    store(finding(1, "a"), finding(2, "a"), finding(3, "b", "critical"), finding(4, "c", "info"))
    store(finding(5, "d", ago_s=100_000))
    assert ">, </span>2<" in text(admin, "/findings/open/")


def test_a_finding_with_its_evidence_and_what_is_said_of_it(admin: Client) -> None:
    for trace in (1, 2):
        write(*run(trace))
    Looker().look()
    one, other = findings.listed("default", FindingFilter()).results
    page = text(admin, f"/findings/{one.id}/")
    assert f'/traces/{one.trace_id}/?span={one.look_first}"' in page
    assert all(f"?span={name}" in page for name in one.span_ids)
    assert f"/findings/{other.id}/" in page[page.index("others-title") :]
    assert "halt" in page

    def say(do: str, **more: str) -> str:
        answer = admin.post(f"/findings/{one.id}/judge/", {"do": do, **more}, headers={"HX-Request": "true"})
        assert answer.status_code == 200
        assert answer["HX-Trigger"] == "judged"
        return str(answer.content.decode())

    dismissed = say("dismiss", reason=HOSTILE)
    assert "&lt;img" in dismissed
    assert (">Undo<" in dismissed, ">Dismiss<" in dismissed) == (True, False)
    assert rows(text(admin, "/findings/")) == []
    assert len(rows(text(admin, "/findings/", dismissed="1"))) == 1
    # The word was said of the one; the other is gone with it, and says so.
    assert "The word was said of another finding" in text(admin, f"/findings/{other.id}/")
    assert "Dismiss<" in say("undo")
    assert "Confirmed" in say("confirm")
    assert "100%" in text(admin, "/detectors/loop/")
    assert admin.post(f"/findings/{one.id}/judge/", {"do": "undo"}).status_code == 302
    assert admin.post(f"/findings/{one.id}/judge/", {"do": "x"}).status_code == 400
    text(admin, "/findings/nothing/", 404)


def test_a_finding_leads_to_its_incident(admin: Client) -> None:
    write(*run(1))
    Looker().look()
    (one,) = findings.listed("default", FindingFilter(severity="critical")).results
    assert "/incidents/" not in text(admin, f"/findings/{one.id}/").split("<main")[1]
    builtin_rules.ensure_all()
    now = timezone.now()
    evaluation.evaluate(now)
    incidents.absorb(now)
    incident = Incident.objects.get()
    page = text(admin, f"/findings/{one.id}/")
    assert f'<a href="/incidents/{incident.pk}/">#{incident.pk}</a> <span class="soft">open</span>' in page
    assert one.id in str(text(admin, f"/incidents/{incident.pk}/"))


def test_who_may_not_change_anything_sees_it_all_the_same() -> None:
    store(finding(1))
    member = client_of(Membership.Role.MEMBER)
    (one,) = findings.listed("default", FindingFilter()).results
    assert "may confirm or dismiss" in text(member, f"/findings/{one.id}/")
    assert member.post(f"/findings/{one.id}/judge/", {"do": "dismiss"}).status_code == 403
    assert "Only an owner or admin" in text(member, "/detectors/loop/")
    assert member.post("/detectors/loop/", {"set.times": "4"}).status_code == 403
    assert member.post("/detectors/loop/backtest/", {}).status_code == 403


def test_a_detector_is_set_by_its_form(admin: Client) -> None:
    assert "Repeats" in text(admin, "/detectors/")
    page = text(admin, "/detectors/loop/")
    assert 'name="set.times" value="" placeholder="3"' in page
    assert "2 to 100" in page
    sent = {"set.times": "4", "set.strict": "true", "enabled": "", "halts": "off", "agent": ""}
    assert admin.post("/detectors/loop/", sent)["Location"].endswith("saved=1")
    settings = detector_settings.of_project("default")
    assert (settings.of(Repeats(), "x").times, settings.of(Repeats(), "x").strict) == (4, True)
    assert settings.halts("loop", "x") is False
    # An agent's own go before them, and its empty fields are as for all.
    assert 'placeholder="4"' in text(admin, "/detectors/loop/", agent="planner")
    admin.post("/detectors/loop/", {"agent": "planner", "enabled": "off"})
    assert detector_settings.of_project("default").of(Repeats(), "planner") is None
    admin.post("/detectors/loop/", {"agent": "planner"})
    assert detector_settings.of_project("default").of(Repeats(), "planner").times == 4
    text(admin, "/detectors/none/", 404)


@pytest.mark.parametrize(("field", "value"), [("times", "1"), ("times", "many"), ("times", HOSTILE), ("strict", "x")])
def test_what_cannot_be_set_names_its_field_and_keeps_what_was_typed(admin: Client, field: str, value: str) -> None:
    answer = admin.post("/detectors/loop/", {f"set.{field}": value})
    page = answer.content.decode()
    assert answer.status_code == 400
    assert field in page.split('role="alert"')[1].split("</p>")[0]
    assert "<img src=x" not in page
    assert detector_settings.of_project("default").of(Repeats(), "x") == Repeats.defaults
    assert 'value="&lt;img' in page if value == HOSTILE else value in page


def test_settings_are_tried_on_the_past_before_they_are_saved(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    for trace in (1, 2):
        write(*run(trace, calls=3 + trace))
    asked: list[int] = []
    monkeypatch.setattr(app, "send_task", lambda name, args: asked.extend(args))
    sent = {"set.times": "5", "past": "1"}
    page = admin.post("/detectors/loop/backtest/", sent, headers={"HX-Request": "true"}).content.decode()
    assert "Waiting for the worker" in page
    assert f"/detectors/loop/backtest/{asked[0]}/" in page
    refused = admin.post("/detectors/loop/backtest/", sent, headers={"HX-Request": "true"})
    assert (refused.status_code, "under way" in refused.content.decode()) == (400, True)
    settle()
    tasks.backtest(asked[0])
    done = text(admin, f"/detectors/loop/backtest/{asked[0]}/")
    job = Backtest.objects.get(pk=asked[0])
    assert job.outcome["fired"] == 1
    assert "Would have fired once in 24 hours, 0.50 USD wasted" in done
    assert "hx-get" not in done
    assert f"/traces/{2:032x}/" in done
    assert "Would have fired once" in text(admin, "/detectors/loop/")
    wrong = admin.post("/detectors/loop/backtest/", {"set.times": "0"}, headers={"HX-Request": "true"})
    assert "times" in wrong.content.decode()
    assert detector_settings.of_project("default").of(Repeats(), "x").times == 3


def test_a_failed_run_says_where_to_look_first(admin: Client) -> None:
    failed = llm(9, trace=1, parent=1, agent="planner", status="error", start=test_api.AGO + 9 * SECOND)
    write(*run(1, status="error"), failed)
    write(*run(2))
    settle()
    page = text(admin, f"/traces/{1:032x}/")
    assert f'hx-get="/traces/{1:032x}/look/"' in page
    assert f"?span={9:016x}" in text(admin, f"/traces/{1:032x}/look/")
    assert f"/traces/{2:032x}/look/" not in text(admin, f"/traces/{2:032x}/")
    assert "No step of this run" in text(admin, f"/traces/{2:032x}/look/")
    assert hint_of("default", get_reader().trace("default", f"{2:032x}")) is None
    hint = hint_of("default", get_reader().trace("default", f"{1:032x}"))
    assert hint is not None
    assert hint["span_id"] == f"{9:016x}"


def test_a_running_trace_shows_the_verdict_on_it(admin: Client) -> None:
    now = time.time_ns() - 20 * SECOND
    calls = [span(n, trace=1, parent=99, type="tool", tool_name="search", input="{}", output="none", agent="planner",
                  start=now + n * SECOND) for n in range(1, 5)]  # fmt: skip
    write(*calls)
    assert "continue" in text(admin, f"/traces/{1:032x}/header/")
    Looker().look()
    assert "halt" in text(admin, f"/traces/{1:032x}/header/").split('class="verdict"')[1][:400]


def test_an_agent_shows_its_state_why_and_what_would_make_it_healthy_by_version(admin: Client) -> None:
    now_us = time.time_ns() // 1000
    write(*run(1, agent_version="2.0"))
    worse = Judged("suspect", ("loop: warnings in 1 of 9 runs",), ("loop: no run of an hour with a warning",))
    well = Judged("healthy")
    health.store(
        [(("default", "planner", ""), worse, worse, {}), (("default", "planner", "2.0"), well, well, {})], now_us
    )
    page = text(admin, "/agents/planner/")
    now = page[page.index('id="health-title"') :]
    for words in (*worse.reasons, *worse.healthy_again, "suspect", "Healthy again with"):
        assert words in now
    assert "healthy" in rows(page[page.index('id="versions-title"') :])[0]
    assert "suspect" in text(admin, "/agents/")
    assert "suspect" in text(admin, "/")


def test_a_backtest_without_an_outcome_is_shown_all_the_same(admin: Client) -> None:
    """Of an older version, or of a worker that was ended between two writes."""
    project = Project.objects.get(slug="default")
    now = timezone.now()
    job = Backtest.objects.create(project=project, detector="loop", state="done", since=now, until=now, outcome={})
    for address in (f"/detectors/loop/backtest/{job.pk}/", "/detectors/loop/"):
        assert "ended without saying what it found" in text(admin, address)
