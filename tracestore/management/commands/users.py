"""`manage.py users`: accounts of people and their roles, for the operator."""

from __future__ import annotations

from argparse import RawDescriptionHelpFormatter
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from tracestore import audit
from tracestore.access import organisations_of
from tracestore.errors import TracestoreError
from tracestore.login_links import LIFETIME, make_login_link
from tracestore.management.tables import add_json_option, write
from tracestore.models import LoginLink, Membership, Organisation, Project, Role
from tracestore.moments import utc_text_if
from tracestore.organisations import members, people

ACTOR = audit.Actor("manage.py users", "command")


class Command(BaseCommand):
    help = f"""Makes, lists and removes users, and changes their roles. Roles are in an organisation (with all its
projects) unless --project names one.

Who is made gets in by a login link, printed once and good for {LIFETIME.seconds // 60} minutes; a password is set by
themselves afterwards. People can also be invited: Settings, Organisation.

Examples:
  manage.py users create ada --role admin
  manage.py users create grace --role viewer --project shop --email grace@example.org
  manage.py users list
  manage.py users list --json
  manage.py users role grace member --organisation acme
  manage.py users role grace none --project shop           takes the role away
  manage.py users remove grace --organisation acme         from one organisation and its projects
  manage.py users remove grace                             from all, and the account cannot log in any more
  manage.py users reset-link ada                           a login link, for who forgot the password"""

    def create_parser(self, *args: Any, **kwargs: Any) -> CommandParser:
        return super().create_parser(*args, formatter_class=RawDescriptionHelpFormatter, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        create = actions.add_parser("create", help="make a user and print a login link; who was removed comes back")
        create.add_argument("name")
        create.add_argument("--role", choices=Role.values, default=Role.MEMBER, help="(default: member)")
        create.add_argument("--email", default="")
        where(create)
        shown = actions.add_parser("list", help="all users with their roles")
        add_json_option(shown)
        role = actions.add_parser("role", help="give somebody another role, or none")
        role.add_argument("name")
        role.add_argument("role", choices=[*Role.values, "none"])
        where(role)
        remove = actions.add_parser("remove", help="take all roles away, in one organisation or everywhere")
        remove.add_argument("name")
        remove.add_argument("--organisation", metavar="SLUG", help="only from this one; the account stays")
        reset = actions.add_parser("reset-link", help="print a one-time login link")
        reset.add_argument("name")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            getattr(self, options["action"].replace("-", "_"))(**options)
        except TracestoreError as error:
            raise CommandError(error.message) from error

    def create(self, name: str, role: str, email: str, **options: Any) -> None:
        organisation, project = place(**options)
        with transaction.atomic():
            gone = User.objects.filter(username=name, is_active=False).first()
            if gone is not None:
                gone.is_active = True
                gone.save(update_fields=["is_active"])
            user = gone or people.create(name, None, email)
            members.grant(organisation, user, role, project)
        recorded("user.created", user, organisation, project, role)
        self.stdout.write(login_link(user))

    def list(self, json: bool, **_: Any) -> None:
        rows = [
            {
                "name": user.get_username(),
                "active": user.is_active,
                "organisations": {one.slug: role for one, role in organisations_of(user)},
                "projects": dict(Membership.objects.filter(user=user).values_list("project__slug", "role")),
                "last_login": utc_text_if(user.last_login),
            }
            for user in User.objects.order_by("username")
        ]
        write(self.stdout, rows, json)

    def role(self, name: str, role: str, **options: Any) -> None:
        organisation, project = place(**options)
        user = find(name)
        wanted = "" if role == "none" else role
        with transaction.atomic():
            # The operator may also add somebody who was not there at all.
            if wanted and not any(one.user == user for one in members.listed(organisation)):
                members.grant(organisation, user, wanted, project)
            members.change_role(organisation, None, user.pk, wanted, project)
        recorded("member.role_changed", user, organisation, project, role)
        self.stdout.write(f"{name} is {role} in {project or organisation}.")

    def remove(self, name: str, organisation: str | None, **_: Any) -> None:
        user = find(name)
        if organisation is not None:
            left = found(organisation)
            members.remove(left, None, user.pk)
            recorded("member.removed", user, left, None)
            self.stdout.write(f"{name} is removed from {left}.")
            return
        with transaction.atomic():
            for one in Organisation.objects.all():
                if any(member.user == user for member in members.listed(one)):
                    members.remove(one, None, user.pk)
            # Kept, since histories name them; a session of an account that is not active ends with its next request.
            user.is_active = False
            user.set_unusable_password()
            user.save(update_fields=["is_active", "password"])
            LoginLink.objects.filter(user=user).delete()
        recorded("user.removed", user, None, None)
        self.stdout.write(f"{name} has no role any more and cannot log in.")

    def reset_link(self, name: str, **_: Any) -> None:
        user = find(name)
        if not user.is_active:
            raise CommandError(f"{name} was removed. `manage.py users create {name}` brings the account back.")
        recorded("user.login_link_made", user, None, None)
        self.stdout.write(login_link(user))


def where(parser: Any) -> None:
    parser.add_argument("--organisation", metavar="SLUG", help="(default: that of the project, else default)")
    parser.add_argument("--project", metavar="SLUG", help="only in this project")


def place(organisation: str | None, project: str | None, **_: Any) -> tuple[Organisation, Project | None]:
    """Where a role counts. Raises: CommandError."""
    if project is None:
        return found(organisation or "default"), None
    one = Project.objects.select_related("organisation").filter(slug=project).first()
    if one is None or organisation not in (None, one.organisation.slug):
        known = ", ".join(Project.objects.order_by("slug").values_list("slug", flat=True)) or "none"
        raise CommandError(f"There is no project {project!r} there. Projects: {known}.")
    return one.organisation, one


def found(slug: str) -> Organisation:
    """Raises: CommandError."""
    one = Organisation.objects.filter(slug=slug).first()
    if one is None:
        known = ", ".join(Organisation.objects.order_by("slug").values_list("slug", flat=True))
        raise CommandError(f"There is no organisation {slug!r}. Organisations: {known or 'none; run bootstrap'}.")
    return one


def find(name: str) -> User:
    """Raises: CommandError."""
    user = User.objects.filter(username=name).first()
    if user is None:
        raise CommandError(f"There is no user {name!r}. `manage.py users list` shows all.")
    return user


def login_link(user: User) -> str:
    return f"{settings.PUBLIC_URL}/login/link/{make_login_link(user)}/"


def recorded(
    action: str, user: User, organisation: Organisation | None, project: Project | None, role: str = ""
) -> None:
    audit.record(
        action, organisation=organisation.slug if organisation else "", project=project.slug if project else "",
        subject=user.get_username(), detail={"role": role} if role else {}, actor=ACTOR,
    )  # fmt: skip
