"""`manage.py verify_store`: does the store give back what it was given?"""

from __future__ import annotations

import json
import secrets
import time
from argparse import RawDescriptionHelpFormatter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from tracestore import keys
from tracestore.environment import reachable, url_host
from tracestore.errors import InvalidInput
from tracestore.models import ApiKey, Project
from tracestore.moments import parse_time
from tracestore.verification.checks import KINDS
from tracestore.verification.cycles import Outcome, Verification
from tracestore.verification.front_door import FrontDoor
from tracestore.verification.traces import SERVICE, SentTrace, tell

MOST_CYCLES: Final = 1000
MOST_TRACES: Final = 20


class Command(BaseCommand):
    help = f"""Writes a few traces through the front door (OTLP/HTTP with a key), waits, and reads them back by every
way: by id, in the list, by a word, by fields, by SQL as `reader`. Spans, errors, tokens and costs must be what
was sent, though one request of each cycle is sent twice. Everything it writes has the service {SERVICE}.
Exit code 0: all is right. 1: something is wrong, and the table names its kind.

The traces follow from --seed and --at alone: what was written once can be read and compared at any later time,
after an upgrade or a restore, with --read-only.

Examples:
  manage.py verify_store
  manage.py verify_store --project shop --cycles 10 --interval 30
  manage.py verify_store --json --timeout 60              as a check of a pipeline or a cron job
  manage.py verify_store --seed 7 --at 2026-11-26T12:00:00Z
  manage.py verify_store --seed 7 --at 2026-11-26T12:00:00Z --read-only"""

    requires_system_checks: list[str] = []  # noqa: RUF012 (Django's own declaration)

    def create_parser(self, *args: Any, **kwargs: Any) -> CommandParser:
        return super().create_parser(*args, formatter_class=RawDescriptionHelpFormatter, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        environment = settings.ENVIRONMENT
        host = f"http://{url_host(reachable(environment.bind))}"
        parser.add_argument("--project", default="default", help="slug of the project to write to (default: default)")
        parser.add_argument("--cycles", type=int, default=1, help="how often to write and read (default: 1)")
        parser.add_argument("--traces", type=int, default=3, help=f"traces a cycle, at most {MOST_TRACES} (default: 3)")
        parser.add_argument("--interval", type=float, default=0.0, help="seconds between cycles (default: 0)")
        parser.add_argument("--timeout", type=float, default=30.0, help="seconds to wait for a cycle (default: 30)")
        parser.add_argument("--seed", type=int, help="a number to make the traces from (default: a random one)")
        parser.add_argument("--at", default="", help="when the traces end, such as 2026-11-26T12:00:00Z (default: now)")
        parser.add_argument("--read-only", action="store_true", help="write nothing: read what --seed and --at wrote")
        parser.add_argument("--otlp", default=f"{host}:{environment.otlp_http_port}", help="default: %(default)s")
        parser.add_argument("--web", default=f"http://{environment.web_address}", help="default: %(default)s")
        parser.add_argument("--sql", default=sql_url(), help="default: %(default)s")
        parser.add_argument(
            "--key",
            default="",
            help="a key with ingest and read; without it one is made, and deleted at the end",
        )
        parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")

    def handle(self, *args: Any, **options: Any) -> None:
        check(options)
        seed = options["seed"] if options["seed"] is not None else secrets.randbelow(1_000_000)
        try:
            at = parse_time(options["at"], "at") if options["at"] else None
        except InvalidInput as error:
            raise CommandError(f"--at: {error.message}") from error
        at_ns = round(at.timestamp()) * 10**9 if at else int(time.time()) * 10**9
        cycle_ns = int(max(options["interval"], 1.0) * 1e9)

        def written(cycle: int) -> list[SentTrace]:
            if cycle and not options["read_only"]:
                time.sleep(options["interval"])
            return [tell(seed, at_ns + cycle * cycle_ns, number) for number in range(options["traces"])]

        with key(options["project"], options["key"], options) as opened:
            door = FrontDoor(
                options["otlp"].rstrip("/"), options["web"].rstrip("/"), options["sql"].rstrip("/"),
                options["project"], opened, "reader", settings.SECRETS.sql_password,
            )  # fmt: skip
            verification = Verification(door, options["timeout"], (lambda line: None) if options["json"] else self.say)
            if options["read_only"]:
                traces = [trace for cycle in range(options["cycles"]) for trace in written(cycle)]
                outcome = verification.again(traces)
            else:
                outcome = verification.cycles(written, options["cycles"])
        said = datetime.fromtimestamp(at_ns // 10**9, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        if options["json"]:
            self.say(json.dumps(as_json(outcome, seed, said), indent=1))
        else:
            self.table(outcome)
            self.say(f"Read them again with --seed {seed} --at {said} --read-only and the same other options.")
        if outcome.failures:
            raise SystemExit(1)

    def table(self, outcome: Outcome) -> None:
        self.say("")
        for kind, number in outcome.by_kind().items():
            self.say(f"  {kind:<27}{number or 'none':>5}" + (f"   {KINDS[kind]}" if number else ""))
        for failure in outcome.failures[:10]:
            self.say(f"  {failure.trace_id} {failure.kind}: {failure.detail}")
        if len(outcome.failures) > 10:
            self.say(f"  and {len(outcome.failures) - 10} more")
        wrote = f"{outcome.traces} traces with {outcome.spans} spans written. " if outcome.traces else ""
        self.say(f"\n{wrote}" + ("Wrong." if outcome.failures else "All of it reads as it was sent."))

    def say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


def check(options: dict[str, Any]) -> None:
    """Raises CommandError for what cannot be used."""
    for name, least, most in (("cycles", 1, MOST_CYCLES), ("traces", 1, MOST_TRACES)):
        if not least <= options[name] <= most:
            raise CommandError(f"--{name}: expected a number from {least} to {most}.")
    if options["timeout"] <= 0 or options["interval"] < 0:
        raise CommandError("--timeout and --interval: expected seconds, none of them negative.")
    if options["read_only"] and (options["seed"] is None or not options["at"]):
        raise CommandError("--read-only needs --seed and --at of what was written.")
    for name in ("otlp", "web", "sql"):
        if urlsplit(options[name]).scheme not in ("http", "https"):
            raise CommandError(f"--{name}: expected a URL that begins with http:// or https://.")


def sql_url() -> str:
    """The door of the data team, without the login of the processes."""
    environment = settings.ENVIRONMENT
    if environment.clickhouse_url is None:
        return f"http://127.0.0.1:{environment.clickhouse_port}"
    parts = urlsplit(environment.clickhouse_url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


@contextmanager
def key(project: str, given: str, options: dict[str, Any]) -> Iterator[str]:
    """A key for the project: the one given, or one that is deleted at the end and expires if we are killed."""
    if given:
        yield given
        return
    found = Project.objects.filter(slug=project).first()
    if found is None:
        raise CommandError(f"There is no project {project!r}.")
    lasts = options["cycles"] * (options["timeout"] + options["interval"]) + options["timeout"] + 600
    made = keys.create(
        found, "verify_store", scopes=("ingest", "read"), expires_at=timezone.now() + timedelta(seconds=lasts)
    )
    try:
        yield made
    finally:
        ApiKey.objects.filter(digest=keys.digest(made)).delete()


def as_json(outcome: Outcome, seed: int, at: str) -> dict[str, Any]:
    return {
        "ok": not outcome.failures,
        "seed": seed,
        "at": at,
        "traces": outcome.traces,
        "spans": outcome.spans,
        "seconds_until_right": [round(lag, 3) for lag in outcome.lags],
        "failures": outcome.by_kind(),
        "details": [
            {"kind": failure.kind, "trace_id": failure.trace_id, "detail": failure.detail}
            for failure in outcome.failures[:100]
        ],
    }
