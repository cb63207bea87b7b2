"""`manage.py backup`: everything that is kept, as a folder or a file."""

from __future__ import annotations

import time
from argparse import RawDescriptionHelpFormatter
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from tracestore import audit
from tracestore.backup import taking
from tracestore.errors import TracestoreError

ACTOR: Final = audit.Actor("manage.py backup", "command")


class Command(BaseCommand):
    help = """Copies everything that is kept, while it runs or while it is stopped: spans and traces (ClickHouse's own
BACKUP), projects, users, rules and incidents, and the secrets. What was acknowledged before the copy began is in
it. It holds secrets and what agents said: keep it as safe as the data directory.

Examples:
  manage.py backup /backups/tracestore-monday          a folder
  manage.py backup /backups/tracestore-monday.tar      one file
  manage.py backup "/backups/$(date -u +%Y%m%d).tar"   from a cron job"""

    requires_system_checks: list[str] = []  # noqa: RUF012 (Django's own declaration)

    def create_parser(self, *args: Any, **kwargs: Any) -> CommandParser:
        return super().create_parser(*args, formatter_class=RawDescriptionHelpFormatter, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("target", type=Path, metavar="DIR_OR_FILE", help="a new folder, or a new file NAME.tar")

    def handle(self, *args: Any, **options: Any) -> None:
        began = time.monotonic()
        try:
            taking.take(options["target"].absolute(), self.stdout.write)
        except TracestoreError as error:
            raise CommandError(error.message) from error
        except (OSError, DatabaseError) as error:
            raise CommandError(f"No backup was made: {error}") from error
        audit.record("backup.taken", subject=options["target"].name, actor=ACTOR)
        self.stdout.write(f"{options['target']} is whole, after {time.monotonic() - began:.1f} s.")
