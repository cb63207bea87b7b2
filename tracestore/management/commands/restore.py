"""`manage.py restore`: a backup, put back into an empty installation."""

from __future__ import annotations

import time
from argparse import RawDescriptionHelpFormatter
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from tracestore import audit
from tracestore.backup import manifest, restoring
from tracestore.errors import TracestoreError

ACTOR: Final = audit.Actor("manage.py restore", "command")


class Command(BaseCommand):
    help = """Puts what `manage.py backup` wrote into an installation that holds nothing yet, and compares the numbers
of rows, projects and users with those of the backup. Refuses a data directory that is not empty, a damaged backup,
and one of a newer version. Start with `manage.py up` afterwards, which also migrates an older backup.

Examples:
  TRACESTORE_DATA_DIR=/srv/tracestore manage.py restore /backups/tracestore-monday
  TRACESTORE_DATA_DIR=/srv/tracestore manage.py restore /backups/tracestore-monday.tar"""

    requires_system_checks: list[str] = []  # noqa: RUF012 (Django's own declaration)

    def create_parser(self, *args: Any, **kwargs: Any) -> CommandParser:
        return super().create_parser(*args, formatter_class=RawDescriptionHelpFormatter, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("source", type=Path, metavar="DIR_OR_FILE", help="what `manage.py backup` wrote")

    def handle(self, *args: Any, **options: Any) -> None:
        began = time.monotonic()
        try:
            found = restoring.restore(options["source"].absolute(), self.stdout.write)
        except TracestoreError as error:
            raise CommandError(error.message) from error
        except (OSError, DatabaseError) as error:
            raise CommandError(f"Nothing was restored: {error}") from error
        try:
            audit.record("backup.restored", subject=options["source"].name, actor=ACTOR)
        except DatabaseError:
            self.stdout.write("The audit log has no entry of this: the backup is of a version that had no such log.")
        self.stdout.write(f"Restored into {settings.DATA_DIR} after {time.monotonic() - began:.1f} s.")
        set_key = settings.ENVIRONMENT.secret_key
        if set_key is not None and manifest.fingerprint(set_key) != found.key_fingerprint:
            self.stdout.write("TRACESTORE_SECRET_KEY is another one than when the backup was made: no key will work.")
