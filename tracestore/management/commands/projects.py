"""`manage.py projects`: projects and the organisations they belong to, for the operator; deleting both."""

from __future__ import annotations

from argparse import RawDescriptionHelpFormatter
from json import dumps
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from tracestore import audit, project_deletion_work
from tracestore.clickhouse import deleting_projects
from tracestore.errors import TracestoreError
from tracestore.management.commands.users import find, found
from tracestore.management.tables import add_json_option, write
from tracestore.models import Project, ProjectDeletion
from tracestore.moments import utc_text
from tracestore.organisations import leaving, organisations, projects

ACTOR = audit.Actor("manage.py projects", "command")


def project_of(slug: str) -> Project:
    """Raises: CommandError, if there is none, or it is closed."""
    one = Project.objects.select_related("organisation").filter(slug=slug).first()
    if one is None:
        known = ", ".join(Project.objects.order_by("slug").values_list("slug", flat=True)) or "none"
        raise CommandError(f"There is no project {slug!r}. Projects: {known}.")
    return one


class Command(BaseCommand):
    help = """Makes, lists, renames and deletes projects, and makes and deletes organisations for them.

A deleted project is closed at once and its data go after seven days; until then it can be restored. With --now they go
before the command ends: exit code 0 when nothing is left.

Examples:
  manage.py projects create shop-staging
  manage.py projects create shop-staging --name "Shop, staging" --organisation acme
  manage.py projects list
  manage.py projects list --json
  manage.py projects rename shop-staging "Shop (staging)"
  manage.py projects delete shop-staging               says what it would be
  manage.py projects delete shop-staging --yes
  manage.py projects delete shop-staging --yes --now --json
  manage.py projects restore shop-staging
  manage.py projects delete-organisation acme --yes    one that has no projects left
  manage.py projects organisation acme --name "Acme" --owner ada     people of one see nothing of another"""

    def create_parser(self, *args: Any, **kwargs: Any) -> CommandParser:
        return super().create_parser(*args, formatter_class=RawDescriptionHelpFormatter, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        create = actions.add_parser("create", help="make a project, with the shipped alert rules")
        create.add_argument("slug", help="lower-case letters, digits and hyphens; never changes")
        create.add_argument("--name", help="as people see it (default: the slug)")
        create.add_argument("--organisation", metavar="SLUG", default="default", help="(default: default)")
        shown = actions.add_parser("list", help="all projects")
        add_json_option(shown)
        rename = actions.add_parser("rename", help="give a project another name; the slug stays")
        rename.add_argument("slug")
        rename.add_argument("name")
        delete = actions.add_parser("delete", help="close a project, to be deleted with all its data")
        delete.add_argument("slug")
        delete.add_argument("--yes", action="store_true", help="do it; else only say what it would be")
        delete.add_argument("--now", action="store_true", help="delete the data now: it cannot be taken back")
        add_json_option(delete)
        restore = actions.add_parser("restore", help="bring a project back that is to be deleted")
        restore.add_argument("slug")
        gone = actions.add_parser("delete-organisation", help="delete an organisation that has no projects left")
        gone.add_argument("slug")
        gone.add_argument("--yes", action="store_true", help="do it; else only say whether it could be done")
        organisation = actions.add_parser("organisation", help="make an organisation")
        organisation.add_argument("slug")
        organisation.add_argument("--name", help="as people see it (default: the slug)")
        organisation.add_argument("--owner", required=True, metavar="USER", help="who owns it at first")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            getattr(self, options["action"].replace("-", "_"))(**options)
        except TracestoreError as error:
            raise CommandError(error.message) from error

    def create(self, slug: str, name: str | None, organisation: str, **_: Any) -> None:
        made = projects.create(found(organisation), None, name or slug, slug)
        audit.record("project.created", project=made.slug, organisation=organisation, subject=made.slug, actor=ACTOR)
        self.stdout.write(f"{made.slug} is made. A key for it: manage.py api_keys create NAME --project {made.slug}")

    def list(self, json: bool, **_: Any) -> None:
        due = {row.slug: row.due_at for row in ProjectDeletion.objects.filter(state__in=("scheduled", "deleting"))}
        rows = [
            {
                "slug": one.slug,
                "name": one.name,
                "organisation": one.organisation.slug,
                "keys": sum(key.state == "active" for key in one.api_keys.all()),
                "to_be_deleted_at": utc_text(due[one.slug]) if one.slug in due else "",
                "created_at": utc_text(one.created_at),
            }
            for one in Project.every.select_related("organisation").prefetch_related("api_keys").order_by("slug")
        ]
        write(self.stdout, rows, json)

    def rename(self, slug: str, name: str, **_: Any) -> None:
        one = project_of(slug)
        projects.rename(one, name)
        audit.record("project.renamed", project=slug, organisation=one.organisation.slug, subject=name, actor=ACTOR)
        self.stdout.write(f"{slug} is called {one.name}.")

    def delete(self, slug: str, yes: bool, now: bool, json: bool, **_: Any) -> None:
        row = ProjectDeletion.objects.filter(slug=slug, state__in=("scheduled", "deleting")).first() if now else None
        if row is None:
            one = project_of(slug)
            leaving.check(one, None)
            if not yes:
                self.tell(json, slug=slug, name=one.name, rows=deleting_projects.counts(slug))
                return
            row = leaving.delete(one, None, ACTOR.name)
            audit.record("project.deletion_ordered", project=slug, organisation=one.organisation.slug, subject=slug,
                         actor=ACTOR)  # fmt: skip
        elif not yes:
            self.tell(json, slug=slug, name=row.name, rows=deleting_projects.counts(slug))
            return
        if now:
            leaving.hasten(row)
            row.refresh_from_db()
            if not json:
                self.stdout.write(f"Waiting until the last senders to {slug} are refused, and until it is gone.")
            row = project_deletion_work.TURNS.perform(row)
        self.tell(
            json, slug=slug, name=row.name, state=row.state, due_at=utc_text(row.due_at), before=row.before,
            left=row.left,
        )  # fmt: skip

    def tell(self, as_json: bool, **said: Any) -> None:
        if as_json:
            self.stdout.write(dumps(said))
            return
        for table, rows in said.get("rows", said.get("before", {})).items():
            left = f" {said['left'].get(table, 0):>8,} left" if said.get("left") else ""
            self.stdout.write(f"{table:32} {rows:>12,}{left}")
        if "rows" in said:
            self.stdout.write(f"{said['name']} would be closed at once. Add --yes to delete it after 7 days.")
        elif said["state"] == "done":
            self.stdout.write(f"{said['slug']} is deleted.")
        else:
            slug = said["slug"]
            self.stdout.write(f"{slug} is closed, and will be deleted on {said['due_at']}.")
            self.stdout.write(f"Until then: manage.py projects restore {slug}")

    def restore(self, slug: str, **_: Any) -> None:
        project = leaving.restore(leaving.find(None, slug), None)
        organisation = project.organisation.slug
        audit.record("project.restored", project=slug, organisation=organisation, subject=slug, actor=ACTOR)
        self.stdout.write(f"{slug} is back as it was. SQL users of it are to be made again: manage.py sql_readers.")

    def delete_organisation(self, slug: str, yes: bool, **_: Any) -> None:
        one = found(slug)
        if not yes:
            organisations.check_empty(one)
            self.stdout.write(f"{one.name} has no projects. Add --yes to delete it.")
            return
        organisations.delete(one, None)
        audit.record("organisation.deleted", organisation=slug, subject=slug, actor=ACTOR)
        self.stdout.write(f"{slug} is deleted. Accounts and the audit log stay.")

    def organisation(self, slug: str, name: str | None, owner: str, **_: Any) -> None:
        made = organisations.create(None, name or slug, slug, find(owner))
        audit.record("organisation.created", organisation=made.slug, subject=made.slug, actor=ACTOR)
        self.stdout.write(f"{made.slug} is made, and {owner} owns it.")
