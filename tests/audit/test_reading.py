"""Reading the audit log: by the API, on the page, as a file, by the command; who may, and whose."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from dashboard.api.audit import AuditEntryShape
from tests.audit.test_trail import by_key, by_login
from tests.audit.test_trail import fresh as fresh
from tests.audit.test_trail import project as project
from tracestore import audit
from tracestore.audit import reading
from tracestore.models import AuditEntry, Organisation, OrganisationMembership, Project

pytestmark = pytest.mark.django_db
LIST = "/api/v1/audit/"


@pytest.fixture
def entries(project: Project) -> None:
    """Five of this project, one of the organisation, one of a stranger's."""
    other = Project.objects.create(slug="other", name="Other", organisation=Organisation.objects.create(slug="b"))
    for number, (word, actor, subject) in enumerate(
        [
            ("key.created", "ada", "ts_a1"), ("key.revoked", "ada", "ts_a1"), ("rule.changed", "grace", "12"),
            ("sql.asked", "key ts_b2", ""), ("channel.tested", "grace", "<script>alert(1)</script>"),
        ]
    ):  # fmt: skip
        who = audit.Actor(actor, "user", "192.0.2.1", f"request-{number}")
        audit.record(word, project="default", subject=subject, actor=who, detail={"statement": "=1+1", "enabled": True})
    audit.record("member.added", organisation="acme", subject="grace")
    audit.record("key.created", project=other.slug, subject="stranger's")


def results(browser: Client, query: str = "") -> list[str]:
    answer = browser.get(LIST + query)
    assert answer.status_code == 200, answer.content
    return [one["action"] for one in answer.json()["results"]]


def text_of(response: Any) -> str:
    async def whole() -> bytes:
        return b"".join([piece async for piece in response.streaming_content])

    return asyncio.run(whole()).decode()


def test_the_latest_come_first_with_every_field(entries: None, project: Project) -> None:
    answer = by_key(project).get(LIST).json()
    assert [one["action"] for one in answer["results"]] == [
        "channel.tested", "sql.asked", "rule.changed", "key.revoked", "key.created",
    ]  # fmt: skip
    assert set(answer["results"][0]) == set(AuditEntryShape().fields)
    assert answer["next"] is None


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?action=key", ["key.revoked", "key.created"]),
        ("?action=key.created", ["key.created"]),
        ("?actor=grace", ["channel.tested", "rule.changed"]),
        ("?subject=TS_A", ["key.revoked", "key.created"]),
        ("?since=1h&action=rule", ["rule.changed"]),
        ("?until=2020-01-01", []),
    ],
)
def test_filters(entries: None, project: Project, query: str, found: list[str]) -> None:
    assert results(by_key(project), query) == found


def test_pages_follow_each_other(entries: None, project: Project) -> None:
    admin = by_key(project)
    first = admin.get(f"{LIST}?limit=2").json()
    audit.record("key.created", project="default")  # what comes in meanwhile moves nothing
    second = admin.get(f"{LIST}?limit=4&cursor={first['next']}").json()
    assert [one["action"] for one in second["results"]] == ["rule.changed", "key.revoked", "key.created"]
    assert second["next"] is None


@pytest.mark.parametrize(
    ("query", "field"),
    [("?action=nothing", "action"), ("?since=soon", "since"), ("?limit=0", "limit"), ("?cursor=x", "cursor"),
     ("?of=everybody", "of"), ("?since=2026-01-02&until=2026-01-01", "since"), (f"?actor={'x' * 301}", "actor")],
)  # fmt: skip
def test_what_cannot_be_is_refused_by_name(entries: None, project: Project, query: str, field: str) -> None:
    answer = by_key(project).get(LIST + query)
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, field)


def test_who_may_read_it(entries: None, project: Project) -> None:
    assert by_key(project, "read", "sql", "respond").get(LIST).status_code == 403
    member, admin = by_login(project, "member"), by_login(project, "admin")
    for address in (LIST, f"{LIST}export/", "/settings/audit/", "/settings/audit/export/"):
        assert member.get(address).status_code == 403, address
        assert admin.get(address).status_code == 200, address


def test_all_of_the_organisation_is_for_its_own_admins(entries: None, project: Project) -> None:
    browser = by_login(project, "owner")
    assert browser.get(f"{LIST}?of=organisation").status_code == 403
    assert by_key(project).get(f"{LIST}?of=organisation").status_code == 403
    assert "all of acme" not in browser.get("/settings/audit/").content.decode()
    OrganisationMembership.objects.create(user=User.objects.get(), organisation=project.organisation, role="admin")
    audit.record("login", subject="ada-owner", actor=audit.Actor("ada-owner", "user"))
    audit.record("login", subject="stranger", actor=audit.Actor("stranger", "user"))
    found = results(browser, "?of=organisation")
    assert (found[:2], found.count("key.created"), found.count("login")) == (["login", "member.added"], 1, 1)
    page = browser.get("/settings/audit/?of=organisation").content.decode()
    assert "member.added" in page
    assert "stranger" not in page


