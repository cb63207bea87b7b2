"""The page of an organisation: what each role sees, what its forms do, and what is wrong beside the form."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from tests.organisations.conftest import Acme, make_acme
from tracestore.models import Invitation, Organisation, OrganisationMembership, Project, Role
from tracestore.organisations import invitations

pytestmark = [pytest.mark.urls("dashboard.pages.urls"), pytest.mark.django_db]
ADDRESS = "/settings/organisation/"


@pytest.fixture
def acme(db: None) -> Acme:
    return make_acme()


def by(acme: Acme, name: str) -> Client:
    client = Client()
    client.force_login(acme.person(name))
    return client


def forms(page: str) -> set[str]:
    """Words of the addresses that the page's forms are posted to."""
    return {re.sub(r"/\d+/|/shop/", "/N/", one) for one in re.findall(rf'action="{ADDRESS}([^"]*)"', page)}


MANAGING = {
    "rename/", "projects/", "projects/N/", "members/", "members/N/role/", "members/N/remove/", "invitations/",
    "invitations/N/resend/", "invitations/N/revoke/",
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("owner", MANAGING | {"new/"}),
        ("admin", MANAGING),
        ("member", {"members/N/remove/"}),  # leaving
        ("viewer", {"members/N/remove/"}),
        ("single", {"members/N/remove/"}),
    ],
)
def test_each_role_sees_the_forms_that_it_may_send(acme: Acme, name: str, seen: set[str]) -> None:
    invitations.create(acme.organisation, acme.person("owner"), {"role": "viewer", "email": "grace@example.org"})
    page = by(acme, name).get(ADDRESS).content.decode().split("<main")[1]
    assert forms(page) == seen
    assert ("grace@example.org" in page) == (name in ("owner", "admin"))
    # Who is in one project only is not told who else is here.
    assert ("admin" in page.split("What each role may do")[0]) == (name != "single") or name == "single"
    assert ('<th scope="row" class="clip">viewer' in page) == (name != "single")


def test_who_is_in_nothing_is_told(acme: Acme) -> None:
    response = by(acme, "nobody").get(ADDRESS)
    assert (response.status_code, "You belong to no organisation" in response.content.decode()) == (403, True)


def test_an_admin_is_not_offered_what_only_owners_may(acme: Acme) -> None:
    page = by(acme, "admin").get(ADDRESS).content.decode().split("<main")[1]
    assert "<option>owner" not in page
    assert f"{ADDRESS}members/{acme.person('owner').pk}/" not in page


def test_projects_people_and_names_are_changed(acme: Acme) -> None:
    owner = by(acme, "owner")
    who = acme.person("viewer").pk
    for address, sent, said in (
        ("rename/", {"name": "Acme & Co"}, "The name is saved."),
        ("projects/", {"name": "Shop staging"}, "The project Shop staging is made"),
        ("projects/shop/", {"name": "The shop"}, "name is saved"),
        (f"members/{who}/role/", {"role": "member"}, "viewer is member in the organisation."),
        ("members/", {"member": who, "role": "admin", "in": "shop"}, "viewer is admin in The shop."),
        (f"members/{who}/role/", {"role": "", "in": "shop"}, "viewer has no role in The shop any more."),
        (f"members/{who}/remove/", {}, "viewer is removed."),
    ):
        answer = owner.post(f"{ADDRESS}{address}", {"organisation": "acme", **sent}, follow=True)
        assert answer.redirect_chain == [(f"{ADDRESS}?organisation=acme", 302)], address
        assert said in answer.content.decode()
    assert Organisation.objects.filter(name="Acme & Co").exists()
    assert set(Project.objects.values_list("slug", "name")) == {("shop", "The shop"), ("shop-staging", "Shop staging")}
    assert acme.role("viewer") == ""


