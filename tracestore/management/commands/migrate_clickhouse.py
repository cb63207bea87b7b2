"""`manage.py migrate_clickhouse`: brings the ClickHouse schema up to this version."""

from __future__ import annotations

from argparse import RawDescriptionHelpFormatter
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from tracestore.clickhouse import client, migrations
from tracestore.clickhouse.cluster import statements
from tracestore.clickhouse.cluster.statements import Form
from tracestore.errors import TracestoreError


class Command(BaseCommand):
    help = """Applies what is new in tracestore/clickhouse: numbered files of schema, changed files of views.

Examples:
  manage.py migrate_clickhouse            apply what is pending
  manage.py migrate_clickhouse --plan     say what would be applied
  manage.py migrate_clickhouse --check    exit with 1 if anything is pending
  manage.py migrate_clickhouse --cluster NAME --print-sql
                                          print the whole schema of a cluster; asks no server"""

    def create_parser(self, *args: Any, **kwargs: Any) -> CommandParser:
        return super().create_parser(*args, formatter_class=RawDescriptionHelpFormatter, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--plan", action="store_true", help="only list what would be applied")
        parser.add_argument("--check", action="store_true", help="exit with 1 if anything is pending")
        parser.add_argument("--print-sql", action="store_true", help="print the statements, apply nothing")
        parser.add_argument(
            "--cluster", metavar="NAME", help="with --print-sql: of a cluster of that name, from scratch"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["cluster"]:
                if not options["print_sql"]:
                    raise CommandError(
                        "--cluster goes with --print-sql. What is applied follows TRACESTORE_CLICKHOUSE_CLUSTER."
                    )
                self.print_cluster(Form(options["cluster"]))
                return
            pending = migrations.pending()
            if options["print_sql"]:
                for migration in pending:
                    self.print(migration.name, migration.statements_for(client.cluster_form()))
                return
            if options["plan"] or options["check"]:
                for migration in pending:
                    self.stdout.write(f"pending  {migration.name}")
                if not pending:
                    self.stdout.write("The ClickHouse schema is up to date.")
                if pending and options["check"]:
                    raise CommandError(f"{len(pending)} migrations are pending: run manage.py migrate_clickhouse.")
                return
            for migration in pending:
                migrations.apply(migration)
                self.stdout.write(f"applied  {migration.name}")
            if not pending:
                self.stdout.write("The ClickHouse schema is up to date.")
        except TracestoreError as error:
            raise CommandError(error.message) from error

    def print_cluster(self, form: Form) -> None:
        self.print("databases", statements.databases(form))
        for migration in (migrations.LEDGER, *migrations.known()):
            self.print(migration.name, migration.statements_for(form))

    def print(self, name: str, parts: list[str]) -> None:
        self.stdout.write(f"-- {name}\n" + ";\n\n".join(parts) + ";\n")
