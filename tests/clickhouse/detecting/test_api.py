"""Findings, detectors, health and verdicts by API, and backtests, over a real store."""

from __future__ import annotations

import time
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from dashboard.api import detection_shapes, verdict_shapes
from tests.api.conftest import with_key
from tests.clickhouse.spans import SECOND, llm, span
from tests.clickhouse.test_writer import write
from tests.detectors.small import Repeats
from tracestore import detector_settings, feedback, keys, tasks
from tracestore.celery import app
from tracestore.clickhouse import client as store_client
from tracestore.clickhouse import settling
from tracestore.clickhouse.detecting import findings, health, looking
from tracestore.detection import Looker
from tracestore.models import Project
from tracestore.spans.model import Span

pytestmark = pytest.mark.django_db
#: Ten minutes before each test (not before it was collected, which may be long ago).
AGO = 0
API = "/api/v1/"


@pytest.fixture(autouse=True)
def detectors(settings: Any, monkeypatch: pytest.MonkeyPatch, two_detectors: None) -> Iterator[None]:
    global AGO
    AGO = time.time_ns() - 600 * SECOND
    settings.ROOT_URLCONF = "tests.api.urls"
    settings.STATIC_ROOT = None
    keys._cache.clear()
    monkeypatch.setattr(settling, "QUIET_MS", 10)
    yield
    keys._cache.clear()


@pytest.fixture
def admin() -> Client:
    return with_key(project(), "read", "admin")


def project() -> Project:
    return Project.objects.get_or_create(slug="default", defaults={"name": "Default"})[0]


def run(trace: int, calls: int = 3, **fields: Any) -> list[Span]:
    made = [
        span(1, trace=trace, type="agent", agent="planner", start=AGO + trace * SECOND, **fields),
        llm(2, trace=trace, parent=1, agent="planner", start=AGO + trace * SECOND, session_id=f"s{trace}"),
    ]
    return made + [
        span(number + 3, trace=trace, parent=1, type="tool", tool_name="search", input="{}", output="none",
             agent="planner", start=AGO + trace * SECOND)
        for number in range(calls)
    ]  # fmt: skip


def send(client: Client, method: str, path: str, body: object = None) -> Any:
    return getattr(client, method)(API + path, body if body is not None else {}, content_type="application/json")


def test_findings_are_listed_filtered_and_read(admin: Client) -> None:
    for trace in (1, 2, 3):
        write(*run(trace))
    Looker().look()
    page = admin.get(API + "findings/", {"limit": 2, "detector": "loop", "agent": "planner"}).json()
    assert set(page["results"][0]) == set(detection_shapes.Finding().fields)
    assert [one["trace_id"] for one in page["results"]] == [f"{3:032x}", f"{2:032x}"]
    rest = admin.get(API + "findings/", {"limit": 2, "cursor": page["next"]}).json()
    assert (len(rest["results"]), rest["next"]) == (1, None)
    one = rest["results"][0]
    assert admin.get(API + f"findings/{one['id']}/").json() == one
    for wanted in ({"severity": "warning"}, {"agent": "x"}, {"since": "1m"}, {"trace_id": "f" * 32}, {"detector": "x"}):
        assert admin.get(API + "findings/", wanted).json()["results"] == []
    assert len(admin.get(API + "findings/", {"trace_id": f"{1:032X}", "since": "1h"}).json()["results"]) == 1
    assert with_key(Project.objects.create(slug="other", name="O")).get(API + "findings/").json()["results"] == []
    assert admin.get(API + f"findings/{'0' * 32}/").status_code == 404


@pytest.mark.parametrize(
    ("query", "field"),
    [({"severity": "bad"}, "severity"), ({"since": "x"}, "since"), ({"cursor": "x"}, "cursor"),
     ({"limit": "0"}, "limit"), ({"dismissed": "x"}, "dismissed"), ({"agent": "x" * 3000}, "agent")],
)  # fmt: skip
def test_a_bad_parameter_is_named(admin: Client, query: dict[str, str], field: str) -> None:
    answer = admin.get(API + "findings/", query)
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, field)


