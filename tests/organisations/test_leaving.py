"""A project that is to be deleted: who may, what ends at once, what comes back; and organisations after it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from dashboard.api import organisation_shapes as shapes
from dashboard.api import verdict_stream
from tests.alerts.world import World
from tests.database_threads import Threads
from tests.database_threads import database as database
from tests.database_threads import each_database as each_database
from tests.database_threads import postgresql_url as postgresql_url
from tests.organisations.conftest import Acme, make_acme
from tracestore import access, audit, closed, first_start, keys, own_traces, project_deletion_work, sql_readers
from tracestore.alerts import breakers, budget_alerts, budgets, incidents, outbox, rule_book
from tracestore.alerts.models import Incident
from tracestore.celery import app
from tracestore.clickhouse import deleting_projects
from tracestore.errors import Forbidden, InvalidInput, NotFound, Unavailable
from tracestore.models import ApiKey, AuditEntry, Organisation, Project, ProjectDeletion
from tracestore.organisations import invitations, leaving, members, organisations, projects

pytestmark = pytest.mark.django_db
API, PAGE = "/api/v1/projects/shop/deletion/", "/settings/organisation/"


@pytest.fixture(autouse=True)
def apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a worker, a store or SQL users."""
    monkeypatch.setattr(app, "send_task", lambda name, **_: None)
    monkeypatch.setattr(sql_readers, "listing", list)
    monkeypatch.setattr(deleting_projects, "count", lambda project, table: 7)
    monkeypatch.setattr(project_deletion_work, "LAST_SENDERS", timedelta())


def close(acme: Acme) -> ProjectDeletion:
    return leaving.delete(acme.shop, acme.person("admin"), "admin", "Shop")


def by(acme: Acme, name: str) -> Client:
    client = Client()
    client.force_login(acme.person(name))
    return client


def send(client: Client, method: str, path: str, body: object = None) -> Any:
    return getattr(client, method)(path, json.dumps(body), content_type="application/json")


@pytest.mark.parametrize("name", ["member", "viewer", "single", "nobody"])
def test_who_does_not_manage_the_organisation_deletes_nothing(acme: Acme, name: str) -> None:
    acme.shop.memberships.update(role="admin")  # of the project alone
    with pytest.raises(Forbidden):
        leaving.delete(acme.shop, acme.person(name), name, "Shop")
    row = close(acme)
    with pytest.raises(Forbidden):
        leaving.restore(row, acme.person(name))
    with pytest.raises(Forbidden if name in ("member", "viewer") else NotFound):
        leaving.find(acme.person(name), "shop")
    assert Project.every.get(slug="shop").closed_at is not None


@pytest.mark.parametrize("typed", ["", "shop", "Shop 2", 7, ["Shop"]])
def test_another_name_deletes_nothing(acme: Acme, typed: object) -> None:
    with pytest.raises(InvalidInput, match="typed again"):
        leaving.delete(acme.shop, acme.person("owner"), "owner", typed)
    assert Project.objects.filter(slug="shop").exists()


def test_at_once_nobody_reads_it_and_it_comes_back_as_it_was(acme: Acme) -> None:
    key = keys.create(acme.shop, "k")
    _, invited = invitations.create(acme.organisation, acme.person("owner"), {"role": "viewer", "project": "shop"})
    before = {name: access.role_in(one, "shop") for name, one in acme.people.items()}
    assert keys.identify(key) is not None
    row = close(acme)
    assert row.due_at - row.requested_at == leaving.KEPT
    assert closed.slugs() == {"shop"}
    assert keys.identify(key) is None
    assert not any(access.role_in(one, "shop") or access.projects_of(one) for one in acme.people.values())
    assert members.listed(acme.organisation)[-1].projects == ()
    for refused in (
        lambda: invitations.opened(invited),
        lambda: closed.check("shop"),
        lambda: members.project_of(acme.organisation, "shop"),
        lambda: leaving.delete(acme.shop, None, "again"),
    ):
        with pytest.raises((NotFound, InvalidInput)):
            refused()
    with pytest.raises(InvalidInput, match=r"shop \(being deleted\)"):
        organisations.delete(acme.organisation, acme.person("owner"))
    leaving.restore(leaving.find(acme.person("admin"), "shop"), acme.person("admin"))
    assert {name: access.role_in(one, "shop") for name, one in acme.people.items()} == before
    keys.forget()
    assert keys.identify(key) is not None
    assert invitations.opened(invited)
    with pytest.raises(InvalidInput, match="is restored: expected scheduled"):
        leaving.restore(ProjectDeletion.objects.get(), acme.person("admin"))
    assert close(acme).pk != row.pk  # and may be deleted again


