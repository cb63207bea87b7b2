"""`manage.py projects`: projects and the organisations they belong to, for the operator."""

from __future__ import annotations

from argparse import RawDescriptionHelpFormatter
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from tracestore import audit
from tracestore.errors import TracestoreError
from tracestore.management.commands.users import find, found
from tracestore.management.tables import add_json_option, write
from tracestore.models import Project
from tracestore.moments import utc_text
from tracestore.organisations import organisations, projects

ACTOR = audit.Actor("manage.py projects", "command")


class Command(BaseCommand):
    help = """Makes, lists and renames projects, and makes organisations for them.

Examples:
  manage.py projects create shop-staging
  manage.py projects create shop-staging --name "Shop, staging" --organisation acme
  manage.py projects list
  manage.py projects list --json
  manage.py projects rename shop-staging "Shop (staging)"
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
        organisation = actions.add_parser("organisation", help="make an organisation")
        organisation.add_argument("slug")
        organisation.add_argument("--name", help="as people see it (default: the slug)")
        organisation.add_argument("--owner", required=True, metavar="USER", help="who owns it at first")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            getattr(self, options["action"])(**options)
        except TracestoreError as error:
            raise CommandError(error.message) from error

    def create(self, slug: str, name: str | None, organisation: str, **_: Any) -> None:
        made = projects.create(found(organisation), None, name or slug, slug)
        audit.record("project.created", project=made.slug, organisation=organisation, subject=made.slug, actor=ACTOR)
        self.stdout.write(f"{made.slug} is made. A key for it: manage.py api_keys create NAME --project {made.slug}")

    def list(self, json: bool, **_: Any) -> None:
        rows = [
            {
                "slug": one.slug,
                "name": one.name,
                "organisation": one.organisation.slug,
                "keys": sum(key.state == "active" for key in one.api_keys.all()),
                "created_at": utc_text(one.created_at),
            }
            for one in Project.objects.select_related("organisation").prefetch_related("api_keys").order_by("slug")
        ]
        write(self.stdout, rows, json)

    def rename(self, slug: str, name: str, **_: Any) -> None:
        one = Project.objects.select_related("organisation").filter(slug=slug).first()
        if one is None:
            known = ", ".join(Project.objects.order_by("slug").values_list("slug", flat=True)) or "none"
            raise CommandError(f"There is no project {slug!r}. Projects: {known}.")
        projects.rename(one, name)
        audit.record("project.renamed", project=slug, organisation=one.organisation.slug, subject=name, actor=ACTOR)
        self.stdout.write(f"{slug} is called {one.name}.")

    def organisation(self, slug: str, name: str | None, owner: str, **_: Any) -> None:
        made = organisations.create(None, name or slug, slug, find(owner))
        audit.record("organisation.created", organisation=made.slug, subject=made.slug, actor=ACTOR)
        self.stdout.write(f"{made.slug} is made, and {owner} owns it.")
