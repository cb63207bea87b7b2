"""The pages of channels: what they show, who may change what, and forms that work without script."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from tests.alerts.notify import samples
from tests.alerts.notify.receivers import HttpReceiver, Reply, http_receiver
from tracestore.alerts import delivery
from tracestore.alerts.models import Channel
from tracestore.models import Membership

pytestmark = [pytest.mark.urls("dashboard.pages.urls"), pytest.mark.django_db]
ADDRESS = "/settings/channels/"
USUAL = {"name": "on-call", "min_severity": "warning", "most_per_hour": "60", "send_resolved": "1"}
HOSTILE = '"><script>alert(1)</script>\u202e'


@pytest.fixture
def admin(browser_client: Client, member: User) -> Client:
    Membership.objects.filter(user=member).update(role="admin")
    return browser_client


@pytest.fixture
def receiver() -> Iterator[HttpReceiver]:
    with http_receiver() as made:
        yield made


def page(client: Client, address: str = ADDRESS) -> str:
    response = client.get(address)
    assert response.status_code == 200
    return response.content.decode()


def act(client: Client, channel: Channel, what: str) -> Any:
    return client.post(f"{ADDRESS}{channel.pk}/do/", {"do": what})


def test_an_empty_page_says_what_a_channel_is_for_and_how_to_begin(admin: Client) -> None:
    text = page(admin)
    assert "Nobody is told yet" in text
    for kind in Channel.Kind.values:
        assert f'href="/settings/channels/?add={kind}#add"' in text


@pytest.mark.parametrize(
    ("kind", "fields", "config"),
    [
        ("webhook", {"config.url": "https://hooks.example.org/a", "config.secret": "s"},
         {"url": "https://hooks.example.org/a", "secret": "s"}),
        ("pagerduty", {"config.routing_key": "R", "config.url": ""}, {"routing_key": "R"}),
        ("slack", {"config.url": "https://hooks.slack.com/services/x"}, {"url": "https://hooks.slack.com/services/x"}),
        ("email", {"config.to": "ada@example.org, b@example.org"}, {"to": ["ada@example.org", "b@example.org"]}),
        ("alertmanager", {"config.url": "http://127.0.0.1:9093"}, {"url": "http://127.0.0.1:9093"}),
        ("apprise", {"config.url": "json://127.0.0.1"}, {"url": "json://127.0.0.1"}),
    ],
)  # fmt: skip
def test_each_kind_is_added_by_its_form(
    admin: Client, kind: str, fields: dict[str, str], config: dict[str, Any]
) -> None:
    form = page(admin, f"{ADDRESS}?add={kind}")
    for name in fields:
        assert f'name="{name}"' in form
    assert ("No mail server is set" in form) == (kind == "email")
    response = admin.post(ADDRESS, USUAL | {"add": kind} | fields)
    made = Channel.objects.get()
    assert response["Location"] == f"{ADDRESS}{made.pk}/"
    assert (made.kind, made.config, made.send_resolved, made.most_per_hour) == (kind, config, True, 60)
    assert "on-call" in page(admin)


def test_what_cannot_be_is_told_beside_the_form_and_keeps_what_was_typed_but_secrets(admin: Client) -> None:
    sent = {**USUAL, "add": "webhook", "name": HOSTILE, "config.url": "ftp://x", "config.secret": "s3cret"}
    response = admin.post(ADDRESS, sent)
    text = response.content.decode()
    assert response.status_code == 400
    assert "must begin with https://" in text
    assert re.search(r'name="config.url" value="ftp://x"[^>]*aria-invalid="true"', text)
    assert "s3cret" not in text
    assert "<script>alert" not in text
    assert not Channel.objects.exists()


@pytest.mark.parametrize("kind", ["", "pigeon", "config"])
def test_an_unknown_kind_is_no_error_of_ours(admin: Client, kind: str) -> None:
    assert admin.post(ADDRESS, USUAL | {"add": kind}).status_code == 400
    assert "<form" in page(admin, f"{ADDRESS}?add={kind}")


def test_changing_keeps_secrets_and_addresses_that_are_not_typed_anew(admin: Client) -> None:
    channel = samples.channel({"url": "https://hooks.example.org/secret", "secret": "s3cret"})
    address = f"{ADDRESS}{channel.pk}/"
    text = page(admin, address)
    assert "s3cret" not in text
    assert "hooks.example.org/secret" not in text
    shown = re.search(r'name="config.url" value="([^"]*)"', text)
    assert shown is not None
    assert admin.post(address, USUAL | {"name": "b", "config.url": shown[1], "config.secret": ""}).status_code == 302
    channel.refresh_from_db()
    assert (channel.name, channel.config) == ("b", {"url": "https://hooks.example.org/secret", "secret": "s3cret"})
    admin.post(address, USUAL | {"config.url": shown[1], "remove.secret": "1"})
    channel.refresh_from_db()
    assert channel.config == {"url": "https://hooks.example.org/secret"}
    assert admin.post(address, USUAL | {"most_per_hour": "many", "config.url": shown[1]}).status_code == 400


def test_the_state_is_shown_with_its_reason(browser_client: Client) -> None:
    samples.channel({"url": "https://a.example"}, name="one")
    off = {"enabled": False, "disabled_reason": "The receiver answered 410."}
    samples.channel({"url": "https://a.example"}, name="two", **off)
    later = {"not_before": timezone.now() + timedelta(minutes=4), "failures": 3}
    waits = samples.channel(
        {"url": "https://a.example"}, name="three", last_error="The receiver answered 503.", **later
    )
    samples.channel({"url": "https://a.example"}, name="four", enabled=False)
    text = page(browser_client)
    for said in ("fine", "switched off", "The receiver answered 410.", "waits", "tries again in", "> off<"):
        assert said in text, said
    assert "The receiver answered 503. It is tried again" in page(browser_client, f"{ADDRESS}{waits.pk}/")


def test_a_test_tells_how_it_ended_once(admin: Client, receiver: HttpReceiver) -> None:
    channel = samples.channel({"url": receiver.url})
    address = f"{ADDRESS}{channel.pk}/"
    assert act(admin, channel, "test")["Location"] == address
    assert "The test was taken" in page(admin, address)
    assert "The test was taken" not in page(admin, address)
    receiver.usual = Reply(410, b"<b>gone</b>")
    act(admin, channel, "test")
    text = page(admin, address)
    assert "The test failed: The receiver answered 410 (&lt;b&gt;gone&lt;/b&gt;)." in text
    for _ in range(6):
        act(admin, channel, "test")
    assert "enough" in page(admin, address)


def test_the_log_shows_attempts_and_has_pages(admin: Client, receiver: HttpReceiver) -> None:
    channel = samples.channel({"url": receiver.url}, most_per_hour=1000)
    for _ in range(53):
        samples.notification(channel, title=HOSTILE)
    receiver.replies.append(Reply(503, b"down"))
    delivery.send_due(samples.NOW)
    delivery.send_due(samples.NOW + timedelta(minutes=1))
    text = page(admin, f"{ADDRESS}{channel.pk}/")
    assert text.count('</span></td>\n      <td class="n">200') == 50
    assert "<script>alert" not in text
    older = re.search(r'href="([^"]*before=[0-9]+)#log-title"', text)
    assert older is not None
    second = page(admin, older[1])
    assert "The receiver answered 503 (down)." in second
    assert "tried again" in second


def test_switching_off_and_on_and_deleting_with_undo(admin: Client) -> None:
    channel = samples.channel({"url": "https://a.example"})
    act(admin, channel, "disable")
    channel.refresh_from_db()
    assert not channel.enabled
    act(admin, channel, "enable")
    channel.refresh_from_db()
    assert channel.enabled
    assert act(admin, channel, "delete")["Location"] == ADDRESS
    text = page(admin)
    assert "Deleted on-call." in text
    assert admin.get(f"{ADDRESS}{channel.pk}/").status_code == 404
    act(admin, channel, "restore")
    assert "Deleted" not in page(admin)
    assert Channel.objects.get(deleted_at=None).pk == channel.pk


@pytest.mark.parametrize("role", ["member", "viewer"])
def test_others_read_and_change_nothing(browser_client: Client, member: User, role: str) -> None:
    Membership.objects.filter(user=member).update(role=role)
    channel = samples.channel({"url": "https://a.example"})
    assert "Add a channel" not in page(browser_client)
    text = page(browser_client, f"{ADDRESS}{channel.pk}/")
    assert "Send a test" not in text
    assert "disabled" in text
    assert (
        browser_client.post(ADDRESS, USUAL | {"add": "webhook", "config.url": "https://a.example"}).status_code == 403
    )
    assert browser_client.post(f"{ADDRESS}{channel.pk}/", USUAL).status_code == 403
    for what in ("test", "enable", "disable", "delete", "restore"):
        assert act(browser_client, channel, what).status_code == 403
    channel.refresh_from_db()
    assert (channel.enabled, channel.deleted_at, channel.notifications.count()) == (True, None, 0)


def test_forms_need_their_token(member: User) -> None:
    Membership.objects.filter(user=member).update(role="owner")
    client = Client(enforce_csrf_checks=True)
    client.force_login(member)
    channel = samples.channel({"url": "https://a.example"})
    assert act(client, channel, "delete").status_code == 403
    assert client.post(ADDRESS, USUAL | {"add": "webhook"}).status_code == 403
