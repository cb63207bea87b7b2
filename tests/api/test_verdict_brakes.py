"""Budgets, breakers and halts by API: shapes, scopes, actors, bad input, foreign projects."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from dashboard.api import verdict_shapes
from tests.api.conftest import with_key
from tracestore.alerts import halts
from tracestore.alerts.halts import Told
from tracestore.alerts.models import BudgetState, Halt, Incident
from tracestore.detectors.standing import Subject
from tracestore.models import Membership as Member
from tracestore.models import Project

pytestmark = pytest.mark.django_db
API = "/api/v1/"


def send(client: Client, method: str, path: str, body: object = None) -> Any:
    return getattr(client, method)(API + path, body if body is not None else {}, content_type="application/json")


@pytest.fixture
def admin(default_project: Project) -> Client:
    return with_key(default_project, "read", "admin")


def test_budgets_are_made_changed_deleted_and_brought_back(admin: Client, default_project: Project) -> None:
    made = send(admin, "post", "budgets/", {"name": "b", "measure": "usd", "scope": "run", "limit": 5})
    assert made.status_code == 201
    assert set(made.json()) == set(verdict_shapes.Budget().fields)
    path = f"budgets/{made.json()['id']}/"
    assert send(admin, "patch", path, {"limit": 8, "halts": False}).json()["limit"] == 8
    BudgetState.objects.create(
        budget_id=made.json()["id"], subject="t", action="warn", spent=6.0, reason="r", at=datetime.now(UTC)
    )
    (listed,) = admin.get(API + "budgets/").json()["results"]
    assert set(listed["states"][0]) == set(verdict_shapes.BudgetState().fields)
    assert (listed["states"][0]["share"], listed["halts"]) == (0.75, False)
    assert admin.get(API + path).json() == listed
    assert send(admin, "delete", path).status_code == 200
    assert admin.get(API + "budgets/").json() == {"results": [], "next": None}
    assert send(admin, "post", path + "restore/").json()["limit"] == 8
    bad = send(admin, "patch", path, {"limit": -1})
    assert (bad.status_code, bad.json()["error"]["field"]) == (400, "limit")
    reader = with_key(default_project)
    assert reader.get(API + "budgets/").status_code == 200
    assert send(reader, "patch", path, {"limit": 1}).status_code == 403


def test_breakers_are_opened_and_released_by_hand(admin: Client) -> None:
    made = send(admin, "post", "breakers/", {"agent": "planner", "tool": "search", "reason": "down"})
    assert made.status_code == 201
    assert set(made.json()) == set(verdict_shapes.Breaker().fields)
    assert made.json()["changes"][0]["actor"].startswith("key ")
    found = admin.get(API + "verdict/", {"agent": "planner", "tool": "search"})
    assert found.json()["verdict"] == "halt"
    path = f"breakers/{made.json()['id']}/"
    released = send(admin, "post", path + "release/", {"reason": "up again"}).json()
    assert (released["state"], len(released["changes"])) == ("closed", 2)
    assert set(released["changes"][0]) == set(verdict_shapes.BreakerChange().fields)
    assert admin.get(API + path).json() == released
    assert admin.get(API + "breakers/").json()["results"] == [released]


def test_halts_are_ordered_listed_and_lifted(admin: Client) -> None:
    until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    made = send(admin, "post", "halts/", {"by": "agent", "subject": "planner", "reason": "costly", "until": until})
    assert made.status_code == 201
    assert set(made.json()) == set(verdict_shapes.Halt().fields)
    told = Subject("default", "trace_id", "a" * 32)
    halts.record({told: Told(2, "finding", "loop: x", datetime.now(UTC))})
    page = admin.get(API + "halts/", {"limit": 1}).json()
    assert page["results"][0]["source"] == "finding"
    rest = admin.get(API + "halts/", {"limit": 1, "cursor": page["next"]}).json()
    assert (rest["results"][0]["id"], rest["next"]) == (made.json()["id"], None)
    path = f"halts/{made.json()['id']}/"
    assert admin.get(API + path).json()["active"] is True
    lifted = send(admin, "post", path + "lift/", {"reason": "fixed"}).json()
    assert (lifted["active"], lifted["lift_reason"]) == (False, "fixed")
    assert [one["subject"] for one in admin.get(API + "halts/?active=true").json()["results"]] == [told.value]


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("halts/", {"by": "user", "subject": "x"}, "by"), ("halts/", {"by": "agent"}, "subject"),
        ("halts/", {"by": "agent", "subject": "x", "until": "yesterday"}, "until"),
        ("halts/", {"by": "agent", "subject": "x", "until": 5}, "until"),
        ("halts/", {"by": "agent", "subject": "x", "colour": 5}, "colour"),
        ("halts/", {"by": "agent", "subject": "x", "incident": "x"}, "incident"),
        ("breakers/", {}, "agent"), ("breakers/", {"agent": 5}, "agent"),
        ("budgets/", {"name": "x"}, "measure"),
    ],
)  # fmt: skip
def test_bad_input_names_the_field(admin: Client, path: str, body: dict[str, Any], field: str) -> None:
    answer = send(admin, "post", path, body)
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, field)


@pytest.mark.parametrize("query", [{"active": "x"}, {"cursor": "x"}, {"limit": "0"}])
def test_a_bad_parameter_is_named(admin: Client, query: dict[str, str]) -> None:
    answer = admin.get(API + "halts/", query)
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, next(iter(query)))


def test_members_respond_and_viewers_look_on(user: User) -> None:
    browser = Client()
    browser.force_login(user)
    made = send(browser, "post", "halts/", {"by": "agent", "subject": "planner"})
    assert (made.status_code, made.json()["actor"]) == (201, "ada")
    assert send(browser, "post", "budgets/", {}).status_code == 403
    Member.objects.update(role="viewer")
    for path in ("halts/", f"halts/{made.json()['id']}/lift/", "breakers/", "breakers/1/release/"):
        assert send(browser, "post", path, {}).status_code == 403
    assert browser.get(API + "halts/").status_code == 200


def test_foreign_projects_are_not_there(admin: Client, other_project: Project) -> None:
    foreign = with_key(other_project, "read", "admin")
    halt = send(admin, "post", "halts/", {"by": "agent", "subject": "planner"}).json()["id"]
    breaker = send(admin, "post", "breakers/", {"agent": "planner"}).json()["id"]
    budget = send(admin, "post", "budgets/", {"name": "b", "measure": "usd", "scope": "run", "limit": 5}).json()["id"]
    for path in (f"halts/{halt}/lift/", f"breakers/{breaker}/release/", f"budgets/{budget}/restore/"):
        assert send(foreign, "post", path).status_code == 404
    for path in (f"halts/{halt}/", f"breakers/{breaker}/", f"budgets/{budget}/"):
        assert foreign.get(API + path).status_code == 404
    for path in ("halts/", "breakers/", "budgets/"):
        assert foreign.get(API + path).json()["results"] == []
    incident = Incident.objects.create(project=other_project, key="k", severity="critical", title="x")
    body = {"by": "agent", "subject": "x", "incident": incident.pk}
    assert send(admin, "post", "halts/", body).status_code == 404
    assert Halt.objects.count() == 1
