"""People of an organisation: changed, removed, and an owner is always left, whoever asks at the same moment."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User

from tests.database_threads import Threads
from tests.database_threads import database as database
from tests.database_threads import each_database as each_database
from tests.database_threads import postgresql_url as postgresql_url
from tests.organisations.conftest import Acme, make_acme
from tracestore import access
from tracestore.errors import Forbidden, InvalidInput, NotFound, TracestoreError
from tracestore.models import Invitation, Membership, Organisation, OrganisationMembership, Project, Role
from tracestore.organisations import invitations, members

pytestmark = pytest.mark.django_db


def test_everybody_is_listed_with_all_roles(acme: Acme) -> None:
    Membership.objects.create(project=acme.shop, user=acme.person("viewer"), role=Role.ADMIN)
    found = {
        one.user.username: (one.role, [(p.slug, role) for p, role in one.projects])
        for one in members.listed(acme.organisation)
    }
    assert found == {
        "owner": ("owner", []), "admin": ("admin", []), "member": ("member", []),
        "viewer": ("viewer", [("shop", "admin")]), "single": ("", [("shop", "member")]),
    }  # fmt: skip


def test_a_role_counts_at_once_and_the_higher_one_does(acme: Acme) -> None:
    who = acme.person("viewer")
    assert access.scopes_in(who, "shop") == {"read"}
    members.change_role(acme.organisation, acme.person("admin"), who.pk, "member", acme.shop)
    assert access.role_in(who, "shop") == "member"
    members.change_role(acme.organisation, acme.person("owner"), who.pk, "admin")
    assert "admin" in access.scopes_in(who, "shop")
    members.change_role(acme.organisation, acme.person("owner"), who.pk, "")
    assert (access.role_in(who, "shop"), acme.role("viewer")) == ("member", "")
    members.change_role(acme.organisation, acme.person("owner"), who.pk, "", acme.shop)
    assert access.projects_of(who) == []


def test_an_admin_touches_no_owner_of_one_project(acme: Acme) -> None:
    Membership.objects.create(project=acme.shop, user=acme.person("viewer"), role=Role.OWNER)
    admin, who = acme.person("admin"), acme.person("viewer").pk
    for act in (
        lambda: members.change_role(acme.organisation, admin, who, "viewer", acme.shop),
        lambda: members.remove(acme.organisation, admin, who),
        lambda: members.change_role(acme.organisation, admin, acme.person("member").pk, "owner", acme.shop),
    ):
        with pytest.raises(Forbidden, match="Only an owner"):
            act()
    assert acme.role_in_shop("viewer") == "owner"


def test_nobody_raises_themselves_in_a_project_either(acme: Acme) -> None:
    for name in ("admin", "member", "viewer", "single"):
        with pytest.raises(Forbidden, match="raises themselves"):
            members.change_role(acme.organisation, acme.person(name), acme.person(name).pk, "owner", acme.shop)
        assert acme.role_in_shop(name) == ("member" if name == "single" else "")


@pytest.mark.parametrize("name", ["admin", "member", "viewer", "single"])
def test_everybody_may_leave(acme: Acme, name: str) -> None:
    members.remove(acme.organisation, acme.person(name), acme.person(name).pk)
    assert access.projects_of(acme.person(name)) == []


@pytest.mark.parametrize("name", ["member", "viewer", "single", "nobody"])
def test_who_manages_nobody_changes_nobody(acme: Acme, name: str) -> None:
    for other in ("owner", "admin", "member", "viewer", "single"):
        if other != name:
            with pytest.raises(Forbidden):
                members.remove(acme.organisation, acme.person(name), acme.person(other).pk)
            with pytest.raises(Forbidden):
                members.change_role(acme.organisation, acme.person(name), acme.person(other).pk, "viewer")
    assert OrganisationMembership.objects.count() == 4


def test_the_last_owner_stays(acme: Acme) -> None:
    owner = acme.person("owner")
    for actor in (owner, None):
        for act in (
            lambda actor=actor: members.remove(acme.organisation, actor, owner.pk),
            lambda actor=actor: members.change_role(acme.organisation, actor, owner.pk, "admin"),
            lambda actor=actor: members.change_role(acme.organisation, actor, owner.pk, ""),
        ):
            with pytest.raises(InvalidInput, match="at least one owner") as refused:
                act()
            assert refused.value.field == "role"
    # An owner who cannot log in is none.
    members.change_role(acme.organisation, owner, acme.person("admin").pk, "owner")
    User.objects.filter(username="admin").update(is_active=False)
    with pytest.raises(InvalidInput):
        members.remove(acme.organisation, owner, owner.pk)
    User.objects.filter(username="admin").update(is_active=True)
    members.remove(acme.organisation, owner, owner.pk)
    assert acme.role("owner") == ""


def test_somebody_who_is_not_here_is_not_found(acme: Acme) -> None:
    other = Organisation.objects.create(slug="other", name="Other")
    theirs = Project.objects.create(slug="theirs", name="Theirs", organisation=other)
    OrganisationMembership.objects.create(organisation=other, user=acme.person("nobody"), role=Role.VIEWER)
    for number in (acme.person("nobody").pk, 10**9):
        with pytest.raises(NotFound):
            members.change_role(acme.organisation, acme.person("owner"), number, "owner")
        with pytest.raises(NotFound):
            members.remove(acme.organisation, acme.person("owner"), number)
    for slug in ("theirs", "nothing", "a\0b", 7, None):
        with pytest.raises(InvalidInput) as refused:
            members.project_of(acme.organisation, slug)
        assert refused.value.field == "project"
    assert theirs.memberships.count() == 0


def test_who_may_no_longer_invite_lets_nobody_in_by_links_from_before(acme: Acme) -> None:
    owner, admin = acme.person("owner"), acme.person("admin")
    members.change_role(acme.organisation, owner, admin.pk, "owner")
    _, as_owner = invitations.create(acme.organisation, admin, {"role": "owner"})
    _, as_viewer = invitations.create(acme.organisation, admin, {"role": "viewer"})
    members.change_role(acme.organisation, owner, admin.pk, "admin")
    with pytest.raises(NotFound):
        invitations.opened(as_owner)
    assert invitations.opened(as_viewer)
    members.remove(acme.organisation, owner, admin.pk)
    with pytest.raises(NotFound):
        invitations.opened(as_viewer)
    assert Invitation.objects.filter(revoked_at=None).count() == 0


def test_two_owners_who_end_each_other_leave_one(each_database: Threads) -> None:
    """Also each the other's and their own: whatever the order, somebody can still log in as owner."""
    world: list[Acme] = []
    said: list[str] = []

    def begin() -> None:
        world.append(make_acme())
        members.change_role(world[0].organisation, None, world[0].person("admin").pk, "owner")

    def ends(actor: str, other: str, act: Callable[..., object]) -> Callable[[], None]:
        def work() -> None:
            try:
                act(world[0].organisation, world[0].person(actor), world[0].person(other).pk)
                said.append("done")
            except TracestoreError as error:
                said.append(type(error).__name__)

        return work

    def demote(organisation: Organisation, actor: User, other: int) -> None:
        members.change_role(organisation, actor, other, "viewer")

    def check() -> None:
        assert OrganisationMembership.objects.filter(role=Role.OWNER, user__is_active=True).count() == 1

    each_database.one(begin)
    works = [
        ends("owner", "admin", members.remove), ends("admin", "owner", members.remove),
        ends("owner", "owner", members.remove), ends("admin", "admin", demote), ends("owner", "admin", demote),
    ]  # fmt: skip
    assert each_database.run(*works) == []
    assert len(said) == 5
    # Who was made a viewer first may be made one again, or removed: all of that ends the same owner.
    assert "done" in said
    each_database.one(check)


