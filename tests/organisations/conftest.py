"""An organisation of four, each with another role, and somebody who is in one of its projects only."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from django.contrib.auth.models import User

from tracestore.models import Membership, Organisation, OrganisationMembership, Project, Role


@dataclass
class Acme:
    organisation: Organisation
    shop: Project
    people: dict[str, User] = field(default_factory=dict)

    def person(self, name: str) -> User:
        """By their role; `single` is a member of one project, `nobody` of nothing."""
        return self.people[name]

    def role(self, name: str) -> str:
        rows = OrganisationMembership.objects.filter(organisation=self.organisation, user=self.people[name])
        return rows.values_list("role", flat=True).first() or ""

    def role_in_shop(self, name: str) -> str:
        rows = Membership.objects.filter(project=self.shop, user=self.people[name])
        return rows.values_list("role", flat=True).first() or ""


@pytest.fixture(autouse=True)
def quick_passwords(settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def make_acme() -> Acme:
    organisation = Organisation.objects.create(slug="acme", name="Acme")
    made = Acme(organisation, Project.objects.create(slug="shop", name="Shop", organisation=organisation))
    for name in (*Role.values, "single", "nobody"):
        made.people[name] = User.objects.create_user(name)
        if name in Role.values:
            OrganisationMembership.objects.create(organisation=organisation, user=made.people[name], role=name)
    Membership.objects.create(project=made.shop, user=made.people["single"], role=Role.MEMBER)
    return made


@pytest.fixture
def acme(db: None) -> Acme:
    return make_acme()
