"""`manage.py backtest`: what a detector would have said of the past with other settings."""

from __future__ import annotations

from argparse import RawDescriptionHelpFormatter
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from tracestore import detector_settings, replay
from tracestore.detectors import configured
from tracestore.errors import TracestoreError
from tracestore.moments import parse_time
from tracestore.replay import Past, Progress


class Command(BaseCommand):
    help = """Tells what a detector would have said of stored runs with these settings. Stores nothing.

Examples:
  manage.py backtest loop --since 7d
  manage.py backtest loop --since 7d --set again=4 window=20"""

    def create_parser(self, *args: Any, **kwargs: Any) -> CommandParser:
        return super().create_parser(*args, formatter_class=RawDescriptionHelpFormatter, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("detector", help="id of the detector")
        parser.add_argument("--set", dest="values", nargs="*", default=[], metavar="name=value")
        parser.add_argument("--project", default="default", help="slug of the project (default: default)")
        parser.add_argument("--since", default="7d", help="runs that began at or after (default: 7d)")
        parser.add_argument("--until", default="now", help="runs that began before (default: now)")
        parser.add_argument("--agent", default="", help="runs of this agent alone")

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        try:
            detectors = detector_settings.parts(options["detector"])
            values: dict[str, Any] = {}
            for text in options["values"]:
                name = text.partition("=")[0]
                part = next((one for one in detectors if hasattr(one.defaults, name)), detectors[0])
                values |= configured.from_text(part.defaults, text)
            past = Past(
                options["project"],
                parse_time(options["since"], "since", now=now),
                parse_time(options["until"], "until", now=now),
                options["agent"],
            )
            progress = Progress(0, 0, replay.Outcome(detectors[0].id))
            for progress in replay.backtest(past, detectors, values):
                if options["verbosity"] > 1:
                    self.stderr.write(f"{progress.seen:,} of {progress.total:,}")
        except TracestoreError as error:
            raise CommandError(error.message) from error
        outcome = progress.outcome
        self.stdout.write(
            f"{outcome.detector} {outcome.sentence(past)} ({progress.seen:,} of {progress.total:,} looked at)"
        )
        if outcome.cut:
            self.stdout.write(f"There are more runs: the first {progress.total:,} were looked at.")
        if outcome.failures:
            self.stdout.write(f"It failed {outcome.failures} times, the last time with {outcome.failure}")
        for one in outcome.findings:
            where = one["trace_id"] or "(over time)"
            line = f"  {one['first_seen'][:19]}  {one['severity']:8}  {where}  {one['agent']}: {one['title']}"
            self.stdout.write(line + (f"  ${one['wasted_cost_usd']:.2f}" if one["wasted_cost_usd"] else ""))
        if outcome.fired > len(outcome.findings):
            self.stdout.write(f"  … and {outcome.fired - len(outcome.findings):,} more")