@pytest.mark.parametrize("times", range(3))
def test_the_last_two_owners_who_leave_at_once_leave_one(each_database: Threads, times: int) -> None:
    world: list[Acme] = []
    said: list[str] = []

    def begin() -> None:
        world.append(make_acme())
        members.change_role(world[0].organisation, None, world[0].person("admin").pk, "owner")

    def leaving(name: str) -> Callable[[], None]:
        def work() -> None:
            who = world[0].person(name)
            try:
                members.remove(world[0].organisation, who, who.pk)
                said.append("left")
            except InvalidInput as error:
                said.append(error.message)

        return work

    def check() -> None:
        assert OrganisationMembership.objects.filter(role=Role.OWNER).count() == 1

    each_database.one(begin)
    assert each_database.run(leaving("owner"), leaving("admin")) == []
    assert sorted(said) == sorted(["left", members.LAST_OWNER])
    each_database.one(check)


def test_of_two_admins_who_remove_each_other_at_once_one_stays(each_database: Threads) -> None:
    world: list[Acme] = []
    said: list[str] = []

    def begin() -> None:
        world.append(make_acme())
        members.change_role(world[0].organisation, None, world[0].person("member").pk, "admin")

    def removes(actor: str, other: str) -> Callable[[], None]:
        def work() -> None:
            try:
                members.remove(world[0].organisation, world[0].person(actor), world[0].person(other).pk)
                said.append("done")
            except Forbidden:
                said.append("is no admin any more")

        return work

    def check() -> None:
        assert OrganisationMembership.objects.filter(role=Role.ADMIN).count() == 1

    each_database.one(begin)
    assert each_database.run(removes("admin", "member"), removes("member", "admin")) == []
    assert sorted(said) == ["done", "is no admin any more"]
    each_database.one(check)
