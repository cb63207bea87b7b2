"""What an installation needs before anybody can use it: a project, a person, perhaps a key.

Idempotent: run at every start, by several processes at once if need be, it adds what is missing and
changes nothing that an operator has changed since.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.models import User
from django.utils import timezone

from tracestore import keys
from tracestore.alerts import rules
from tracestore.environment import Environment
from tracestore.login_links import make_login_link
from tracestore.models import ApiKey, LoginLink, Membership, OrganisationMembership, Project, Role

PROJECT = "default"
ADMIN = "admin"
DEMO_KEY_NAME = "demo"


@dataclass(frozen=True, slots=True)
class Prepared:
    """What was there or made. `added` names what is new, for people."""

    project: Project
    admin: User
    added: tuple[str, ...]


def prepare(environment: Environment) -> Prepared:
    """Makes the project, the administrator who owns it, and the key from the environment.

    Without `TRACESTORE_ADMIN_PASSWORD` the administrator gets in by login link only. A password is
    set while there is none, a key is stored while it is unknown: neither is ever put back after an
    operator changed or revoked it.
    """
    added = []
    project, is_new = _project()
    if is_new:
        added.append(f"project {PROJECT}")
    # Of all projects, since a new version may bring rules.
    if made := rules.ensure_all():
        added.append(f"{made} alert rules")
    admin, is_new = User.objects.get_or_create(
        username=ADMIN, defaults={"is_staff": True, "is_superuser": True, "password": "!"}
    )
    if is_new:
        added.append(f"user {ADMIN}")
        Membership.objects.get_or_create(user=admin, project=project, defaults={"role": Role.OWNER})
        OrganisationMembership.objects.get_or_create(
            user=admin, organisation=project.organisation, defaults={"role": Role.OWNER}
        )
    if environment.admin_password and not admin.has_usable_password():
        admin.set_password(environment.admin_password)
        admin.save(update_fields=["password"])
        added.append(f"the password of {ADMIN}")
    # Never for another project, if somebody has deleted this one: senders would be let in where they were not.
    if (
        project.slug == PROJECT
        and environment.api_key
        and not ApiKey.objects.filter(digest=keys.digest(environment.api_key)).exists()
    ):
        keys.create(project, "from TRACESTORE_API_KEY", key=environment.api_key)
        added.append("an API key with every scope")
    return Prepared(project, admin, tuple(added))


def _project() -> tuple[Project, bool]:
    """The default project, made unless there are others: whoever has deleted it does not want it back."""
    found = Project.objects.filter(slug=PROJECT).first() or Project.objects.order_by("pk").first()
    if found is not None:
        return found, False
    # There may be one that is to be deleted: then it is that one.
    return Project.every.get_or_create(slug=PROJECT, defaults={"name": "Default"})


def login_token(admin: User) -> str:
    """A one-time token for `/login/link/<token>/`; forgets those that have expired."""
    LoginLink.objects.filter(expires_at__lt=timezone.now()).delete()
    return make_login_link(admin)


def demo_key(project: Project) -> str:
    """A key that can send and ask, for the simulated fleet; the one of the last start is deleted."""
    ApiKey.objects.filter(project=project, name=DEMO_KEY_NAME).delete()
    return keys.create(project, DEMO_KEY_NAME, scopes=("ingest", "read"))
