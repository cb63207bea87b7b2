"""`manage.py doctor`: what is wrong with this installation, and how to mend it."""

from __future__ import annotations

import json
from argparse import RawDescriptionHelpFormatter
from dataclasses import asdict
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from tracestore.doctor import check, machine, services
from tracestore.doctor.check import Check, Result


class Command(BaseCommand):
    help = """Checks this installation one thing after the other and says how to mend what is not well. Changes nothing.
Exit code 0: nothing is bad (warnings are allowed, unless --strict). 1: something is.

Examples:
  manage.py doctor
  manage.py doctor --json
  manage.py doctor --strict
  manage.py doctor --ingest http://ingest:4318 --web http://web:8000     where they run on other machines"""

    requires_system_checks: list[str] = []  # noqa: RUF012 (Django's own declaration)

    def create_parser(self, *args: Any, **kwargs: Any) -> CommandParser:
        return super().create_parser(*args, formatter_class=RawDescriptionHelpFormatter, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        values = settings.ENVIRONMENT
        web, ingest = (machine.address(values.bind, port) for port in (values.web_port, values.otlp_http_port))
        parser.add_argument("--web", default=web, help="default: %(default)s")
        parser.add_argument("--ingest", default=ingest, help="default: %(default)s")
        parser.add_argument("--strict", action="store_true", help="exit code 1 for warnings too")
        parser.add_argument("--json", action="store_true", help="one JSON object instead of lines")

    def handle(self, *args: Any, **options: Any) -> None:
        for name in ("web", "ingest"):
            if urlsplit(options[name]).scheme not in ("http", "https"):
                raise CommandError(f"--{name}: expected a URL that begins with http:// or https://.")
        results = check.run(checks(options["web"].rstrip("/"), options["ingest"].rstrip("/")))
        wrong = ("bad", "warn") if options["strict"] else ("bad",)
        failed = any(result.state in wrong for result in results)
        if options["json"]:
            self.stdout.write(
                json.dumps({"ok": not failed, "checks": [asdict(result) for result in results]}, indent=1)
            )
        else:
            self.tell(results)
        if failed:
            raise SystemExit(1)

    def tell(self, results: list[Result]) -> None:
        for result in results:
            self.stdout.write(f"{result.state:<5}{result.name:<17}{result.said}")
            if result.mend:
                self.stdout.write(f"{'':<22}{result.mend}")
        counted = {state: sum(result.state == state for result in results) for state in ("ok", "warn", "bad")}
        self.stdout.write(", ".join(f"{number} {state}" for state, number in counted.items()))


def checks(web: str, ingest: str) -> list[Check]:
    """All of them, in the order in which one thing needs another."""
    values = settings.ENVIRONMENT
    running = machine.running_pid(values.data_dir) is not None
    found = [
        Check("environment", partial(machine.environment, values)),
        Check("data directory", partial(machine.data_directory, values.data_dir)),
        Check("secrets", partial(machine.secret_file, values.data_dir)),
        Check("processes", partial(machine.processes, values)),
        Check("ports", partial(machine.ports, values, running=running)),
        Check("metadata schema", services.metadata_schema),
    ]
    if running or not values.embedded:
        found += [
            Check("store", services.store),
            Check("store schema", services.store_schema),
            Check("clock", services.clock),
            Check("disk forecast", services.disk),
            Check("ingest", partial(machine.ready, ingest)),
            Check("web", partial(machine.ready, web)),
            Check("broker", services.broker),
            Check("worker", services.worker),
            Check("retention", services.retention),
            Check("public URL", partial(machine.public_url, values)),
        ]
    return [*found, Check("channels", services.channels), Check("mail", partial(services.smtp, values.smtp_url))]
