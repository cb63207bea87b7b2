"""Channels by the API: what is taken and refused by name, what is shown, who may, and the delivery log."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from tests.alerts.notify.receivers import HttpReceiver, Reply, http_receiver
from tests.api.conftest import with_key
from tracestore.alerts import channels, delivery
from tracestore.alerts.models import Channel, Notification
from tracestore.models import Project

pytestmark = pytest.mark.django_db
ADDRESS = "/api/v1/channels/"
KINDS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("webhook", {"url": "https://hooks.example.org/T0/secret?key=secret", "secret": "s3cret"},
     {"url": "https://hooks.example.org/…", "secret_set": True}),
    ("webhook", {"url": "https://hooks.example.org"}, {"url": "https://hooks.example.org", "secret_set": False}),
    ("pagerduty", {"routing_key": "s3cret"}, {"routing_key_set": True}),
    ("slack", {"url": "https://hooks.slack.com/services/T/B/s3cret"},
     {"url": "https://hooks.slack.com/…", "token_set": False}),
    ("slack", {"token": "xoxb-s3cret", "channel": "#on-call"}, {"token_set": True, "channel": "#on-call"}),
    ("email", {"to": "ada@example.org"}, {"to": ["ada@example.org"]}),
    ("email", {"to": ["ada@example.org", "b@example.org"]}, {"to": ["ada@example.org", "b@example.org"]}),
    ("alertmanager", {"url": "http://127.0.0.1:9093/"}, {"url": "http://127.0.0.1:9093/"}),
    ("apprise", {"url": "json://127.0.0.1:9/s3cret"}, {"url": "json://…"}),
]  # fmt: skip


@pytest.fixture
def admin(default_project: Project) -> Client:
    return with_key(default_project, "admin", "read")


@pytest.fixture
def receiver() -> Iterator[HttpReceiver]:
    with http_receiver() as made:
        yield made


def post(client: Client, address: str, sent: object = None) -> Any:
    return client.post(address, sent, content_type="application/json")


def made(client: Client, **fields: Any) -> Any:
    sent = {"name": "on-call", "kind": "webhook", "config": {"url": "https://hooks.example.org/a"}, **fields}
    return post(client, ADDRESS, sent)


@pytest.mark.parametrize(("kind", "config", "shown"), KINDS)
def test_each_kind_is_made_and_shown_without_its_secrets(
    admin: Client, kind: str, config: dict[str, Any], shown: dict[str, Any]
) -> None:
    answer = made(admin, kind=kind, config=config)
    assert answer.status_code == 201, answer.content
    found = answer.json()
    assert found["config"] == shown
    assert (found["kind"], found["enabled"], found["min_severity"], found["state"]) == (kind, True, "warning", "fine")
    assert admin.get(f"{ADDRESS}{found['id']}/").json() == found
    listed = admin.get(ADDRESS)
    assert listed.json() == {"results": [found], "next": None}
    for body in (answer.content, listed.content):
        assert b"s3cret" not in body
        assert b"key=secret" not in body


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": ""}, "name"), ({"name": "a\nb"}, "name"), ({"name": "n" * 121}, "name"), ({"name": 7}, "name"),
        ({"kind": "pigeon"}, "kind"), ({"kind": None}, "kind"), ({"config": None}, "config"),
        ({"config": []}, "config"),
        ({"config": {}}, "config.url"), ({"config": {"url": ""}}, "config.url"), ({"config": {"url": 7}}, "config.url"),
        ({"config": {"url": "ftp://example.org/"}}, "config.url"),
        ({"config": {"url": "https://a:b@example.org/"}}, "config.url"),
        ({"config": {"url": "http://169.254.169.254/latest/"}}, "config.url"),
        ({"config": {"url": "http://2130706433/"}}, "config.url"),
        ({"config": {"url": "https://example.org/\r\nX: y"}}, "config.url"),
        ({"config": {"url": "https://example.org/", "user": "x"}}, "config.user"),
        ({"config": {"url": "https://example.org/", "secret": ["x"]}}, "config.secret"),
        ({"kind": "pagerduty", "config": {}}, "config.routing_key"),
        ({"kind": "pagerduty", "config": {"routing_key": "schlüssel"}}, "config.routing_key"),
        ({"kind": "slack", "config": {}}, "config.url"),
        ({"kind": "slack", "config": {"token": "x"}}, "config.channel"),
        ({"kind": "email", "config": {}}, "config.to"), ({"kind": "email", "config": {"to": "ada"}}, "config.to"),
        ({"kind": "email", "config": {"to": "a@example.org\r\nBcc: b@example.org"}}, "config.to"),
        ({"kind": "email", "config": {"to": ["a@example.org", 7]}}, "config.to"),
        ({"kind": "email", "config": {"to": [f"a{n}@example.org" for n in range(21)]}}, "config.to"),
        ({"kind": "apprise", "config": {"url": "nothing://x"}}, "config.url"),
        ({"min_severity": "bad"}, "min_severity"), ({"enabled": 1}, "enabled"), ({"most_per_hour": 0}, "most_per_hour"),
        ({"most_per_hour": True}, "most_per_hour"), ({"colour": "red"}, "colour"),
        ({"disabled_reason": "x"}, "disabled_reason"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_by_name(admin: Client, fields: dict[str, Any], field: str) -> None:
    answer = made(admin, **fields)
    assert (answer.status_code, answer.json()["error"].get("field")) == (400, field), answer.content
    assert not Channel.objects.exists()


@pytest.mark.parametrize("sent", [[], "x", None])
def test_a_body_that_is_no_object_is_refused(admin: Client, sent: object) -> None:
    assert post(admin, ADDRESS, sent).status_code == 400


def test_names_are_unique_among_those_that_are_there(admin: Client) -> None:
    first = made(admin).json()
    assert made(admin).json()["error"]["field"] == "name"
    admin.delete(f"{ADDRESS}{first['id']}/")
    assert made(admin).status_code == 201
    assert post(admin, f"{ADDRESS}{first['id']}/restore/").json()["error"]["field"] == "name"


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8080/", "http://10.0.0.1/", "http://localhost/", "http://[::1]/", "http://x.example:22/"]
)
def test_private_addresses_are_refused_at_once_where_they_are_not_allowed(
    admin: Client, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    assert made(admin, config={"url": url}).status_code == 201
    monkeypatch.setattr(settings, "ENVIRONMENT", replace(settings.ENVIRONMENT, allow_private_webhooks=False))
    assert made(admin, name="b", config={"url": url}).json()["error"]["field"] == "config.url"
    answer = made(admin, name="c", kind="apprise", config={"url": "json://example.org"})
    assert answer.json()["error"]["field"] == "kind"
    assert "TRACESTORE_ALLOW_PRIVATE_WEBHOOKS" in answer.json()["error"]["message"]


def test_changing_keeps_what_is_not_sent(admin: Client) -> None:
    one = made(admin, config={"url": "https://hooks.example.org/a", "secret": "s3cret"}).json()
    address = f"{ADDRESS}{one['id']}/"

    def change(**fields: Any) -> Any:
        return admin.patch(address, fields, content_type="application/json")

    assert change(name="other", min_severity="critical", most_per_hour=5, send_resolved=False).json()["name"] == "other"
    assert change(config={"url": one["config"]["url"]}).status_code == 200  # as it was shown
    assert Channel.objects.get().config == {"url": "https://hooks.example.org/a", "secret": "s3cret"}
    assert change(config={"secret": None}).json()["config"]["secret_set"] is False
    assert (
        change(config={"url": "https://other.example.org/b"}).json()["config"]["url"] == "https://other.example.org/…"
    )
    assert change(kind="slack").json()["error"]["field"] == "kind"
    assert change(config={"url": None}).json()["error"]["field"] == "config.url"


@pytest.mark.parametrize(
    ("kind", "config", "moved", "again"),
    [("slack", {"token": "xoxb-1", "channel": "C1"}, {"api_url": "https://evil.example"}, {"token": "xoxb-1"}),
     ("pagerduty", {"routing_key": "R"}, {"url": "https://evil.example"}, {"routing_key": "R"})],
)  # fmt: skip
def test_a_secret_is_not_sent_to_a_new_address_unless_it_is_given_again(
    admin: Client, kind: str, config: dict[str, Any], moved: dict[str, Any], again: dict[str, Any]
) -> None:
    address = f"{ADDRESS}{made(admin, kind=kind, config=config).json()['id']}/"
    refused = admin.patch(address, {"config": moved}, content_type="application/json")
    assert refused.json()["error"]["field"] == f"config.{next(iter(again))}"
    assert admin.patch(address, {"config": moved | again}, content_type="application/json").status_code == 200


def test_enabling_forgets_why_it_was_off(admin: Client) -> None:
    address = f"{ADDRESS}{made(admin).json()['id']}/"
    Channel.objects.update(enabled=False, disabled_reason="The receiver answered 410.", failures=3)
    assert admin.get(address).json()["state"] == "disabled"
    found = admin.patch(address, {"enabled": True}, content_type="application/json").json()
    assert (found["state"], found["disabled_reason"], found["failures"]) == ("fine", "", 0)


def test_deleting_and_bringing_back(admin: Client) -> None:
    one = made(admin).json()
    address = f"{ADDRESS}{one['id']}/"
    assert admin.delete(address).json()["id"] == one["id"]
    assert admin.get(ADDRESS).json()["results"] == []
    assert [admin.get(address).status_code, admin.delete(address).status_code] == [404, 404]
    assert post(admin, f"{address}restore/").json() == one
    assert post(admin, f"{address}restore/").status_code == 404


def test_a_test_answers_with_how_it_ended(admin: Client, receiver: HttpReceiver) -> None:
    address = f"{ADDRESS}{made(admin, config={'url': receiver.url}).json()['id']}/"
    answer = post(admin, f"{address}test/")
    assert answer.status_code == 200
    found = answer.json()
    assert (found["outcome"], found["status"], found["error"]) == ("sent", 200, "")
    receiver.usual = Reply(404, b"no such hook")
    found = post(admin, f"{address}test/").json()
    assert (found["outcome"], found["status"]) == ("failed", 404)
    assert "no such hook" in found["error"]
    log = admin.get(f"{address}deliveries/").json()
    assert [(one["event"], one["outcome"], one["status"]) for one in log["results"]] == [
        ("test", "failed", 404), ("test", "sent", 200),
    ]  # fmt: skip
    for _ in range(channels.MOST_TESTS - 2):
        post(admin, f"{address}test/")
    refused = post(admin, f"{address}test/")
    assert (refused.status_code, refused["Retry-After"]) == (429, "60")


def test_the_delivery_log_has_pages(admin: Client, receiver: HttpReceiver) -> None:
    from tests.alerts.notify import samples

    number = made(admin, config={"url": receiver.url}).json()["id"]
    channel = Channel.objects.get(pk=number)
    for _ in range(5):
        samples.notification(channel)
    delivery.send_due(samples.NOW)
    address = f"{ADDRESS}{number}/deliveries/"
    first = admin.get(f"{address}?limit=3").json()
    second = admin.get(f"{address}?limit=3&cursor={first['next']}").json()
    ids = [one["id"] for one in first["results"] + second["results"]]
    assert (ids, second["next"]) == (sorted(ids, reverse=True), None)
    assert len(set(ids)) == 5
    assert first["results"][0]["incident"] == Notification.objects.latest("pk").incident_id
    assert admin.get(f"{address}?cursor=x").json()["error"]["field"] == "cursor"


def test_only_admins_change_and_only_the_own_project(
    default_project: Project, other_project: Project, admin: Client
) -> None:
    number = made(admin).json()["id"]
    address = f"{ADDRESS}{number}/"
    reader, other = with_key(default_project, "read"), with_key(other_project, "admin", "read")
    assert reader.get(address).status_code == 200
    for client, status in ((reader, 403), (other, 404)):
        assert client.patch(address, {"name": "x"}, content_type="application/json").status_code == status
        assert client.delete(address).status_code == status
        assert post(client, f"{address}test/").status_code == status
        assert post(client, f"{address}restore/").status_code == status
    assert made(reader).status_code == 403
    assert [other.get(address).status_code, other.get(f"{address}deliveries/").status_code] == [404, 404]
    assert other.get(ADDRESS).json()["results"] == []
    assert Channel.objects.get().name == "on-call"


def test_metrics_count_by_kind_and_outcome(admin: Client, receiver: HttpReceiver) -> None:
    address = f"{ADDRESS}{made(admin, config={'url': receiver.url}).json()['id']}/"
    post(admin, f"{address}test/")
    receiver.usual = Reply(500)
    post(admin, f"{address}test/")
    text = admin.get("/metrics").content.decode()
    assert 'tracestore_notification_attempts_total{kind="webhook",outcome="sent"} 1.0' in text
    assert 'tracestore_notification_attempts_total{kind="webhook",outcome="failed"} 1.0' in text
    assert 'tracestore_channels{kind="webhook",state="fine"} 1.0' in text
    assert "tracestore_notifications_oldest_waiting_seconds 0.0" in text
