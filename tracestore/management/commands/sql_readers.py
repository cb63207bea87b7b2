"""`manage.py sql_readers`: SQL users who see one project."""

from __future__ import annotations

from argparse import RawDescriptionHelpFormatter
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from tracestore import audit, sql_readers
from tracestore.audit import Actor
from tracestore.clickhouse import reader_users
from tracestore.errors import TracestoreError
from tracestore.models import Project

ACTOR = Actor("sql_readers", "command")


class Command(BaseCommand):
    help = """SQL users who see one project: for a team's Grafana, notebook or ClickHouse client.
A password is shown once.

Examples:
  manage.py sql_readers create shop                    user reader_shop
  manage.py sql_readers create shop --label grafana    user reader_shop_grafana
  manage.py sql_readers list
  manage.py sql_readers rotate reader_shop             a new password; the old one ends at once
  manage.py sql_readers revoke reader_shop
  manage.py sql_readers refresh                        after an upgrade with a ClickHouse server

With a ClickHouse server (TRACESTORE_CLICKHOUSE_URL) these are users of that server, with row policies; create
--print shows the statements and runs nothing."""

    def create_parser(self, *args: Any, **kwargs: Any) -> CommandParser:
        return super().create_parser(*args, formatter_class=RawDescriptionHelpFormatter, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        create = actions.add_parser("create", help="make a user and print its password")
        create.add_argument("project", help="slug of the project it sees")
        create.add_argument("--label", default="", help="for a second user of the project: what it is for")
        create.add_argument("--print", action="store_true", dest="only_print",
                            help="with a ClickHouse server: print the statements instead of running them")  # fmt: skip
        actions.add_parser("list", help="all users who see one project")
        actions.add_parser("refresh", help="with a ClickHouse server, after an upgrade: bind and grant its new tables")
        for action, text in (("rotate", "make a new password and print it"), ("revoke", "end a user")):
            actions.add_parser(action, help=text).add_argument("user", help="as the list shows it")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            getattr(self, options["action"])(**options)
        except TracestoreError as error:
            raise CommandError(error.message) from error

    def create(self, project: str, label: str, only_print: bool, **_: Any) -> None:
        if not Project.objects.filter(slug=project).exists():
            known = ", ".join(Project.objects.values_list("slug", flat=True)) or "none; run manage.py bootstrap"
            raise CommandError(f"There is no project {project!r}. Projects: {known}.")
        if only_print:
            reader, password = sql_readers.new(project, label)
            for statement in reader_users.creation(reader):
                self.stdout.write(f"{statement};")
            self.stderr.write(f"Password of {reader.user}, not kept anywhere: {password}")
            return
        reader, password = sql_readers.create(project, label)
        audit.record("sql_reader.created", project=project, subject=reader.user, actor=ACTOR)
        self._tell(reader.user, password)

    def list(self, **_: Any) -> None:
        for reader in sql_readers.listing():
            made = f"  since {reader.made[:10]}" if reader.made else ""
            self.stdout.write(f"{reader.user}  sees {reader.project}{made}")

    def rotate(self, user: str, **_: Any) -> None:
        reader, password = sql_readers.rotate(user)
        audit.record("sql_reader.rotated", project=reader.project, subject=reader.user, actor=ACTOR)
        self._tell(reader.user, password)

    def revoke(self, user: str, **_: Any) -> None:
        reader = sql_readers.revoke(user)
        audit.record("sql_reader.revoked", project=reader.project, subject=reader.user, actor=ACTOR)
        self.stdout.write(f"{reader.user} can no longer log in.")

    def refresh(self, **_: Any) -> None:
        found = sql_readers.refresh()
        self.stdout.write(f"{len(found)} users refreshed." if found else "Nothing to do.")

    def _tell(self, user: str, password: str) -> None:
        self.stdout.write(f"user {user}\npassword {password}")
        self.stderr.write("The password is shown this once.")