def test_what_is_wrong_stands_beside_the_form_with_what_was_typed(acme: Acme) -> None:
    owner = by(acme, "owner")
    for address, sent, said, kept in (
        ("projects/", {"name": "A shop", "slug": "Bad Slug"}, "slug: expected 1 to 64", 'value="Bad Slug"'),
        ("projects/", {"name": "A shop", "slug": "shop"}, "slug: taken", 'value="A shop"'),
        ("rename/", {"name": " "}, "name: expected", 'aria-invalid="true"'),
        ("invitations/", {"role": "member", "email": "<script>"}, "email: expected", "&lt;script&gt;"),
        ("new/", {"name": "x", "slug": "acme"}, "slug: taken", '<details class="more" open>'),
        (f"members/{acme.person('owner').pk}/role/", {"role": "viewer"}, "at least one owner", 'id="complaint"'),
        (f"members/{acme.person('owner').pk}/remove/", {}, "at least one owner", 'id="complaint"'),
    ):
        answer = owner.post(f"{ADDRESS}{address}", sent)
        page = answer.content.decode().split("<main")[1]
        assert (answer.status_code, said in page, kept in page, "<script" in page) == (400, True, True, False), address


def test_an_invitation_is_shown_once_and_can_be_taken_back(acme: Acme) -> None:
    owner = by(acme, "owner")
    answer = owner.post(f"{ADDRESS}invitations/", {"role": "viewer", "in": "shop", "email": "grace@example.org"})
    page = answer.content.decode()
    link = re.search(r'<code id="link">http://testserver(/join/[\w-]+/)</code>', page)
    assert (answer.status_code, link is not None) == (201, True)
    assert "no-store" in answer["Cache-Control"]
    assert link is not None
    assert link[1] not in owner.get(ADDRESS).content.decode()
    row = Invitation.objects.get()
    again = owner.post(f"{ADDRESS}invitations/{row.pk}/resend/").content.decode()
    assert "/join/" in again
    assert link[1] not in again
    owner.post(f"{ADDRESS}invitations/{row.pk}/revoke/")
    assert "taken back" in owner.get(ADDRESS).content.decode()
    assert Client().get(link[1]).status_code == 404


def test_an_address_of_a_form_shows_the_page(acme: Acme) -> None:
    assert by(acme, "owner").get(f"{ADDRESS}projects/")["Location"] == f"{ADDRESS}?organisation=acme"


def test_leaving_leads_away(acme: Acme) -> None:
    client = by(acme, "viewer")
    assert client.post(f"{ADDRESS}members/{acme.person('viewer').pk}/remove/")["Location"] == "/"
    assert client.get(ADDRESS).status_code == 403


def test_somebody_in_two_organisations_goes_from_one_to_the_other_and_changes_the_one_shown(acme: Acme) -> None:
    other = Organisation.objects.create(slug="other", name="Other")
    OrganisationMembership.objects.create(organisation=other, user=acme.person("viewer"), role=Role.OWNER)
    client = by(acme, "viewer")
    assert f"{ADDRESS}?organisation=other" in client.get(ADDRESS).content.decode()
    assert "Make the project" in client.get(f"{ADDRESS}?organisation=other").content.decode()
    assert client.post(f"{ADDRESS}rename/", {"organisation": "acme", "name": "Mine"}).status_code == 403
    assert client.post(f"{ADDRESS}rename/", {"organisation": "other", "name": "Mine"}).status_code == 302
    assert client.get(f"{ADDRESS}?organisation=nothing").status_code == 404
    # Its first project, by somebody who has one elsewhere.
    client.post(f"{ADDRESS}projects/", {"organisation": "other", "name": "First"})
    assert other.projects.get().slug == "first"
    assert client.post(f"{ADDRESS}projects/first/", {"organisation": "acme", "name": "x"}).status_code == 404


def test_the_list_of_projects_is_there_when_there_are_several(acme: Acme) -> None:
    client = by(acme, "viewer")
    assert "project-switch" not in client.get(ADDRESS).content.decode()
    Project.objects.create(slug="b", name="<b>B", organisation=acme.organisation)
    page = client.get(ADDRESS).content.decode()
    assert page.count('popovertarget="project-switch"') == 2
    switch = page.split('<nav id="project-switch"')[1].split("</nav>")[0]
    assert re.findall(r'href="([^"]+)"', switch) == [f"{ADDRESS}?project=shop", f"{ADDRESS}?project=b"]
    assert "&lt;b&gt;B" in switch
    assert switch.count("aria-current") == 1
