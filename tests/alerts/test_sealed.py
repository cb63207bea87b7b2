"""B15: secrets of channels are sealed in the database and in copies of it; another secret key is no crash."""

from __future__ import annotations

import copy
import io
import json
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection

from tracestore.alerts import channels, delivery, message, sealed
from tracestore.alerts.models import Channel, Notification
from tracestore.alerts.notify.outcome import Outgoing, Sent
from tracestore.errors import InvalidInput
from tracestore.models import Project

pytestmark = pytest.mark.django_db
SECRET = "signing-secret-of-somebody"
URL = "https://hooks.example.org/services/T0/B0/very-secret"
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
OTHER_KEY = "another-secret-key-0123456789"


@pytest.fixture
def channel() -> Channel:
    Project.objects.get_or_create(slug="default", defaults={"name": "Default"})
    made = channels.create(
        "default", {"name": "hook", "kind": "webhook", "config": {"url": URL, "secret": SECRET}}, "ada"
    )
    return channels.one("default", made.pk)


def stored() -> dict[str, Any]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT config FROM alerts_channel")
        found: dict[str, Any] = json.loads(cursor.fetchone()[0])
    return found


def test_the_database_holds_no_secret_and_python_has_it_in_clear(channel: Channel) -> None:
    assert channel.config == {"url": URL, "secret": SECRET}
    assert set(stored()) == {"url", "secret"}
    assert all(value.startswith(sealed.MARK) for value in stored().values())
    assert SECRET not in str(stored())
    assert "hooks.example.org" not in str(stored())


def test_where_to_is_stored_as_it_is() -> None:
    config = {"to": ["on-call@example.org"], "channel": "#alerts", "token": "xoxb-1"}
    kept = sealed.sealed(config)
    assert (kept["to"], kept["channel"], kept["token"] == "xoxb-1") == (config["to"], config["channel"], False)
    assert sealed.unsealed(kept) == config


def test_what_does_not_change_is_stored_as_it_was(channel: Channel) -> None:
    before = stored()
    copy.deepcopy(channel).save()
    assert stored() == before
    channels.change("default", channel.pk, {"config": {"secret": "another"}}, "ada")
    assert stored()["url"] == before["url"]
    assert stored()["secret"] != before["secret"]


def test_a_copy_of_the_rows_holds_no_secret_and_comes_back(channel: Channel, tmp_path: Any) -> None:
    written = io.StringIO()
    call_command("dumpdata", "alerts.channel", stdout=written, verbosity=0)
    assert SECRET not in written.getvalue()
    file = tmp_path / "channels.json"
    file.write_text(written.getvalue())
    Channel.objects.all().delete()
    call_command("loaddata", str(file), verbosity=0)
    assert channels.one("default", channel.pk).config == {"url": URL, "secret": SECRET}


def test_senders_get_ordinary_texts(channel: Channel) -> None:
    got: list[Outgoing] = []

    def sender(out: Outgoing) -> Sent:
        got.append(out)
        return Sent(200)

    tell(channel, sender)
    assert got[0].config == {"url": URL, "secret": SECRET}
    assert {type(value) for value in got[0].config.values()} == {str}


def tell(channel: Channel, sender: Any) -> Notification:
    notification = Notification.objects.create(
        project=channel.project, channel=channel, event="test", occasion=str(Notification.objects.count()),
        message=message.as_json(channels.test_message(channel, "default", "ada", NOW)), not_before=NOW,
    )  # fmt: skip
    delivery.send_now(notification, NOW, sender=sender)
    notification.refresh_from_db()
    return notification


def test_under_another_secret_key_the_channel_says_so_until_it_is_given_again(channel: Channel, settings: Any) -> None:
    before = stored()
    own_key, settings.SECRET_KEY = settings.SECRET_KEY, OTHER_KEY
    one = channels.one("default", channel.pk)
    listed = channels.as_listed(one)
    assert (listed["state"], listed["config"]) == ("unreadable", {"secret_set": False})
    told = tell(one, lambda out: pytest.fail("nothing may be sent"))
    assert (told.state, told.error) == ("failed", sealed.AGAIN)
    # What else is changed leaves it as it was: under the old key it can be read again.
    channels.change("default", one.pk, {"name": "renamed"}, "ada")
    channels.change("default", one.pk, {"config": {"secret": "new"}}, "ada")
    assert channels.state(channels.one("default", one.pk)) == "unreadable"
    assert stored()["url"] == before["url"]
    channels.change("default", one.pk, {"config": {"url": URL}}, "ada")
    assert channels.state(channels.one("default", one.pk)) == "fine"
    assert tell(channels.one("default", one.pk), lambda out: Sent(200)).state == "sent"
    settings.SECRET_KEY = own_key
    assert channels.state(channels.one("default", one.pk)) == "unreadable"


def test_a_secret_that_goes_to_an_address_must_be_given_again_with_it(settings: Any) -> None:
    Project.objects.get_or_create(slug="default", defaults={"name": "Default"})
    config = {"routing_key": "R0", "url": "https://relay.example.org/"}
    made = channels.create("default", {"name": "pager", "kind": "pagerduty", "config": config}, "ada")
    settings.SECRET_KEY = OTHER_KEY
    with pytest.raises(InvalidInput, match="sent to the new address"):
        channels.change("default", made.pk, {"config": {"url": "https://elsewhere.example.org/"}}, "ada")


def test_the_migration_seals_what_is_there_and_opens_it_again(channel: Channel) -> None:
    migration = import_module("tracestore.alerts.migrations.0002_seal_channel_secrets")

    class Plain:
        """Models as migrations have them: of plain JSON."""

        class Rows:
            def __init__(self) -> None:
                self.found: list[Any] = []

            def all(self) -> list[Any]:
                with connection.cursor() as cursor:
                    cursor.execute("SELECT id, config FROM alerts_channel")
                    return [Row(number, json.loads(config)) for number, config in cursor.fetchall()]

        objects = Rows()

        def get_model(self, app: str, name: str) -> Any:
            assert apps.get_model(app, name) is Channel
            return type(self)

    with_secrets = {"url": URL, "secret": SECRET}
    migration.unseal(Plain(), None)
    assert stored() == with_secrets
    assert channels.one("default", channel.pk).config == with_secrets
    migration.seal(Plain(), None)
    again = stored()
    assert SECRET not in str(again)
    migration.seal(Plain(), None)  # done already: not sealed twice
    assert channels.one("default", channel.pk).config == with_secrets


class Row:
    def __init__(self, number: int, config: dict[str, Any]) -> None:
        self.number, self.config = number, config

    def save(self, update_fields: list[str]) -> None:
        # As `json.dumps` of plain JSON does it: a subclass of str is its text.
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE alerts_channel SET config = %s WHERE id = %s", [json.dumps(self.config), self.number]
            )


@pytest.mark.parametrize("value", ["sealed:1:", "sealed:1:é", "sealed:1:gAAAA", f"sealed:1:{'x' * 1000}"])
def test_what_is_damaged_is_unreadable(value: str) -> None:
    opened = sealed.unsealed({"url": value})
    assert sealed.unreadable(opened) == ["url"]
    assert sealed.sealed(opened) == {"url": value}