def test_feedback_counts_for_precision_and_is_remembered(admin: Client) -> None:
    for trace in (1, 2):
        write(*run(trace))
    Looker().look()
    first, second = admin.get(API + "findings/").json()["results"]
    assert with_key(project(), "read").post(API + f"findings/{first['id']}/dismiss/").status_code == 403
    confirmed = send(admin, "post", f"findings/{first['id']}/confirm/").json()
    assert (confirmed["feedback"]["judgement"], confirmed["dismissed"]) == ("confirmed", False)
    dismissed = send(admin, "post", f"findings/{second['id']}/dismiss/", {"reason": "it polls"}).json()
    assert (dismissed["dismissed"], dismissed["severity"]) == (True, "info")
    assert dismissed["feedback"]["reason"] == "it polls"
    shown = admin.get(API + "detectors/loop/").json()
    assert shown["feedback"] == {"confirmed": 1, "dismissed": 1, "precision": 0.5}
    assert (shown["counts"]["findings"], shown["counts"]["dismissed"]) == (0, 2)
    assert admin.get(API + "findings/", {"dismissed": "false"}).json()["results"] == []
    undone = send(admin, "post", f"findings/{second['id']}/undo/").json()
    assert (undone["dismissed"], undone["feedback"], undone["severity"]) == (False, None, "critical")
    assert send(admin, "post", f"findings/{second['id']}/undo/").status_code == 404
    assert send(admin, "post", f"findings/{first['id']}/confirm/", {"reason": 1}).json()["error"]["field"] == "reason"
    assert feedback.precision("default")["loop"]["confirmed"] == 1


def test_confirming_one_makes_a_dismissed_problem_count_again(admin: Client) -> None:
    write(*run(1))
    Looker().look()
    (one,) = admin.get(API + "findings/").json()["results"]
    send(admin, "post", f"findings/{one['id']}/dismiss/")
    assert findings.dismissed("default") == {one["fingerprint"]}
    assert send(admin, "post", f"findings/{one['id']}/confirm/").json()["dismissed"] is False


def test_a_detector_is_set_for_all_agents_and_for_one(admin: Client) -> None:
    shown = admin.get(API + "detectors/").json()["results"]
    assert [one["id"] for one in shown] == ["loop", "tool_error_rate"]
    assert set(shown[0]) == set(detection_shapes.Detector().fields)
    assert shown[0]["settings"][0] == {
        "name": "times", "kind": "a whole number", "default": 3, "help": "How often a call must be repeated.",
        "minimum": 2, "maximum": 100,
    }  # fmt: skip
    assert (shown[0]["halts"], shown[1]["halts"], shown[1]["every_seconds"]) == (True, False, 60)
    answer = send(admin, "put", "detectors/loop/", {"settings": {"times": 4, "share": 1}})
    assert answer.json()["own"] == [{"agent": "", "enabled": None, "halts": None, "settings": {"times": 4, "share": 1}}]
    send(admin, "put", "detectors/loop/", {"agent": "planner", "enabled": False})
    settings = detector_settings.of_project("default")
    assert settings.of(Repeats(), "planner") is None
    assert settings.of(Repeats(), "other").times == 4
    write(*run(1, calls=9))
    assert Looker().look().findings == 0
    send(admin, "put", "detectors/loop/", {"agent": "planner", "settings": {"times": 9}})
    assert detector_settings.of_project("default").of(Repeats(), "planner").times == 9
    send(admin, "put", "detectors/loop/", {"agent": "planner"})
    assert [row["agent"] for row in admin.get(API + "detectors/loop/").json()["own"]] == [""]
    assert with_key(project(), "read").put(API + "detectors/loop/").status_code == 403
    assert admin.get(API + "detectors/nothing/").status_code == 404


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"settings": {"times": 1}}, "times"), ({"settings": {"times": "4"}}, "times"),
        ({"settings": {"times": True}}, "times"), ({"settings": {"share": 1.5}}, "share"),
        ({"settings": {"strict": 1}}, "strict"), ({"settings": {"note": "x" * 2000}}, "note"),
        ({"settings": {"nothing": 1}}, "nothing"), ({"settings": []}, None), ({"settings": [1]}, "settings"),
        ({"enabled": 1}, "enabled"), ({"agent": 1}, "agent"), ({"other": 1}, "other"),
    ],
)  # fmt: skip
def test_a_setting_that_cannot_be_is_refused_by_name(admin: Client, sent: Any, field: str | None) -> None:
    answer = send(admin, "put", "detectors/loop/", sent)
    if field is None:
        assert answer.status_code == 200
    else:
        assert (answer.status_code, answer.json()["error"]["field"]) == (400, field)


