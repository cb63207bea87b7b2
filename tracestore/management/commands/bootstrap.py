"""`manage.py bootstrap`: the steps between an installed version and processes that can serve."""

from __future__ import annotations

import json
import os
import time
from argparse import RawDescriptionHelpFormatter
from typing import Any, Final

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from tracestore import audit, first_start, own_traces
from tracestore.clickhouse import client, migrations
from tracestore.errors import TracestoreError, Unavailable

#: How long ClickHouse and the metadata database may take to come up, as containers do.
PATIENCE = 120.0

ACTOR: Final = audit.Actor("manage.py bootstrap", "command")


class Command(BaseCommand):
    help = """Migrates the metadata database and ClickHouse to this version, and makes what a first start needs:
project "default", user "admin", the key from TRACESTORE_API_KEY. Safe to run again at any time.
`manage.py up` does this by itself; containers run it once before the others start.

Examples:
  manage.py bootstrap
  manage.py bootstrap --login-link     also print an address that logs one browser in as admin"""

    requires_system_checks: list[str] = []  # noqa: RUF012 (Django's own declaration)

    def create_parser(self, *args: Any, **kwargs: Any) -> CommandParser:
        return super().create_parser(*args, formatter_class=RawDescriptionHelpFormatter, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--login-link", action="store_true", help="make a one-time login link for admin")
        parser.add_argument("--demo-key", action="store_true", help="make a new key for the simulated fleet")
        parser.add_argument("--result", metavar="FILE", help="write link and key into FILE instead of printing them")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self.migrate_metadata()
            self.migrate_clickhouse()
            prepared = first_start.prepare(settings.ENVIRONMENT)
            own_traces.prepare()
        except (TracestoreError, DatabaseError) as error:
            raise CommandError(getattr(error, "message", None) or str(error)) from error
        if prepared.added:
            audit.record("installation.prepared", detail={"made": list(prepared.added)}, actor=ACTOR)
        self.say("first start", ", ".join(prepared.added) + " made" if prepared.added else "was done before")
        result = {
            "login_token": first_start.login_token(prepared.admin) if options["login_link"] else None,
            "demo_key": first_start.demo_key(prepared.project) if options["demo_key"] else None,
        }
        if options["result"]:
            descriptor = os.open(options["result"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w") as file:
                json.dump(result, file)
        else:
            if result["login_token"]:
                self.say("login", f"/login/link/{result['login_token']}/ (once, within 30 minutes)")
            if result["demo_key"]:
                self.say("demo key", result["demo_key"])

    def migrate_metadata(self) -> None:
        self.wait_for(connection.ensure_connection, DatabaseError)
        executor = MigrationExecutor(connection)
        pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if pending:
            call_command("migrate", interactive=False, verbosity=0)
        self.say("metadata", _count(len(pending)))

    def migrate_clickhouse(self) -> None:
        # Also the first sign that the store answers: nothing else works before there is a database.
        self.wait_for(client.create_database, Unavailable)
        pending = migrations.pending()
        for migration in pending:
            migrations.apply(migration)
        self.say("clickhouse", _count(len(pending)))

    def wait_for(self, ask: Any, not_yet: type[Exception]) -> None:
        until = time.monotonic() + PATIENCE
        while True:
            try:
                ask()
                return
            except not_yet:
                if time.monotonic() > until:
                    raise
                time.sleep(0.1)

    def say(self, name: str, what: str) -> None:
        self.stdout.write(f"{name}: {what}")
        self.stdout.flush()


def _count(migrated: int) -> str:
    if not migrated:
        return "up to date"
    return f"{migrated} migration{'s' if migrated > 1 else ''} applied"
