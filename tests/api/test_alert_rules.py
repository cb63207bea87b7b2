"""Alert rules over the API: who may do what, what the list says of each, and the preview."""

from __future__ import annotations

import sys
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from tests.api.conftest import with_key
from tracestore import alerts
from tracestore.alerts.builtin_rules import shipped
from tracestore.alerts.models import Alert, AlertRule, Incident
from tracestore.models import Project

pytestmark = pytest.mark.django_db

RULES = "/api/v1/alert-rules/"
DEAR: dict[str, Any] = {
    "name": "Dear runs", "kind": "metric", "condition": {"metric": "cost_per_run", "threshold": 2, "by": ["agent"]},
}  # fmt: skip


def send(client: Client, method: str, path: str, body: Any = None) -> Any:
    return getattr(client, method)(path, body, content_type="application/json")


@pytest.fixture
def admin(default_project: Project) -> Client:
    return with_key(default_project, "read", "admin")


def test_a_rule_is_made_read_changed_deleted_and_brought_back(admin: Client) -> None:
    made = send(admin, "post", RULES, DEAR)
    assert made.status_code == 201
    rule = made.json()
    assert rule["says"] == "The mean cost of a run of each agent over 15 min is above $2."
    assert (rule["firing"], rule["pending"], rule["incidents"], rule["evaluated_at"]) == (0, 0, [], None)
    assert (rule["builtin"], rule["is_changed"]) == ("", False)
    one = f"{RULES}{rule['id']}/"
    assert send(admin, "patch", one, {"severity": "critical"}).json()["condition"] == rule["condition"]
    assert admin.get(one).json()["severity"] == "critical"
    assert send(admin, "delete", one).status_code == 200
    assert admin.get(one).status_code == 404
    assert send(admin, "post", f"{one}restore/").json()["name"] == "Dear runs"
    assert send(admin, "post", f"{one}reset/").status_code == 400


def test_a_new_project_lists_the_shipped_rules(admin: Client) -> None:
    listed = admin.get(RULES).json()
    assert listed["next"] is None
    assert {one["builtin"] for one in listed["results"]} == set(shipped())
    assert [one["name"] for one in listed["results"]] == sorted(one["name"] for one in listed["results"])
    one = f"{RULES}{listed['results'][0]['id']}/"
    assert send(admin, "patch", one, {"hold_s": 77}).json()["is_changed"] is True
    assert send(admin, "post", f"{one}reset/").json()["is_changed"] is False


def test_the_list_says_how_each_stands(admin: Client, default_project: Project) -> None:
    number = send(admin, "post", RULES, DEAR).json()["id"]
    incident = Incident.objects.create(project=default_project, key="k", severity="warning", title="t")
    now = timezone.now()
    for k, (state, fired) in enumerate(
        [("firing", 1), ("firing", 2), ("pending", None), ("resolved", 50)]
    ):  # an alert that is over counts only for when it last fired
        Alert.objects.create(
            project=default_project, rule_id=number, fingerprint=str(k), state=state, severity="warning",
            fired_at=fired and now - timedelta(hours=fired), incident=incident if state == "firing" else None,
        )  # fmt: skip
    AlertRule.objects.filter(pk=number).update(failure="no such view", evaluated_at=now)
    listed = {one["name"]: one for one in admin.get(RULES).json()["results"]}
    rule = listed["Dear runs"]
    assert (rule["firing"], rule["pending"], rule["incidents"]) == (2, 1, [incident.pk])
    assert rule["last_fired_at"][:16] == (now - timedelta(hours=1)).isoformat()[:16]
    assert rule["failure"] == "no such view"
    assert listed["Runs of an agent fail"]["firing"] == 0


def test_who_may_do_what(admin: Client, default_project: Project, other_project: Project, user: User) -> None:
    one = f"{RULES}{send(admin, 'post', RULES, DEAR).json()['id']}/"
    reader = with_key(default_project, "read")
    member = Client()
    member.force_login(user)
    for client in (reader, member):
        assert client.get(one).status_code == 200
        assert send(client, "post", RULES, DEAR | {"name": "x"}).status_code == 403
        assert send(client, "patch", one, {"enabled": False}).status_code == 403
        assert send(client, "delete", one).status_code == 403
        assert send(client, "post", f"{one}restore/").status_code == 403
    stranger = with_key(other_project, "read", "admin")
    assert stranger.get(one).status_code == 404
    assert send(stranger, "patch", one, {"enabled": False}).status_code == 404
    assert send(stranger, "delete", one).status_code == 404
    assert "Dear runs" not in [rule["name"] for rule in stranger.get(RULES).json()["results"]]
    assert AlertRule.objects.get(name="Dear runs").enabled


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ([], ""),
        ({"colour": 1}, "colour"),
        ({"condition": {"metric": "x"}}, "condition.metric"),
        ({"hold_s": -1}, "hold_s"),
    ],
)
def test_a_bad_field_is_named(admin: Client, sent: Any, field: str) -> None:
    for path in (RULES, f"{RULES}preview/"):
        response = send(admin, "post", path, DEAR | sent if isinstance(sent, dict) else sent)
        assert response.status_code == 400, response.content
        assert response.json()["error"].get("field", "") == field


def test_a_preview_says_what_would_have_been(default_project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    now = timezone.now()
    asked = []

    def fired(project: str, condition: Any, hold_s: int, keep_firing_s: int, since: Any, until: Any) -> Any:
        asked.append((project, condition.metric, round((until - since).total_seconds())))
        hours = timedelta(hours=1)
        stretch = SimpleNamespace(
            labels={"agent": "planner"}, start=now - 2 * hours, end=now - hours, peak=3.5, examples=("a" * 32,)
        )
        return SimpleNamespace(firings=[stretch], since=since, until=until, points=[], complete=True)

    fake = SimpleNamespace(firings=fired)
    monkeypatch.setitem(sys.modules, "tracestore.alerts.past", fake)  # type: ignore[misc]
    monkeypatch.setattr(alerts, "past", fake, raising=False)
    reader = with_key(default_project, "read")
    unnamed = {name: value for name, value in DEAR.items() if name != "name"}
    found = send(reader, "post", f"{RULES}preview/?since=24h", unnamed).json()
    assert asked == [("default", "cost_per_run", 86_400)]
    assert found["sentence"].startswith("Would have fired once in 1 day, on ")
    assert (found["count"], found["firing_s"]) == (1, 3600)
    assert found["results"][0]["labels"] == {"agent": "planner"}
    assert found["results"][0]["traces"] == ["a" * 32]
    assert not AlertRule.objects.filter(builtin="").exists()
    assert send(reader, "post", f"{RULES}preview/?since=90d", unnamed).json()["error"]["field"] == "since"