def test_health_and_verdicts_are_answered(admin: Client) -> None:
    for trace in range(1, 7):
        write(*run(trace, calls=3 if trace == 1 else 1, agent_version="7"))
    Looker().look()
    health.work_out(looking.now())
    states = admin.get(API + "health/").json()["results"]
    assert [(one["agent"], one["agent_version"], one["state"]) for one in states][:1] == [("planner", "", "critical")]
    shown = admin.get(API + "health/planner/").json()
    assert set(shown) == set(detection_shapes.HealthOverTime().fields)
    assert (shown["state"], shown["over_time"][-1]["state"]) == ("critical", "critical")
    assert shown["reasons"] == ["loop: 1 of 6 runs of the last hour (17%)"]
    assert shown["over_time"][-1]["measures"]["runs_hour"] == 6
    assert admin.get(API + "health/nobody/").status_code == 404

    verdict = admin.get(API + "verdict/", {"trace_id": f"{1:032x}"}).json()
    assert set(verdict) == set(verdict_shapes.Verdict().fields)
    assert (verdict["verdict"], verdict["reasons"]) == ("halt", ["loop: search was called 3 times"])
    assert (verdict["cost_usd"], verdict["steps"]) == (0.001, 1)
    assert admin.get(API + "verdict/", {"session_id": "s2"}).json()["verdict"] == "continue"
    assert admin.get(API + "verdict/", {"agent": "planner"}).json()["verdict"] == "warn"
    for query in ({}, {"trace_id": "a", "agent": "b"}):
        assert admin.get(API + "verdict/", query).status_code == 400


def settle() -> None:
    time.sleep(0.05)
    settling.settle()


def command(*words: str) -> str:
    out = StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()


def test_a_backtest_tells_what_would_have_been_and_stores_nothing(admin: Client, monkeypatch: Any) -> None:
    for trace, calls in ((1, 3), (2, 4), (3, 1)):
        write(*run(trace, calls))
    settle()
    said = command("backtest", "loop", "--since", "7d")
    assert said.startswith("loop would have fired 2 times in 7 days, 1.00 USD wasted (3 of 3 looked at)")
    assert "search was called 4 times" in said
    assert "fired once" in command("backtest", "loop", "--set", "times=4")
    assert "fired 0 times" in command("backtest", "loop", "--agent", "nobody")
    with pytest.raises(CommandError, match="times=1 is not possible"):
        command("backtest", "loop", "--set", "times=1")
    with pytest.raises(CommandError, match="at most 31 days"):
        command("backtest", "loop", "--since", "60d")
    assert store_client.run("SELECT count() FROM stored_findings").result_rows == [(0,)]

    monkeypatch.setattr(app, "send_task", lambda name, args: getattr(tasks, name.split(".")[1])(*args))
    started = send(admin, "post", "detectors/loop/backtest/", {"settings": {"times": 4}})
    assert started.status_code == 202
    done = admin.get(API + f"detectors/loop/backtest/{started.json()['id']}/").json()
    assert set(done) == set(detection_shapes.Backtest().fields)
    assert (done["state"], done["total"], done["seen"], done["outcome"]["fired"]) == ("done", 3, 3, 1)
    assert done["outcome"]["sentence"] == "would have fired once in 7 days, 0.50 USD wasted"
    assert len(admin.get(API + "detectors/loop/backtest/").json()["results"]) == 1
    refused = send(admin, "post", "detectors/loop/backtest/", {"settings": {"times": 1}})
    assert (refused.status_code, refused.json()["error"]["field"]) == (400, "times")


def test_a_backtest_of_a_detector_of_windows(admin: Client) -> None:
    write(
        *(
            span(n, type="tool", tool_name="db", agent="planner", status="error", start=AGO - 7200 * SECOND)
            for n in (1, 2)
        )
    )
    settle()
    said = command("backtest", "tool_error_rate", "--since", "1d")
    assert "would have fired once in 24 hours" in said
    assert "(over time)" in said


def test_the_past_is_filled_in_by_command_and_again() -> None:
    write(*run(1), *run(2, 1))
    settle()
    for _ in range(2):
        assert "1 findings by 2 detectors" in command("detect", "--since", "1d")
    assert store_client.run("SELECT count() FROM stored_findings").result_rows == [(1,)]
    assert "0 findings by 1 detector" in command("detect", "--since", "1d", "--detector", "tool_error_rate")
    with pytest.raises(CommandError, match="There is no detector"):
        command("detect", "--since", "1d", "--detector", "nothing")


def test_the_jobs_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "_looker", Looker())
    write(*run(1))
    tasks.detect_traces()
    tasks.judge_windows()
    tasks.agent_health()
    assert len(findings.listed("default", findings.FindingFilter()).results) == 1
    assert store_client.run("SELECT DISTINCT agent FROM agent_health").result_rows == [("planner",)]
