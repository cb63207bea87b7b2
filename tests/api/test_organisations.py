"""Organisations, members, invitations and projects by the API."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from dashboard.api import organisation_shapes as shapes
from tests.api.conftest import with_key
from tests.organisations.conftest import Acme, make_acme
from tracestore.alerts.models import AlertRule
from tracestore.models import Invitation, Membership, Organisation, OrganisationMembership, Project, Role

pytestmark = pytest.mark.django_db
ACME = "/api/v1/organisations/acme/"


@pytest.fixture
def acme(db: None) -> Acme:
    return make_acme()


def by(acme: Acme, name: str) -> Client:
    client = Client()
    client.force_login(acme.person(name))
    return client


def send(client: Client, method: str, path: str, body: object = None) -> Any:
    return getattr(client, method)(path, json.dumps(body), content_type="application/json")


def test_answers_have_the_fields_that_are_promised(acme: Acme) -> None:
    owner = by(acme, "owner")
    assert set(owner.get("/api/v1/organisations/").json()["results"][0]) == set(shapes.Organisation().fields)
    assert set(owner.get(ACME).json()) == set(shapes.WholeOrganisation().fields)
    assert set(owner.get(f"{ACME}members/").json()["results"][0]) == set(shapes.Member().fields)
    made = send(owner, "post", f"{ACME}invitations/", {"role": "member"})
    assert (made.status_code, set(made.json())) == (201, set(shapes.MadeInvitation().fields))
    assert set(owner.get(f"{ACME}invitations/").json()["results"][0]) == set(shapes.Invitation().fields)
    assert set(owner.get("/api/v1/projects/").json()["results"][0]) == set(shapes.Project().fields)


@pytest.mark.parametrize(
    ("name", "role", "projects"),
    [("owner", "owner", {"shop"}), ("viewer", "viewer", {"shop"}), ("single", None, {"shop"}), ("nobody", ..., set())],
)
def test_everybody_sees_their_own(acme: Acme, name: str, role: Any, projects: set[str]) -> None:
    Project.objects.create(slug="b", name="B", organisation=Organisation.objects.create(slug="other", name="Other"))
    client = by(acme, name)
    found = client.get("/api/v1/organisations/").json()["results"]
    assert [(one["slug"], one["role"]) for one in found] == ([] if role is ... else [("acme", role)])
    assert {one["slug"] for one in client.get("/api/v1/projects/").json()["results"]} == projects
    assert client.get("/api/v1/organisations/other/").status_code == 404
    assert client.get(f"{ACME}members/").status_code == {"single": 403, "nobody": 404}.get(name, 200)


def test_a_key_sees_its_project_and_no_people(acme: Acme) -> None:
    key = with_key(acme.shop, "admin", "read")
    found = key.get("/api/v1/projects/").json()["results"]
    assert [(one["slug"], one["role"], one["scopes"]) for one in found] == [("shop", None, ["admin", "read"])]
    for method, path, body in (
        ("get", "/api/v1/organisations/", None), ("get", ACME, None), ("get", f"{ACME}members/", None),
        ("post", f"{ACME}invitations/", {"role": "owner"}), ("patch", ACME, {"name": "x"}),
        ("post", "/api/v1/projects/", {"name": "x"}),
    ):  # fmt: skip
        answer = key.get(path) if method == "get" else send(key, method, path, body)
        assert (answer.status_code, "takes a login" in answer.json()["error"]["message"]) == (403, True)
    assert send(key, "patch", "/api/v1/projects/shop/", {"name": "Shop 2"}).json()["name"] == "Shop 2"
    Project.objects.create(slug="b", name="B", organisation=acme.organisation)
    assert send(key, "patch", "/api/v1/projects/b/", {"name": "mine"}).status_code == 404


def test_who_founds_an_organisation_makes_its_first_project(acme: Acme) -> None:
    owner = by(acme, "owner")
    made = send(owner, "post", "/api/v1/organisations/", {"name": "Second, of us"})
    assert (made.status_code, made.json()["slug"], made.json()["role"]) == (201, "second-of-us", "owner")
    project = send(owner, "post", "/api/v1/projects/", {"name": "First", "organisation": "second-of-us"})
    assert (project.status_code, project.json()["organisation"]) == (201, "second-of-us")
    assert AlertRule.objects.filter(project__slug="first").exists()
    # Nobody of the other organisation comes with it.
    assert "first" not in by(acme, "admin").get("/api/v1/projects/").content.decode()
    assert send(by(acme, "admin"), "post", "/api/v1/organisations/", {"name": "Mine"}).status_code == 403


def test_an_owner_without_any_project_can_begin(acme: Acme) -> None:
    empty = Organisation.objects.create(slug="empty", name="Empty")
    OrganisationMembership.objects.create(organisation=empty, user=acme.person("nobody"), role=Role.OWNER)
    client = by(acme, "nobody")
    assert client.get("/api/v1/traces/").status_code == 403
    assert client.get("/api/v1/projects/").json()["results"] == []
    assert send(client, "post", "/api/v1/projects/", {"name": "First"}).json()["organisation"] == "empty"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": " "}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"name": "two\nlines"}, "name"),
        ({"name": "x", "slug": "Upper"}, "slug"),
        ({"name": "x", "slug": "-x"}, "slug"),
        ({"name": "x", "slug": "x" * 65}, "slug"),
        ({"name": "x", "slug": "current"}, "slug"),
        ({"name": "x", "slug": "shop"}, "slug"),
        ({"name": "x", "slug": ["a"]}, "slug"),
        ({"name": "日本"}, "slug"),
        ({"name": "x", "organisation": "other"}, "organisation"),
        ({"name": "x", "organisation": {}}, "organisation"),
        ({"name": "x", "colour": "red"}, "colour"),
    ],
)
def test_what_is_wrong_with_a_project_is_named(acme: Acme, body: dict[str, Any], field: str) -> None:
    answer = send(by(acme, "owner"), "post", "/api/v1/projects/", body)
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, field)
    assert Project.objects.count() == 1


def test_roles_are_changed_and_taken_away(acme: Acme) -> None:
    owner, who = by(acme, "owner"), acme.person("viewer").pk
    changed = send(owner, "patch", f"{ACME}members/{who}/", {"role": "admin", "project": "shop"}).json()
    assert (changed["role"], changed["projects"]) == ("viewer", [{"project": "shop", "role": "admin"}])
    assert send(owner, "patch", f"{ACME}members/{who}/", {"role": None}).json()["role"] is None
    gone = owner.delete(f"{ACME}members/{who}/").json()
    assert (gone["username"], gone["role"], gone["projects"]) == ("viewer", None, [])
    assert owner.get(f"{ACME}members/{who}/").status_code == 405
    assert owner.delete(f"{ACME}members/{who}/").status_code == 404
    last = send(owner, "patch", f"{ACME}members/{acme.person('owner').pk}/", {"role": "admin"})
    assert (last.status_code, last.json()["error"]["field"]) == (400, "role")


@pytest.mark.parametrize("body", [{}, {"role": "root"}, {"role": "", "x": 1}, {"role": "viewer", "project": "other"}])
def test_a_bad_change_of_a_role_changes_nothing(acme: Acme, body: dict[str, Any]) -> None:
    assert send(by(acme, "owner"), "patch", f"{ACME}members/{acme.person('admin').pk}/", body).status_code == 400
    assert acme.role("admin") == "admin"


def test_a_link_is_told_once_and_under_the_address_it_was_asked_by(acme: Acme) -> None:
    owner = by(acme, "owner")
    made = send(owner, "post", f"{ACME}invitations/", {"role": "viewer", "project": "shop"}).json()
    assert made["link"].startswith("http://testserver/join/")
    assert (made["sent"], "No address" in made["not_sent"]) == (False, True)
    assert made["link"].rstrip("/").rpartition("/")[2] not in owner.get(f"{ACME}invitations/").content.decode()
    again = send(owner, "post", f"{ACME}invitations/{made['id']}/resend/").json()
    assert again["link"] != made["link"]
    assert owner.delete(f"{ACME}invitations/{made['id']}/").json()["state"] == "revoked"


def test_another_organisation_is_out_of_reach(acme: Acme) -> None:
    """Its invitations and members by number, under either organisation's address."""
    other = Organisation.objects.create(slug="other", name="Other")
    OrganisationMembership.objects.create(organisation=other, user=acme.person("nobody"), role=Role.OWNER)
    stranger = by(acme, "nobody")
    made = send(by(acme, "owner"), "post", f"{ACME}invitations/", {"role": "viewer"}).json()
    for organisation in ("acme", "other"):
        base = f"/api/v1/organisations/{organisation}/"
        assert stranger.delete(f"{base}invitations/{made['id']}/").status_code == 404
        assert send(stranger, "post", f"{base}invitations/{made['id']}/resend/").status_code == 404
        assert stranger.delete(f"{base}members/{acme.person('viewer').pk}/").status_code == 404
        assert (
            send(stranger, "patch", f"{base}members/{acme.person('viewer').pk}/", {"role": "viewer"}).status_code == 404
        )
    foreign = {"role": "viewer", "project": "shop"}
    refused = send(stranger, "post", "/api/v1/organisations/other/invitations/", foreign)
    assert (refused.status_code, refused.json()["error"]["field"]) == (400, "project")
    assert Invitation.objects.get().revoked_at is None
    assert Membership.objects.count() == 1
    assert User.objects.count() == 6