def test_its_sql_users_end_with_it_or_nothing_does(acme: Acme, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = []
    found = [sql_readers.Reader(f"reader_{slug}", slug, "", "") for slug in ("shop", "other")]
    monkeypatch.setattr(sql_readers, "listing", lambda: found)

    def away(user: str) -> None:
        raise Unavailable("The store does not answer.")

    monkeypatch.setattr(sql_readers, "revoke", away)
    with pytest.raises(Unavailable):
        close(acme)
    assert closed.slugs() == set()
    monkeypatch.setattr(sql_readers, "revoke", ended.append)
    close(acme)
    assert ended == ["reader_shop"]


def test_its_alerts_and_jobs_stop_and_go_on() -> None:
    world = World()
    other = Project.objects.create(slug="other", name="Other")
    world.channel()
    world.fire()
    world.run(6, every=3)
    budgets.create("default", {"name": "b", "scope": "day", "measure": "usd", "limit": 1})
    waiting = world.project.notifications.filter(state="waiting")
    assert waiting.update(not_before=world.now) or True
    assert rule_book.in_force(world.now) != ([], [])
    assert Incident.objects.get().state == "open"
    Project.objects.filter(slug="default").update(closed_at=timezone.now())
    assert rule_book.in_force(world.now) == ([], [])
    assert outbox.queues(world.now) == []
    world.now += timedelta(days=1)
    Incident.objects.update(next_notice_at=world.now)
    assert incidents.tick(world.now) == 0
    world.fire("another")
    assert incidents.absorb(world.now) == 0
    assert breakers._firing() == {}
    assert budget_alerts.follow(world.now) == 0
    Project.every.update(closed_at=None)
    assert rule_book.in_force(world.now) != ([], [])
    assert incidents.absorb(world.now) == 1
    assert incidents.tick(world.now) > 0
    assert closed.slugs() == set()
    assert other.pk


def test_a_stream_of_verdicts_ends(acme: Acme) -> None:
    assert not verdict_stream.is_closed("shop")
    close(acme)
    assert verdict_stream.is_closed("shop")


def test_the_default_project(acme: Acme, monkeypatch: pytest.MonkeyPatch) -> None:
    default = Project.objects.create(slug="default", name="Default")
    monkeypatch.setattr(settings, "ENVIRONMENT", replace(settings.ENVIRONMENT, require_api_key=False))
    with pytest.raises(InvalidInput, match="TRACESTORE_REQUIRE_API_KEY=true"):
        leaving.delete(default, None, "op")
    environment = replace(settings.ENVIRONMENT, require_api_key=True, api_key="from-the-environment", own_traces=True)
    monkeypatch.setattr(settings, "ENVIRONMENT", environment)
    close(acme)
    with pytest.raises(InvalidInput, match="the only one"):
        leaving.delete(default, None, "op")
    leaving.restore(ProjectDeletion.objects.get(), None)
    leaving.delete(default, None, "op")
    # A start brings nothing back, and lets no key in elsewhere.
    prepared = first_start.prepare(environment)
    assert (prepared.project.slug, ApiKey.objects.count()) == ("shop", 0)
    Project.every.filter(slug="default").delete()
    assert first_start.prepare(environment).project.slug == "shop"
    assert not Project.every.filter(slug="default").exists()
    own_traces.prepare()
    Project.every.filter(slug=own_traces.PROJECT).update(closed_at=timezone.now())
    own_traces.prepare()


def test_an_organisation_goes_when_it_is_empty(acme: Acme) -> None:
    owner = acme.person("owner")
    with pytest.raises(Forbidden, match="owner"):
        organisations.delete(acme.organisation, acme.person("admin"), "Acme")
    with pytest.raises(InvalidInput, match=r"has projects: shop\."):
        organisations.delete(acme.organisation, owner, "Acme")
    for number in range(12):
        Project.objects.create(slug=f"p-{number:02}", name="P", organisation=acme.organisation)
    with pytest.raises(InvalidInput, match="p-09 and 3 more"):
        organisations.delete(acme.organisation, owner, "Acme")
    Project.objects.all().delete()
    with pytest.raises(InvalidInput, match="typed again"):
        organisations.delete(acme.organisation, owner, "acme")
    organisations.delete(acme.organisation, owner, "Acme")
    assert not Organisation.objects.filter(slug="acme").exists()
    assert owner.organisation_memberships.count() == 0
    # Its slug stands in the audit log, which whoever had it next would read.
    audit.record("organisation.deleted", organisation="acme", subject="acme")
    with pytest.raises(InvalidInput, match="taken"):
        organisations.create(None, "Acme", "acme", owner)


def test_the_slug_of_a_deleted_project_is_for_its_organisation_alone(acme: Acme) -> None:
    row = close(acme)
    Project.every.filter(slug="shop").delete()
    ProjectDeletion.objects.filter(pk=row.pk).update(state="done", finished_at=timezone.now() - timedelta(days=2))
    other = Organisation.objects.create(slug="other", name="Other")
    with pytest.raises(InvalidInput, match="taken"):
        projects.create(other, None, "Shop", "shop")
    assert projects.create(acme.organisation, None, "Shop", "shop").slug == "shop"


def test_by_the_api(acme: Acme) -> None:
    admin = by(acme, "admin")
    assert admin.get(API).status_code == 404
    assert send(admin, "post", API, {}).json()["error"]["field"] == "name"
    assert send(admin, "post", API, {"name": "Shop", "now": True}).status_code == 400
    assert send(by(acme, "member"), "post", API, {"name": "Shop"}).status_code == 403
    answer = send(admin, "post", API, {"name": "Shop"})
    assert (answer.status_code, set(answer.json())) == (202, set(shapes.ProjectDeletion().fields))
    assert (answer.json()["state"], answer.json()["requested_by"]) == ("scheduled", "admin")
    assert admin.get("/api/v1/projects/").json()["results"] == []
    assert admin.get("/api/v1/traces/?project=shop").status_code == 404
    whole = admin.get("/api/v1/organisations/acme/").json()
    assert (whole["projects"], [one["slug"] for one in whole["to_be_deleted"]]) == ([], ["shop"])
    assert by(acme, "viewer").get("/api/v1/organisations/acme/").json()["to_be_deleted"] == []
    refused = send(by(acme, "owner"), "delete", "/api/v1/organisations/acme/")
    assert (refused.status_code, "shop" in refused.json()["error"]["message"]) == (400, True)
    assert send(by(acme, "viewer"), "delete", API).status_code == 403
    assert admin.get(API).json()["slug"] == "shop"
    restored = send(admin, "delete", API)
    assert (restored.status_code, restored.json()["slug"]) == (200, "shop")
    assert send(admin, "delete", API).status_code == 400
    acme.shop.delete()
    assert send(by(acme, "admin"), "delete", "/api/v1/organisations/acme/").status_code == 403
    gone = send(by(acme, "owner"), "delete", "/api/v1/organisations/acme/")
    assert (gone.status_code, gone.json()["slug"]) == (200, "acme")
    recorded = AuditEntry.objects.filter(organisation="acme").exclude(action="request.refused")
    words = list(recorded.order_by("pk").values_list("action", "subject"))
    assert words == [
        ("project.deletion_ordered", "shop"), ("project.restored", "shop"), ("organisation.deleted", "acme"),
    ]  # fmt: skip
    assert set(recorded.values_list("project", flat=True)) == {""}


def test_by_pages(acme: Acme) -> None:
    owner = by(acme, "owner")
    form = f"{PAGE}projects/shop/delete/"
    assert form in owner.get(PAGE).content.decode()
    page = owner.get(form).content.decode()
    assert "<strong>7 spans</strong>" in page
    for name in ("member", "single"):
        assert by(acme, name).get(form).status_code == 403
        assert form not in by(acme, name).get(PAGE).content.decode()
    wrong = owner.post(form, {"confirmed": "shop"})
    assert (wrong.status_code, "typed again" in wrong.content.decode()) == (400, True)
    assert owner.post(form, {"confirmed": "Shop"})["Location"] == f"{PAGE}?organisation=acme"
    page = owner.get(PAGE).content.decode()
    assert "will be deleted in 7 days" in page
    assert "to be deleted on" in page
    assert "(being deleted)" in page
    row = ProjectDeletion.objects.get()
    assert "Closed" in owner.get(f"{PAGE}deletions/{row.pk}/").content.decode()
    assert by(acme, "viewer").get(f"{PAGE}deletions/{row.pk}/").status_code == 404
    assert by(acme, "viewer").post(f"{PAGE}projects/shop/restore/", {"organisation": "acme"}).status_code == 403
    owner.post(f"{PAGE}projects/shop/restore/", {"organisation": "acme"})
    assert "is back as it was" in owner.get(PAGE).content.decode()
    late = owner.post(f"{PAGE}projects/shop/restore/", {"organisation": "acme"})
    assert (late.status_code, "expected scheduled" in late.content.decode()) == (400, True)
    refused = owner.post(f"{PAGE}delete/", {"organisation": "acme", "confirmed": "Acme"})
    assert "has projects: shop" in refused.content.decode()
    acme.shop.delete()
    assert "Type its name" in owner.get(PAGE).content.decode()
    wrong = owner.post(f"{PAGE}delete/", {"organisation": "acme", "confirmed": "no"})
    assert (wrong.status_code, "typed again" in wrong.content.decode()) == (400, True)
    assert owner.post(f"{PAGE}delete/", {"organisation": "acme", "confirmed": "Acme"})["Location"].startswith(
        "/settings/account/"
    )


def test_the_page_says_why_the_default_project_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    acme = make_acme()
    acme.shop.delete()
    Project.objects.create(slug="default", name="Default", organisation=acme.organisation)

    def away(*_: object) -> int:
        raise Unavailable("The store does not answer.")

    monkeypatch.setattr(deleting_projects, "count", away)
    page = by(acme, "owner").get(f"{PAGE}projects/default/delete/").content.decode()
    assert "the only one: make another project first" in page
    assert "cannot say now" in page
    assert "Type its name" not in page
    assert by(acme, "owner").post(f"{PAGE}projects/default/delete/", {"confirmed": "Default"}).status_code == 400


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("projects", *arguments, stdout=out)
    return out.getvalue()


def test_by_command(acme: Acme, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "stored_spans" in run("delete", "shop")
    assert Project.objects.filter(slug="shop").exists()
    said = run("delete", "shop", "--yes")
    assert "restore shop" in said
    assert json.loads(run("list", "--json"))[0]["to_be_deleted_at"]
    with pytest.raises(CommandError, match="no project 'shop'"):
        run("delete", "shop", "--yes")
    assert "is back" in run("restore", "shop")
    with pytest.raises(CommandError, match="has projects: shop"):
        run("delete-organisation", "acme")
    run("delete", "shop", "--yes")
    assert json.loads(run("delete", "shop", "--now", "--json"))["rows"]["stored_spans"] == 7
    counted = iter([3, 0])
    monkeypatch.setattr(deleting_projects, "counts", lambda project: {"stored_spans": next(counted)})
    monkeypatch.setattr(deleting_projects, "delete", lambda project, table, tell: None)
    told = json.loads(run("delete", "shop", "--yes", "--now", "--json"))
    assert (told["state"], told["before"]["stored_spans"], told["left"]["stored_spans"]) == ("done", 3, 0)
    with pytest.raises(CommandError, match="is done: expected scheduled"):
        run("restore", "shop")
    with pytest.raises(CommandError, match="no such project"):
        run("restore", "nowhere")
    assert "Add --yes" in run("delete-organisation", "acme")
    assert "is deleted" in run("delete-organisation", "acme", "--yes")
    assert list(AuditEntry.objects.order_by("pk").values_list("action", flat=True)) == [
        "project.deletion_ordered", "project.restored", "project.deletion_ordered", "project.deleted",
        "organisation.deleted",
    ]  # fmt: skip


def test_of_deleting_restoring_and_beginning_at_once_one_wins(each_database: Threads) -> None:
    world: list[Any] = []
    done: list[str] = []

    def begin() -> None:
        acme = make_acme()
        world.extend([acme, leaving.delete(acme.shop, None, "op", after=timedelta())])

    def restores() -> None:
        try:
            leaving.restore(ProjectDeletion.objects.get(pk=world[1].pk), world[0].person("admin"))
            done.append("restored")
        except InvalidInput:
            pass

    def begins() -> None:
        if project_deletion_work.claim() is not None:
            done.append("deleting")

    def check() -> None:
        assert ProjectDeletion.objects.get(pk=world[1].pk).state == done[0]
        assert (Project.every.get(slug="shop").closed_at is None) == (done[0] == "restored")

    works: list[Callable[[], None]] = [restores, restores, begins, begins]
    each_database.one(begin)
    assert each_database.run(*works) == []
    assert len(done) == 1
    each_database.one(check)


def test_of_two_who_delete_it_at_once_one_does(each_database: Threads) -> None:
    world: list[Acme] = []
    done: list[str] = []

    def closes() -> None:
        try:
            close(world[0])
            done.append("closed")
        except (InvalidInput, NotFound):
            pass

    def check() -> None:
        assert ProjectDeletion.objects.filter(state="scheduled", slug="shop").count() == 1
        ProjectDeletion.objects.all().delete()

    each_database.one(lambda: world.append(make_acme()))
    assert each_database.run(closes, closes, closes) == []
    assert done == ["closed"]
    each_database.one(check)
