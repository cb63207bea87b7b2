"""B16, the audit log: what is recorded of requests, by whom, and what happens when it cannot be."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, transaction
from django.test import AsyncClient, Client
from django.urls import resolve

from dashboard import audit_requests
from dashboard.api.authentication import DEFAULT_PROJECT
from dashboard.bounded_refusals import MOST_A_MINUTE, Refusals, refusals
from tracestore import audit, keys
from tracestore.alerts import channels
from tracestore.alerts.models import Channel
from tracestore.clickhouse import sql_console
from tracestore.models import (
    ApiKey,
    AuditEntry,
    Invitation,
    Membership,
    Organisation,
    OrganisationMembership,
    Project,
)

pytestmark = pytest.mark.django_db
HOOK = {"url": "https://receiver.example/hook/very-secret", "secret": "signing-secret"}


@pytest.fixture(autouse=True)
def fresh(settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    refusals.clear()
    keys._cache.clear()


@pytest.fixture
def project() -> Project:
    organisation = Organisation.objects.create(slug="acme", name="Acme")
    return Project.objects.create(slug=DEFAULT_PROJECT, name="Default", organisation=organisation)


def by_key(project: Project, *scopes: str) -> Client:
    key = keys.create(project, "test", scopes or ("admin",))
    return Client(headers={"authorization": f"Bearer {key}", "x-request-id": "asked-1"}, REMOTE_ADDR="192.0.2.7")


def by_login(project: Project, role: str = "owner") -> Client:
    user = User.objects.create_user(f"ada-{role}", password="engine-of-1843")
    Membership.objects.create(user=user, project=project, role=role)
    browser = Client(REMOTE_ADDR="192.0.2.8")
    browser.force_login(user)
    AuditEntry.objects.filter(action="login")._raw_delete("default")  # which is another test's
    return browser


def only() -> AuditEntry:
    return AuditEntry.objects.get()


def post(browser: Client, path: str, body: object) -> Any:
    return browser.post(path, json.dumps(body), content_type="application/json")


def test_a_change_by_the_api_says_who_what_and_from_where(project: Project) -> None:
    answer = post(by_key(project), "/api/v1/keys/", {"name": "checkout", "scopes": ["ingest"]})
    one, made = only(), ApiKey.objects.get(name="checkout")
    asker = ApiKey.objects.get(name="test")
    assert (one.action, one.subject, one.project, one.organisation) == ("key.created", made.prefix, "default", "acme")
    assert (one.actor, one.actor_kind, one.address) == (f"key {asker.prefix}", "key", "192.0.2.7")
    assert (one.request_id, answer["x-request-id"]) == ("asked-1", "asked-1")
    assert one.detail == {"fields": ["name", "scopes"], "name": "checkout", "scopes": ["ingest"]}
    assert answer.json()["key"] not in json.dumps(one.detail)


def test_a_change_by_a_page_says_who_what_and_which_fields(project: Project) -> None:
    browser = by_login(project)
    sent = {"add": "webhook", "name": "hook", "config.url": HOOK["url"], "config.secret": HOOK["secret"],
            "min_severity": "warning", "most_per_hour": "60"}  # fmt: skip
    assert browser.post("/settings/channels/", sent).status_code == 302
    one = only()
    assert (one.action, one.actor, one.actor_kind) == ("channel.created", "ada-owner", "user")
    assert (one.subject, one.address) == (str(Channel.objects.get().pk), "192.0.2.8")
    assert one.detail["fields"] == ["add", "config.secret", "config.url", "min_severity", "most_per_hour", "name"]
    assert "secret" not in json.dumps({**one.detail, "fields": []})
    number = Channel.objects.get().pk
    for do, word in (("disable", "channel.changed"), ("delete", "channel.deleted"), ("restore", "channel.restored")):
        assert browser.post(f"/settings/channels/{number}/do/", {"do": do}).status_code == 302
        latest = AuditEntry.objects.order_by("pk").last()
        assert latest is not None
        assert (latest.action, latest.subject, latest.detail["do"]) == (word, str(number), do)


def test_what_fails_or_changes_nothing_is_not_recorded(project: Project) -> None:
    admin, browser = by_key(project), by_login(project)
    assert post(admin, "/api/v1/keys/", {"name": ""}).status_code == 400
    assert admin.delete("/api/v1/keys/99999/").status_code == 404
    assert browser.post("/settings/channels/", {"add": "webhook"}).status_code == 400
    assert browser.post("/settings/redaction/", {"do": "preview", "text": "hello"}).status_code == 200
    assert admin.get("/api/v1/keys/").status_code == 200
    assert Client().post("/api/v1/keys/", headers={"authorization": "Bearer wrong"}).status_code == 401
    assert browser.post("/traces/views/", {"name": ""}).status_code == 302  # told on the page that it leads to
    assert not AuditEntry.objects.exists()


def test_what_is_refused_is_recorded_within_bounds(project: Project) -> None:
    reader = by_key(project, "read")
    for _ in range(MOST_A_MINUTE + 5):
        assert post(reader, "/api/v1/keys/", {"name": "x", "scopes": ["admin"]}).status_code == 403
    assert AuditEntry.objects.count() == MOST_A_MINUTE
    one = AuditEntry.objects.order_by("pk").first()
    assert one is not None
    assert (one.action, one.detail, one.actor_kind) == ("request.refused", {"action": "key.created"}, "key")
    viewer = by_login(project, "viewer")
    assert viewer.post("/settings/limits/", {}).status_code == 403
    assert AuditEntry.objects.latest("pk").actor == "ada-viewer"


def test_the_bound_is_of_each_caller_and_minute() -> None:
    now = [0.0]
    some = Refusals(lambda: now[0])
    assert sum(some.take_of("a") for _ in range(100)) == MOST_A_MINUTE
    assert some.take_of("b")
    now[0] = 60.0
    assert some.take_of("a")


def test_sql_is_recorded_with_its_statement_whatever_came_of_it(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Some:
        def as_json(self) -> dict[str, Any]:
            return {"data": []}

    monkeypatch.setattr(sql_console, "ask", lambda *asked: Some())
    post(by_key(project, "sql"), "/api/v1/sql/", {"query": "SELECT 1 -- " + "x" * 5000})
    assert only().action == "sql.asked"
    assert only().detail["statement"].startswith("SELECT 1 -- xxx")
    assert (len(only().detail["statement"]), only().detail["status"]) == (2000, 200)


def test_a_statement_of_the_console_is_recorded_refused_ones_too(project: Project) -> None:
    browser = by_login(project, "member")
    assert browser.get("/sql/").status_code == 200
    assert not AuditEntry.objects.exists()
    assert browser.get("/sql/", {"q": "DROP TABLE x\0"}).status_code == 400
    assert (only().action, only().actor) == ("sql.asked", "ada-member")
    assert only().detail == {"statement": "DROP TABLE x�", "status": 400}


def test_a_change_that_cannot_be_recorded_is_not_done(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    admin, browser = by_key(project), by_login(project)
    monkeypatch.setattr(audit, "record", broken)
    answer = post(admin, "/api/v1/keys/", {"name": "checkout", "scopes": ["ingest"]})
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "unavailable")
    assert "nothing was done" in answer.json()["error"]["message"]
    assert not ApiKey.objects.filter(name="checkout").exists()
    page = browser.post("/settings/limits/", {"spans_per_second": "7"})
    assert (page.status_code, b"nothing was done" in page.content) == (503, True)


def test_what_takes_part_in_no_transaction_says_that_it_was_done_but_not_recorded(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = channels.create("default", {"name": "hook", "kind": "webhook", "config": HOOK}, "test")
    monkeypatch.setattr(audit, "record", broken)
    monkeypatch.setattr(channels, "test", lambda *asked: told(one))
    answer = by_key(project).post(f"/api/v1/channels/{one.pk}/test/")
    assert answer.status_code == 503
    assert "It was done" in answer.json()["error"]["message"]


def told(one: Channel) -> Any:
    from tracestore.alerts.models import Notification

    return Notification.objects.create(project=one.project, channel=one, event="test", occasion="t", state="sent")


def test_an_export_that_cannot_be_recorded_is_not_given(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "record", broken)
    answer = by_key(project).get("/api/v1/audit/export/")
    assert (answer.status_code, answer.streaming) == (503, False)


def test_a_refusal_that_cannot_be_recorded_stays_a_refusal(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "record", broken)
    assert post(by_key(project, "read"), "/api/v1/keys/", {}).status_code == 403


def broken(*args: Any, **kwargs: Any) -> None:
    raise DatabaseError("disk is full")


def test_a_view_that_fails_leaves_nothing_half(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def half(*args: Any, **kwargs: Any) -> None:
        Channel.objects.create(project=project, name="half", kind="webhook", config=HOOK)
        raise RuntimeError("a defect")

    monkeypatch.setattr(channels, "create", half)
    admin = by_key(project)
    with transaction.atomic():
        assert post(admin, "/api/v1/channels/", {"name": "x", "kind": "webhook", "config": HOOK}).status_code == 500
    assert not Channel.objects.exists()
    assert not AuditEntry.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_under_the_real_kind_of_server_too(project: Project) -> None:
    """Asynchronous, as it is served: the change and the entry are made by the request's own thread."""
    key = keys.create(project, "test", ("admin",))

    async def ask() -> tuple[int, int, bytes]:
        browser, headers = AsyncClient(), {"authorization": f"Bearer {key}"}
        sent = {"name": "checkout", "scopes": ["read"]}
        made = await browser.post("/api/v1/keys/", sent, content_type="application/json", headers=headers)
        export: Any = await browser.get("/api/v1/audit/export/?format=csv", headers=headers)
        return made.status_code, export.status_code, b"".join([piece async for piece in export.streaming_content])

    made, exported, text = asyncio.run(ask())
    assert (made, exported) == (201, 200)
    assert [one.action for one in AuditEntry.objects.order_by("pk")] == ["key.created", "audit.exported"]
    assert [line.split(b",")[8] for line in text.splitlines()] == [b"action", b"key.created", b"audit.exported"]


def test_what_is_about_an_organisation_names_it_and_no_project_and_links_are_kept_out(
    client: Client, project: Project
) -> None:
    owner = User.objects.create_user("ada", password="engine-of-1843")
    OrganisationMembership.objects.create(user=owner, organisation=project.organisation, role="owner")
    client.force_login(owner)
    client.post("/settings/organisation/projects/", {"name": "Checkout", "organisation": project.organisation.slug})
    client.post("/settings/organisation/invitations/", {"role": "viewer", "organisation": project.organisation.slug})
    found = AuditEntry.objects.filter(action__in=("project.created", "invitation.created")).order_by("pk")
    where = [(one.action, one.organisation, one.project, one.actor) for one in found]
    assert where == [("project.created", "acme", "", "ada"), ("invitation.created", "acme", "", "ada")]
    assert [one.subject for one in found] == ["checkout", str(Invitation.objects.get().pk)]
    match = resolve("/login/link/let-me-in/")
    assert audit_requests.subject_of(match, None) == ""
