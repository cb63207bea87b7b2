"""Incidents, silences and routes by the API."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from tests.api.conftest import with_key
from tests.pages.sample_incidents import make, make_hostile
from tracestore.alerts.models import Channel, Incident
from tracestore.models import Project

pytestmark = pytest.mark.django_db
INCIDENTS, SILENCES, ROUTES = (f"/api/v1/{name}/" for name in ("incidents", "silences", "routes"))


@pytest.fixture
def found(default_project: Project) -> dict[str, Incident]:
    return make()


@pytest.fixture
def client(default_project: Project) -> Client:
    return with_key(default_project, "read", "respond")


@pytest.fixture
def admin(default_project: Project) -> Client:
    return with_key(default_project, "read", "admin")


def post(client: Client, path: str, body: Any = None) -> Any:
    return client.post(path, body if body is not None else {}, content_type="application/json")


def titles(client: Client, **query: Any) -> list[int]:
    return [one["id"] for one in client.get(INCIDENTS, query).json()["results"]]


def test_the_list_says_what_is_needed_at_night(client: Client, found: dict[str, Incident]) -> None:
    one = next(row for row in client.get(INCIDENTS).json()["results"] if row["id"] == found["loop"].pk)
    assert (one["state"], one["severity"], one["agent"], one["detector"]) == (
        "open", "critical", "support-planner", "loop",
    )  # fmt: skip
    assert (one["wasted_usd"], one["usd_per_hour"], one["going_on"], one["run_count"]) == (12.4839, 38.2, True, 14)
    assert len(one["runs"]) == 14
    assert one["evidence"][0]["span_id"]
    assert one["url"].endswith(f"/incidents/{one['id']}/")
    assert (one["cause"], one["resolved_at"], one["owner"]) == (None, None, "Support agents")


def test_the_filters_narrow_and_pages_follow_each_other(client: Client, found: dict[str, Incident]) -> None:
    assert set(titles(client, state="acknowledged")) == {found["acknowledged"].pk}
    assert set(titles(client, state="resolved")) == {found["past"].pk, found["drift"].pk}
    assert set(titles(client, severity="info")) == {found["info"].pk}
    assert set(titles(client, agent="support-planner")) == {found["loop"].pk, found["past"].pk}
    assert set(titles(client, q="trains")) == {found["tool"].pk}
    assert found["past"].pk not in titles(client, since="24h")
    assert titles(client, until="24h") == [found["past"].pk]
    seen, cursor = [], ""
    while True:
        page = client.get(INCIDENTS, {"limit": 2} | ({"cursor": cursor} if cursor else {})).json()
        seen += [one["id"] for one in page["results"]]
        cursor = page["next"]
        if not cursor:
            break
    assert seen == titles(client)
    assert len(seen) == len(set(seen)) == len(found)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"state": "gone"}, "state"), ({"severity": "awful"}, "severity"), ({"since": "soon"}, "since"),
        ({"limit": "0"}, "limit"), ({"since": "1h", "until": "2h"}, "since"), ({"q": "x" * 5000}, "q"),
    ],
)  # fmt: skip
def test_a_bad_parameter_is_named(client: Client, query: dict[str, str], field: str) -> None:
    answer = client.get(INCIDENTS, query)
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, field)


def test_one_has_all_that_belongs_to_it(client: Client, found: dict[str, Incident]) -> None:
    one = client.get(f"{INCIDENTS}{found['loop'].pk}/").json()
    assert [change["kind"] for change in one["history"]] == ["opened", "noted"]
    assert one["alerts"][0]["state"] == "firing"
    assert found["past"].pk in [other["id"] for other in one["similar"]]
    past = next(other for other in one["similar"] if other["id"] == found["past"].pk)
    assert any("Rolled the prompt back" in change["note"] for change in past["done"])
    assert {(sent["channel"], sent["state"]) for sent in one["notifications"]} == {
        ("on-call pager", "sent"), ("#agents-alerts", "failed"),
    }  # fmt: skip


def test_acts_are_recorded_with_actor_and_note(client: Client, found: dict[str, Incident]) -> None:
    path = f"{INCIDENTS}{found['loop'].pk}/"
    one = post(client, f"{path}acknowledge/", {"note": "mine"}).json()
    assert one["state"] == "acknowledged"
    assert one["acknowledged_by"].startswith("key ")
    assert post(client, f"{path}acknowledge/").json()["version"] == one["version"]
    assert post(client, f"{path}unacknowledge/").json()["state"] == "open"
    assert post(client, f"{path}resolve/", {"note": "rolled back"}).json()["state"] == "resolved"
    again = post(client, f"{path}resolve/")
    assert (again.status_code, again.json()["error"]["field"]) == (400, "state")
    assert post(client, f"{path}reopen/").json()["state"] == "open"
    noted = post(client, f"{path}notes/", {"text": "hm"})
    assert noted.status_code == 201
    history = noted.json()["history"]
    assert [change["kind"] for change in history if change["actor"].startswith("key ")] == [
        "acknowledged", "unacknowledged", "resolved", "reopened", "noted",
    ]  # fmt: skip
    assert [change["note"] for change in history][-5:] == ["mine", "", "rolled back", "", "hm"]


def test_a_snooze_is_a_time_or_a_length(client: Client, found: dict[str, Incident]) -> None:
    path = f"{INCIDENTS}{found['loop'].pk}/"
    until = datetime.fromisoformat(post(client, f"{path}snooze/", {"for": "1h"}).json()["snoozed_until"])
    assert timedelta(minutes=59) < until - datetime.now(UTC) <= timedelta(hours=1)
    assert post(client, f"{path}wake/").json()["snoozed_until"] is None
    wanted = (datetime.now(UTC) + timedelta(hours=5)).replace(microsecond=0)
    assert (
        datetime.fromisoformat(post(client, f"{path}snooze/", {"until": wanted.isoformat()}).json()["snoozed_until"])
        == wanted
    )
    for body in ({}, {"for": "1h", "until": wanted.isoformat()}, {"for": "-1h"}, {"for": "400d"}, {"until": "1h"},
                 {"for": 3}, {"for": "0m"}, {"until": wanted.isoformat(), "colour": "red"}):  # fmt: skip
        assert post(client, f"{path}snooze/", body).status_code == 400, body


def test_scopes_and_projects_keep_people_apart(
    default_project: Project, other_project: Project, found: dict[str, Incident]
) -> None:
    path = f"{INCIDENTS}{found['loop'].pk}/"
    assert post(with_key(default_project, "read"), f"{path}acknowledge/").status_code == 403
    assert post(with_key(default_project, "read"), SILENCES, {"matchers": 'a="b"'}).status_code == 403
    assert post(with_key(default_project, "read", "respond"), ROUTES, {"name": "x"}).status_code == 403
    stranger = with_key(other_project, "read", "respond", "admin")
    assert stranger.get(path).status_code == 404
    assert post(stranger, f"{path}resolve/").status_code == 404
    assert titles(stranger) == []


def test_silences_are_made_previewed_changed_and_ended(client: Client, found: dict[str, Incident]) -> None:
    matchers = [{"name": "agent", "value": "support-planner"}]
    covered = post(client, f"{SILENCES}preview/", {"matchers": matchers}).json()["incidents"]
    assert [one["id"] for one in covered] == [found["loop"].pk]
    made = post(client, SILENCES, {"matchers": matchers, "duration_s": 3600, "comment": "known"})
    assert made.status_code == 201
    one = made.json()
    assert (one["active"], one["kind"], one["matchers"][0]["value"]) == (True, "silence", "support-planner")
    path = f"{SILENCES}{one['id']}/"
    changed = client.patch(path, {"comment": "better"}, content_type="application/json").json()
    assert changed["comment"] == "better"
    assert [row["id"] for row in client.get(SILENCES, {"active": "true"}).json()["results"]] == [one["id"]]
    assert client.delete(path).json()["active"] is False
    assert client.get(SILENCES, {"active": "true"}).json()["results"] == []
    assert [row["id"] for row in client.get(SILENCES).json()["results"]] == [one["id"]]
    for body, field in (({}, "matchers"), ({"matchers": [], "duration_s": 60}, "matchers"), ({"hue": 1}, "hue")):
        refused = post(client, SILENCES, body)
        assert (refused.status_code, refused.json()["error"]["field"]) == (400, field)


def test_routes_are_ordered_and_tried_out(admin: Client, found: dict[str, Incident]) -> None:
    pager, chat = Channel.objects.order_by("pk")
    first = post(admin, ROUTES, {"name": "rest", "channels": [chat.pk]}).json()
    body = {
        "name": "critical", "matchers": 'severity="critical"', "channels": [pager.pk],
        "escalation": [{"after_s": 900, "channels": [chat.pk]}],
    }  # fmt: skip
    second = post(admin, ROUTES, body).json()
    tried = post(admin, f"{ROUTES}try/", {"severity": "critical", "labels": {"agent": "x"}}).json()
    assert [one["channel"] for one in tried["told"]] == [chat.pk]
    order = post(admin, f"{ROUTES}order/", {"order": [second["id"], first["id"]]}).json()["results"]
    assert [one["name"] for one in order] == ["critical", "rest"]
    tried = post(admin, f"{ROUTES}try/", {"severity": "critical"}).json()
    assert [one["channel"] for one in tried["told"]] == [pager.pk]
    assert tried["escalation"] == [{"after_s": 900, "channels": [chat.pk]}]
    assert post(admin, f"{ROUTES}order/", {"order": [1]}).status_code == 400
    assert admin.delete(f"{ROUTES}{first['id']}/").json()["name"] == "rest"
    assert admin.get(f"{ROUTES}{first['id']}/").status_code == 404


def test_hostile_texts_are_given_as_they_are(client: Client) -> None:
    one = make_hostile()
    answer = client.get(f"{INCIDENTS}{one.pk}/")
    assert answer.status_code == 200
    assert answer.json()["runbook_url"].startswith("javascript:")