@pytest.mark.django_db(transaction=True)
def test_a_file_holds_all_the_oldest_first_and_is_an_entry_itself(entries: None, project: Project) -> None:
    admin = by_key(project)
    lines = [json.loads(line) for line in text_of(admin.get(f"{LIST}export/?action=key")).splitlines()]
    assert [one["action"] for one in lines] == ["key.created", "key.revoked"]
    latest = AuditEntry.objects.order_by("pk").last()
    assert latest is not None
    assert (latest.action, latest.detail) == ("audit.exported", {"action": "key"})
    rows = list(csv.DictReader(io.StringIO(text_of(admin.get(f"{LIST}export/?format=csv&subject=script")))))
    assert [row["subject"] for row in rows] == ["<script>alert(1)</script>"]
    assert json.loads(rows[0]["detail"]) == {"statement": "=1+1", "enabled": True}


@pytest.mark.parametrize("sign", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "＝1"])
def test_no_spreadsheet_runs_what_an_entry_says(project: Project, sign: str) -> None:
    audit.record("key.created", project="default", subject=sign, actor=audit.Actor(sign, "user"))
    text = b"".join(reading.file(reading.Wanted("default"), "csv")).decode()
    row = next(csv.DictReader(io.StringIO(text)))
    assert (row["subject"], row["actor"]) == (f"'{sign}", f"'{sign}")


def test_files_of_several_chunks(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "CHUNK", 2)
    for number in range(5):
        audit.record("key.created", project="default", subject=str(number))
    pieces = list(reading.file(reading.Wanted("default"), "jsonl"))
    assert len(pieces) == 3
    assert [json.loads(line)["subject"] for line in b"".join(pieces).splitlines()] == list("01234")


def test_the_page_teaches_when_it_is_empty_and_when_filters_leave_nothing(project: Project) -> None:
    browser = by_login(project)
    assert "Nothing has been done yet" in browser.get("/settings/audit/").content.decode()
    audit.record("channel.tested", project="default", subject="<b>7</b>", detail={"fields": ["a", "b"]})
    page = browser.get("/settings/audit/").content.decode()
    assert "channel.tested" in page
    assert "<b>7</b>" not in page
    assert "a, b" in page
    assert "that these filters name" in browser.get("/settings/audit/?actor=nobody").content.decode()
    wrong = browser.get("/settings/audit/?action=nothing")
    assert (wrong.status_code, "is no word of the audit log" in wrong.content.decode()) == (400, True)


def test_older_entries_are_one_click_away(project: Project) -> None:
    browser = by_login(project)
    for number in range(101):
        audit.record("key.created", project="default", subject=f"s{number}")
    page = browser.get("/settings/audit/?action=key").content.decode()
    assert "s100" in page
    address = page.split('rel="next"')[0].rsplit('href="', 1)[1].split('"')[0].replace("&amp;", "&")
    older = browser.get(address).content.decode()
    assert ("s0</td>" in older, "s100" in older) == (True, False)


def run(*words: str) -> str:
    out = io.StringIO()
    call_command("audit", *words, stdout=out)
    return out.getvalue()


def test_the_command_lists_and_exports_every_project(entries: None, tmp_path: Any) -> None:
    listed = run("list", "--action", "key")
    assert [line.split()[2] for line in listed.splitlines()] == ["key.created", "key.revoked", "key.created"]
    lines = [json.loads(line) for line in run("export", "--project", "default").splitlines()]
    assert [one["action"] for one in lines[-2:]] == ["channel.tested", "audit.exported"]
    assert len(lines) == 6
    file = tmp_path / "audit.csv"
    run("export", "--format", "csv", "--output", str(file), "--since", "1d")
    assert len(file.read_text().splitlines()) == 1 + 7 + 2  # the heading, the entries, both exports
    latest = AuditEntry.objects.order_by("pk").last()
    assert latest is not None
    assert (latest.action, latest.actor, latest.actor_kind) == ("audit.exported", "manage.py audit", "command")
    with pytest.raises(CommandError, match="is not a time"):
        run("list", "--since", "soon")


def test_entries_are_kept_when_their_project_is_gone(entries: None, project: Project) -> None:
    Project.objects.all().delete()
    assert AuditEntry.objects.filter(project="default").count() == 5
    assert AuditEntry.objects.filter(at__gt=timezone.now() - timedelta(minutes=5)).exists()
