"""`manage.py users` and `manage.py projects`: what the operator does, and what is on record of it."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from tests.organisations.conftest import Acme
from tracestore.access import role_in, role_in_organisation
from tracestore.alerts.models import AlertRule
from tracestore.login_links import use_login_link
from tracestore.models import AuditEntry, Organisation, Project

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def token(said: str) -> str:
    assert "/login/link/" in said
    return said.strip().rstrip("/").rpartition("/")[2]


def test_a_user_is_made_and_gets_in_by_the_link(acme: Acme) -> None:
    said = run("users", "create", "grace", "--role", "admin", "--organisation", "acme", "--email", "g@example.org")
    user = User.objects.get(username="grace")
    assert (user.has_usable_password(), user.email) == (False, "g@example.org")
    assert use_login_link(token(said)) == user
    assert role_in_organisation(user, "acme") == "admin"
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.subject, entry.actor, entry.actor_kind, entry.organisation) == (
        "user.created", "grace", "manage.py users", "command", "acme",
    )  # fmt: skip


def test_into_one_project_only(acme: Acme) -> None:
    run("users", "create", "grace", "--role", "viewer", "--project", "shop")
    user = User.objects.get(username="grace")
    assert (role_in(user, "shop"), role_in_organisation(user, "acme")) == ("viewer", "")
    run("users", "role", "grace", "admin", "--project", "shop")
    assert role_in(user, "shop") == "admin"
    run("users", "role", "grace", "none", "--project", "shop")
    assert role_in(user, "shop") == ""
    # The operator may add somebody who is in nothing.
    run("users", "role", "nobody", "member", "--organisation", "acme")
    assert acme.role("nobody") == "member"


def test_the_list_for_people_and_for_programs(acme: Acme) -> None:
    columns = run("users", "list")
    assert columns.splitlines()[0].split() == ["NAME", "ACTIVE", "ORGANISATIONS", "PROJECTS", "LAST", "LOGIN"]
    assert "shop=member" in next(line for line in columns.splitlines() if line.startswith("single"))
    rows = {row["name"]: row for row in json.loads(run("users", "list", "--json"))}
    assert rows["owner"]["organisations"] == {"acme": "owner"}
    assert rows["nobody"]["projects"] == {}


def test_who_is_removed_cannot_log_in_and_may_come_back(acme: Acme) -> None:
    link = run("users", "reset-link", "viewer")
    run("users", "remove", "viewer")
    user = acme.person("viewer")
    user.refresh_from_db()
    assert (user.is_active, user.has_usable_password(), acme.role("viewer")) == (False, False, "")
    with pytest.raises(CommandError, match="was removed"):
        run("users", "reset-link", "viewer")
    run("users", "create", "viewer", "--organisation", "acme")
    user.refresh_from_db()
    assert (user.is_active, acme.role("viewer")) == (True, "member")
    assert use_login_link(token(link)) is None, "a link from before does not let them in again"


def test_removed_from_one_organisation_the_account_stays(acme: Acme) -> None:
    run("users", "remove", "single", "--organisation", "acme")
    assert acme.role_in_shop("single") == ""
    assert User.objects.get(username="single").is_active


def test_what_cannot_be_is_told(acme: Acme) -> None:
    for arguments, said in (
        (("users", "remove", "owner"), "at least one owner"),
        (("users", "role", "owner", "viewer", "--organisation", "acme"), "at least one owner"),
        (("users", "create", "two words", "--organisation", "acme"), "username: expected"),
        (("users", "create", "OWNER", "--organisation", "acme"), "username: taken"),
        (("users", "create", "x", "--organisation", "nothing"), "Organisations: acme"),
        (("users", "create", "x", "--project", "nothing"), "Projects: shop"),
        (("users", "create", "x", "--project", "shop", "--organisation", "other"), "Projects: shop"),
        (("users", "role", "heidi", "viewer", "--organisation", "acme"), "There is no user 'heidi'"),
        (("projects", "create", "Shop", "--organisation", "acme"), "slug: expected"),
        (("projects", "create", "shop", "--organisation", "acme"), "slug: taken"),
        (("projects", "rename", "nothing", "x"), "Projects: shop"),
        (("projects", "organisation", "acme", "--owner", "owner"), "slug: taken"),
        (("projects", "organisation", "beta", "--owner", "heidi"), "There is no user"),
    ):
        with pytest.raises(CommandError) as refused:
            run(*arguments)
        assert said in str(refused.value), arguments
    assert AuditEntry.objects.count() == 0
    assert not User.objects.filter(username="x").exists()


def test_projects_and_organisations_are_made(acme: Acme) -> None:
    run("projects", "organisation", "beta", "--name", "Beta", "--owner", "nobody")
    assert "api_keys create" in run("projects", "create", "beta-prod", "--organisation", "beta")
    assert AlertRule.objects.filter(project__slug="beta-prod").exists()
    run("projects", "rename", "beta-prod", "Beta, production")
    assert Project.objects.get(slug="beta-prod").name == "Beta, production"
    assert role_in(acme.person("nobody"), "beta-prod") == "owner"
    assert role_in(acme.person("owner"), "beta-prod") == ""
    assert Organisation.objects.get(slug="beta").projects.count() == 1
    rows = json.loads(run("projects", "list", "--json"))
    assert [(row["slug"], row["organisation"], row["keys"]) for row in rows] == [
        ("beta-prod", "beta", 0), ("shop", "acme", 0),
    ]  # fmt: skip
    assert "Beta, production" in run("projects", "list")
    assert set(AuditEntry.objects.values_list("action", flat=True)) == {
        "organisation.created", "project.created", "project.renamed",
    }  # fmt: skip
