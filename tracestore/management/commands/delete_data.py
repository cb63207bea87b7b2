"""`manage.py delete_data`: deletes all that is kept of a trace, a session or a user, and proves it."""

from __future__ import annotations

import json
import sys
from argparse import RawDescriptionHelpFormatter
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from tracestore import audit, deletion, deletion_work
from tracestore.audit import Actor
from tracestore.clickhouse import deleting
from tracestore.errors import TracestoreError
from tracestore.models import Deletion, Project


class Command(BaseCommand):
    help = """Deletes all that is kept of a trace, a session or a user. It cannot be taken back.

Without --yes it only says how much it would be. It does the work itself and ends when it is done: exit code 0
when nothing is left, 1 when something is.

Examples:
  manage.py delete_data --session chat-2041 --project shop
  manage.py delete_data --user user-7 --project shop --yes
  manage.py delete_data --trace 4bf92f3577b34da6a3ce929d0e0e4736 --yes --json"""

    def create_parser(self, *args: Any, **kwargs: Any) -> CommandParser:
        return super().create_parser(*args, formatter_class=RawDescriptionHelpFormatter, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        whose = parser.add_mutually_exclusive_group(required=True)
        for kind in Deletion.Kind.values:
            whose.add_argument(f"--{kind}", metavar="ID", help=f"all of this {kind}")
        parser.add_argument("--project", default="default", help="slug of the project (default: default)")
        parser.add_argument("--yes", action="store_true", help="delete it; else only say how much it would be")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        kind = next(kind for kind in Deletion.Kind.values if options[kind] is not None)
        try:
            subject = deletion.subject_of(options["project"], kind, options[kind])
            if not Project.objects.filter(slug=subject.project).exists():
                raise CommandError(f"There is no project {subject.project!r}.")
            if not options["yes"]:
                self._preview(subject, as_json=options["json"])
                return
            row = deletion.order(subject, "delete_data")
            audit.record("data.deletion_ordered", project=subject.project, subject=f"deletion {row.pk}",
                         actor=Actor("delete_data", "command"))  # fmt: skip
            row = deletion_work.TURNS.perform(row)
        except TracestoreError as error:
            raise CommandError(error.message) from error
        self._tell(row, as_json=options["json"])
        if row.state != Deletion.State.DONE:
            sys.exit(1)

    def _preview(self, subject: deleting.Subject, *, as_json: bool) -> None:
        found = deleting.extent(subject)
        if as_json:
            told = {"kind": subject.kind, "value": subject.value, "traces": found.traces, "spans": found.spans}
            self.stdout.write(json.dumps(told | {"more": found.more}))
            return
        more = "at least " if found.more else ""
        self.stdout.write(f"{more}{found.traces:,} traces, {found.spans:,} spans. Add --yes to delete them.")

    def _tell(self, row: Deletion, *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(
                json.dumps(
                    {"id": row.pk, "kind": row.kind, "value": row.value, "state": row.state, "message": row.message,
                     "traces": row.traces, "deleted": row.deleted, "left": row.left, "searches": row.searches}
                )
            )  # fmt: skip
            return
        for name, rows in row.deleted.items():
            self.stdout.write(f"{name:24} {rows:>10,} deleted {row.left.get(name, 0):>8,} left")
        for name in row.searches:
            self.stdout.write(f"The saved search {name} asked for it, and is gone too.")
        self.stdout.write(f"{row.state}: {row.traces:,} traces. {row.message}".rstrip())
