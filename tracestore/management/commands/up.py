"""`manage.py up`: everything on this machine, in the foreground."""

from __future__ import annotations

import os
import sys
from argparse import RawDescriptionHelpFormatter
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from tracestore.environment import ROOT


class Command(BaseCommand):
    help = """Starts everything on this machine and keeps it running: the embedded ClickHouse engine (unless
TRACESTORE_CLICKHOUSE_URL names a server), ingest, the worker with its schedule, and the web pages.
Migrates first, prints what to do next, stops with Ctrl-C. All settings are environment variables;
.env.example lists them.

Examples:
  manage.py up                             start; the data is in var/
  manage.py up --demo                      the same, with a simulated fleet of agents that sends traces
  TRACESTORE_WEB_PORT=8080 manage.py up    on another port
  TRACESTORE_DATA_DIR=DIR manage.py up     with another installation's data"""

    requires_system_checks: list[str] = []  # noqa: RUF012 (Django's own declaration)

    def create_parser(self, *args: Any, **kwargs: Any) -> CommandParser:
        return super().create_parser(*args, formatter_class=RawDescriptionHelpFormatter, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--demo", action="store_true", help="also run a simulated fleet of agents")

    def handle(self, *args: Any, **options: Any) -> None:
        words = [sys.executable, "-m", "tracestore.supervisor", *(["--demo"] if options["demo"] else [])]
        # The supervisor takes this process's place: it must outlive the rest, so it carries no Django.
        os.environ["TRACESTORE_DATA_DIR"] = str(settings.DATA_DIR)
        os.chdir(ROOT)
        sys.stdout.flush()
        os.execv(sys.executable, words)  # noqa: S606
