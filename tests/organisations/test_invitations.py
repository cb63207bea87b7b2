"""Invitations: shown once, accepted once, ended, sent again; by somebody who has an account and by somebody new."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.utils import timezone

from tests.alerts.notify.receivers import MailReceiver, mail_receiver
from tests.database_threads import Threads
from tests.database_threads import database as database
from tests.database_threads import each_database as each_database
from tests.database_threads import postgresql_url as postgresql_url
from tests.organisations.conftest import Acme, make_acme
from tracestore import access
from tracestore.errors import Forbidden, InvalidInput, NotFound
from tracestore.models import Invitation, Membership, OrganisationMembership, Project, Role
from tracestore.organisations import invitation_mail, invitations

pytestmark = pytest.mark.django_db


@pytest.fixture
def mails(monkeypatch: pytest.MonkeyPatch) -> Iterator[MailReceiver]:
    with mail_receiver() as made:
        monkeypatch.setattr(
            settings, "ENVIRONMENT", replace(settings.ENVIRONMENT, smtp_url=made.url, email_from="t@example.org")
        )
        yield made


def invite(acme: Acme, role: str = "member", **fields: Any) -> tuple[Invitation, str]:
    return invitations.create(acme.organisation, acme.person("owner"), {"role": role, **fields})


def test_only_a_digest_is_stored(acme: Acme) -> None:
    one, token = invite(acme)
    assert len(token) >= 43
    assert token not in str(Invitation.objects.filter(pk=one.pk).values())
    assert invitations.opened(token).pk == one.pk


@pytest.mark.parametrize("role", Role.values)
@pytest.mark.parametrize("before", [*Role.values, "nobody"])
def test_the_higher_role_stays(acme: Acme, role: str, before: str) -> None:
    who = acme.person(before)
    invitations.accept(invite(acme, role)[1], who)
    assert acme.role(before) == access.higher([role, before])


@pytest.mark.parametrize("before", [*Role.values, "single", "nobody"])
def test_into_one_project_only_where_it_is_more(acme: Acme, before: str) -> None:
    elsewhere = Project.objects.create(slug="elsewhere", name="E", organisation=acme.organisation)
    invitations.accept(invite(acme, "admin", project="shop")[1], acme.person(before))
    own = "" if before in ("single", "nobody") else before
    assert acme.role(before) == own
    assert acme.role_in_shop(before) == ("" if before in ("owner", "admin") else "admin")
    assert access.role_in(acme.person(before), elsewhere.slug) == own


def test_a_link_that_does_not_work_says_the_same_whatever_is_wrong(acme: Acme) -> None:
    used = invite(acme)[1]
    invitations.accept(used, acme.person("nobody"))
    revoked_row, revoked = invite(acme)
    invitations.revoke(acme.organisation, acme.person("admin"), revoked_row.pk)
    old = invitations.create(
        acme.organisation, acme.person("owner"), {"role": "owner"}, now=timezone.now() - invitations.LIFETIME
    )[1]
    replaced_row, replaced = invite(acme)
    _, again = invitations.resend(acme.organisation, acme.person("owner"), replaced_row.pk)
    said = set()
    for token in (used, revoked, old, replaced, "", "x", "\0\ud800", "9" * 5000):
        with pytest.raises(NotFound) as refused:
            invitations.accept(token, acme.person("single"))
        said.add(refused.value.message)
    assert said == {invitations.CLOSED}
    assert "Acme" not in invitations.CLOSED
    assert acme.role("single") == ""
    assert invitations.opened(again).pk == replaced_row.pk


def test_one_that_expired_or_was_taken_back_can_be_sent_again_and_an_accepted_one_cannot(acme: Acme) -> None:
    long_ago = timezone.now() - timedelta(days=30)
    one, _ = invitations.create(acme.organisation, acme.person("owner"), {"role": "viewer"}, now=long_ago)
    assert invitations.state(one) == "expired"
    invitations.revoke(acme.organisation, acme.person("owner"), one.pk)
    one, token = invitations.resend(acme.organisation, acme.person("admin"), one.pk)
    assert (invitations.state(one), one.invited_by) == ("open", "admin")
    invitations.accept(token, acme.person("nobody"))
    with pytest.raises(InvalidInput, match="accepted"):
        invitations.resend(acme.organisation, acme.person("admin"), one.pk)
    one.refresh_from_db()
    assert (invitations.state(one), one.accepted_by) == ("accepted", acme.person("nobody"))


@pytest.mark.parametrize("name", ["member", "viewer", "single", "nobody"])
def test_who_does_not_manage_invites_nobody_and_sees_none(acme: Acme, name: str) -> None:
    one, _ = invite(acme)
    actor = acme.person(name)
    for act in (
        lambda: invitations.create(acme.organisation, actor, {"role": "viewer"}),
        lambda: invitations.listed(acme.organisation, actor),
        lambda: invitations.resend(acme.organisation, actor, one.pk),
        lambda: invitations.revoke(acme.organisation, actor, one.pk),
    ):
        with pytest.raises(Forbidden):
            act()


def test_an_admin_invites_no_owner_also_not_by_sending_again(acme: Acme) -> None:
    one, _ = invite(acme, "owner")
    with pytest.raises(Forbidden):
        invitations.create(acme.organisation, acme.person("admin"), {"role": "owner"})
    with pytest.raises(Forbidden):
        invitations.resend(acme.organisation, acme.person("admin"), one.pk)


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({}, "role"),
        ({"role": "root"}, "role"),
        ({"role": ["owner"]}, "role"),
        ({"role": "member", "email": "not an address"}, "email"),
        ({"role": "member", "email": "a@b\r\nBcc: c@d.e"}, "email"),
        ({"role": "member", "email": 7}, "email"),
        ({"role": "member", "email": "x" * 300 + "@example.org"}, "email"),
        ({"role": "member", "email": "grace@example.org"}, "email"),
        ({"role": "member", "project": "theirs"}, "project"),
        ({"role": "member", "project": 7}, "project"),
        ({"role": "member", "organisation": "acme"}, "organisation"),
    ],
)
def test_what_is_wrong_is_named(acme: Acme, sent: dict[str, Any], field: str) -> None:
    Project.objects.create(slug="theirs", name="Theirs")
    invite(acme, email="Grace@example.org")
    with pytest.raises(InvalidInput) as refused:
        invitations.create(acme.organisation, acme.person("owner"), sent)
    assert refused.value.field == field


def test_somebody_new_gets_an_account_and_the_role(acme: Acme) -> None:
    _, token = invite(acme, "admin", email="grace@example.org")
    user = invitations.register(token, " grace ", "engine-of-1843")
    assert (user.username, user.email, user.check_password("engine-of-1843")) == ("grace", "grace@example.org", True)
    assert not user.is_staff
    assert access.role_in_organisation(user, "acme") == "admin"
    with pytest.raises(NotFound):
        invitations.register(token, "heidi", "engine-of-1843")
    assert not User.objects.filter(username="heidi").exists()


@pytest.mark.parametrize(
    ("name", "password", "field"),
    [
        ("owner", "engine-of-1843", "username"),
        ("OWNER", "engine-of-1843", "username"),
        ("key ts_abc", "engine-of-1843", "username"),
        ("", "engine-of-1843", "username"),
        (None, "engine-of-1843", "username"),
        ("x" * 151, "engine-of-1843", "username"),
        ("a\0b", "engine-of-1843", "username"),
        ("heidi", "short", "password"),
        ("heidi", "password123", "password"),
        ("heidi", "", "password"),
    ],
)
def test_a_bad_name_or_password_costs_nothing(acme: Acme, name: str | None, password: str, field: str) -> None:
    _, token = invite(acme)
    people = User.objects.count()
    with pytest.raises(InvalidInput) as refused:
        invitations.register(token, name, password)
    assert refused.value.field == field
    assert User.objects.count() == people
    assert invitations.opened(token)


def test_of_many_who_open_a_link_at_once_one_gets_in(each_database: Threads) -> None:
    world: list[Any] = []
    got: list[str] = []

    def begin() -> None:
        acme = make_acme()
        world.extend([acme, invite(acme)[1]])

    def taking(name: str) -> Callable[[], None]:
        def work() -> None:
            try:
                if name.startswith("new"):
                    invitations.register(world[1], name, "engine-of-1843")
                else:
                    invitations.accept(world[1], world[0].person(name))
                got.append(name)
            except NotFound:
                pass

        return work

    def check() -> None:
        assert Invitation.objects.get().accepted_by is not None
        assert Invitation.objects.get().accepted_by.username == got[0]  # type: ignore[union-attr]
        assert set(User.objects.filter(username__startswith="new").values_list("username", flat=True)) <= set(got)
        assert OrganisationMembership.objects.count() == 5
        assert Membership.objects.count() == 1

    each_database.one(begin)
    assert each_database.run(*[taking(name) for name in ("nobody", "single", "new-1", "new-2")]) == []
    assert len(got) == 1
    each_database.one(check)


def test_a_link_that_one_person_opens_twice_at_once_is_accepted_once(each_database: Threads) -> None:
    world: list[Any] = []
    said: list[str] = []

    def begin() -> None:
        acme = make_acme()
        world.extend([acme, invite(acme)[1]])

    def take() -> None:
        try:
            invitations.accept(world[1], world[0].person("nobody"))
            said.append("in")
        except NotFound as error:
            said.append(error.message)

    def check() -> None:
        assert Invitation.objects.exclude(accepted_at=None).count() == 1
        assert world[0].role("nobody") == "member"

    each_database.one(begin)
    assert each_database.run(take, take, take) == []
    assert sorted(said) == sorted(["in", invitations.CLOSED, invitations.CLOSED])
    each_database.one(check)


def test_the_link_is_sent_where_mail_is_set_up(acme: Acme, mails: MailReceiver) -> None:
    acme.organisation.name = "Acme \u202eevil\nBcc: x@y.z " + "long " * 40
    acme.organisation.save()
    one, token = invite(acme, "viewer", email="grace@example.org", project="shop")
    sending = invitation_mail.send(one, f"https://traces.example/join/{token}/")
    assert sending == invitation_mail.Sending(True)
    assert mails.got[0].recipients == ["grace@example.org"]
    mail = message_from_bytes(mails.got[0].data, policy=default)
    assert mail["Subject"].startswith("Invitation to Acme evil Bcc: x@y.z long")
    assert (len(mail["Subject"]) < 100, mail["Bcc"]) == (True, None)
    text = mail.get_content()
    assert f"https://traces.example/join/{token}/" in text
    assert "owner invites you to the project Shop" in text


def test_without_mail_or_address_it_says_so(acme: Acme, mails: MailReceiver, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "No address" in invitation_mail.send(invite(acme)[0], "link").reason
    one, _ = invite(acme, email="grace@example.org")
    mails.says["RCPT"] = "550 5.1.1 no such user"
    assert "550" in invitation_mail.send(one, "link").reason
    monkeypatch.setattr(settings, "ENVIRONMENT", replace(settings.ENVIRONMENT, smtp_url=None))
    assert "TRACESTORE_SMTP_URL" in invitation_mail.send(one, "link").reason
    monkeypatch.setattr(settings, "ENVIRONMENT", replace(settings.ENVIRONMENT, smtp_url="smtp://127.0.0.1:1"))
    failed = invitation_mail.send(one, "link")
    assert (failed.sent, "did not answer" in failed.reason) == (False, True)
