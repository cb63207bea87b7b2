"""The page of privacy: the mode, looking up before deleting, the confirmation, and the list of what was deleted."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from tracestore import capture
from tracestore.celery import app
from tracestore.clickhouse import deleting
from tracestore.clickhouse.deleting import Extent
from tracestore.models import Deletion, Membership, Project

pytestmark = [pytest.mark.urls("dashboard.pages.urls"), pytest.mark.django_db]
ADDRESS = "/settings/privacy/"
LOOK = {"do": "look", "kind": "session", "value": "chat <1>"}
DELETE = {"do": "delete", "kind": "session", "value": "chat <1>", "confirmed": "chat <1>"}


@pytest.fixture(autouse=True)
def around(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "send_task", lambda name, **_: None)
    monkeypatch.setattr(deleting, "extent", lambda subject: Extent(3, 412, 10**18, 2 * 10**18, more=False))


@pytest.fixture
def admin(browser_client: Client, member: User) -> Client:
    Membership.objects.filter(user=member).update(role="admin")
    return browser_client


def test_the_mode(admin: Client) -> None:
    assert 'value="full" checked' in admin.get(ADDRESS).content.decode()
    assert admin.post(ADDRESS, {"do": "capture", "mode": "off"}).status_code == 302
    assert capture.of("default") == "off"
    assert 'value="off" checked' in admin.get(ADDRESS).content.decode()
    for wrong in ({"do": "capture", "mode": "loud"}, {"do": "capture"}, {"do": "explode"}, {}):
        assert admin.post(ADDRESS, wrong).status_code == 400
    assert capture.of("default") == "off"


def test_it_says_how_much_and_asks_before_it_deletes(admin: Client) -> None:
    page = admin.post(ADDRESS, LOOK).content.decode()
    assert "3 traces, 412 spans" in page
    assert "cannot be undone" in page
    assert "chat &lt;1&gt;" in page
    assert not Deletion.objects.exists()
    refused = admin.post(ADDRESS, DELETE | {"confirmed": "chat"})
    assert refused.status_code == 400
    assert "nothing was deleted" in refused.content.decode()
    assert not Deletion.objects.exists()
    done = admin.post(ADDRESS, DELETE)
    row = Deletion.objects.get()
    assert done["Location"] == f"{ADDRESS}#deletion-{row.pk}"
    assert (row.kind, row.value, row.requested_by) == ("session", "chat <1>", "ada")


def test_a_link_may_name_what_is_meant_and_deletes_nothing(admin: Client) -> None:
    page = admin.get(ADDRESS, {"trace_id": "A" * 32}).content.decode()
    assert f'value="{"a" * 32}"' in page
    assert "3 traces" in page
    assert admin.get(ADDRESS, {"trace_id": "x"}).status_code == 400
    assert not Deletion.objects.exists()


def test_what_is_not_there_cannot_be_confirmed(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deleting, "extent", lambda subject: Extent(0, 0, 0, 0, more=False))
    page = admin.post(ADDRESS, LOOK).content.decode()
    assert "Nothing is stored" in page
    assert 'name="confirmed"' not in page


@pytest.mark.parametrize("role", ["member", "viewer"])
def test_others_see_the_mode_alone(browser_client: Client, member: User, role: str) -> None:
    Membership.objects.filter(user=member).update(role=role)
    row = Deletion.objects.create(project=Project.objects.get(slug="default"), kind="user", value="grace")
    page = browser_client.get(ADDRESS, {"user_id": "grace"}).content.decode()
    assert "disabled" in page
    assert "Look up" not in page
    assert "grace" not in page
    for sent in (LOOK, DELETE, {"do": "capture", "mode": "off"}):
        assert browser_client.post(ADDRESS, sent).status_code == 403
    assert browser_client.get(f"{ADDRESS}deletions/{row.pk}/").status_code == 403


def test_orders_tell_how_far_they_are_and_what_is_left(admin: Client) -> None:
    row = Deletion.objects.create(
        project=Project.objects.get(slug="default"), kind="user", value="<b>grace</b>", state="running", traces=3,
        deleted={"stored_spans": 412}, message="Deleting from stored_spans, part 1 of 1", requested_by="ada",
    )  # fmt: skip
    address = f"{ADDRESS}deletions/{row.pk}/"
    going = admin.get(address).content.decode()
    assert "hx-get" in going
    assert "part 1 of 1" in going
    assert "not counted yet" in going
    assert "<b>grace" not in going
    Deletion.objects.update(state="done", message="", left={"stored_spans": 0, "stored_logs": 0},
                            finished_at=timezone.now() + timedelta(seconds=1))  # fmt: skip
    done = admin.get(address).content.decode()
    assert "hx-get" not in done
    assert "412 rows" in done
    assert "0 left" in done
    assert "stored_logs" not in done  # there was nothing in it
    Deletion.objects.update(state="failed", message="Spans keep arriving.", left={"stored_spans": 2})
    assert "Spans keep arriving." in admin.get(ADDRESS).content.decode()
    assert admin.get(f"{ADDRESS}deletions/999/").status_code == 404
