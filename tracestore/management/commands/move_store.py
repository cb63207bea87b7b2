"""`manage.py move_store`: from one machine to servers."""

from __future__ import annotations

import time
from argparse import RawDescriptionHelpFormatter
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from tracestore import secrets
from tracestore.errors import TracestoreError
from tracestore.moving.move import Move


class Command(BaseCommand):
    help = """Copies an installation that runs its own ClickHouse engine to a ClickHouse server, and its metadata to
PostgreSQL, and compares both sides: the rows of every partition with a digest of their values, and every row of
the metadata. Stop `manage.py up` first. The source stays as it is. The servers must be empty; a move that was cut off
goes on with --resume, from the partition that it was at.

Examples:
  manage.py move_store --to-clickhouse http://tracestore:PASSWORD@ch:8123 --dry-run
  manage.py move_store --to-clickhouse http://tracestore:PASSWORD@ch:8123 \\
      --to-database postgresql://tracestore:PASSWORD@pg/tracestore
  manage.py move_store ... --resume         after it was cut off"""

    requires_system_checks: list[str] = []  # noqa: RUF012 (Django's own declaration)

    def create_parser(self, *args: Any, **kwargs: Any) -> CommandParser:
        return super().create_parser(*args, formatter_class=RawDescriptionHelpFormatter, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--to-clickhouse", required=True, metavar="URL", help="http(s)://user:password@host:port")
        parser.add_argument("--to-database", metavar="URL", help="postgresql://user:password@host/name")
        parser.add_argument("--dry-run", action="store_true", help="say what would be copied, change nothing")
        parser.add_argument("--resume", action="store_true", help="go on with a move that was cut off")

    def handle(self, *args: Any, **options: Any) -> None:
        began = time.monotonic()
        move = Move(options["to_clickhouse"], options["to_database"], options["resume"], options["dry_run"])
        try:
            move.run(self.say)
        except TracestoreError as error:
            raise CommandError(error.message) from error
        except (OSError, DatabaseError) as error:
            raise CommandError(f"The move stopped: {error}") from error
        if options["dry_run"]:
            return
        self.say(f"Moved, and compared, in {time.monotonic() - began:.1f} s. Now set, for every process:")
        key = "the same" if settings.ENVIRONMENT.secret_key else f"secret_key in {settings.DATA_DIR / secrets.FILE}"
        self.say("  TRACESTORE_CLICKHOUSE_URL   the address given here")
        if options["to_database"]:
            self.say("  TRACESTORE_DATABASE_URL     the address given here")
        self.say("  TRACESTORE_BROKER_URL       redis://HOST:6379/0, for more than one machine")
        self.say(f"  TRACESTORE_SECRET_KEY       {key}: without it no key and no login works")

    def say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
