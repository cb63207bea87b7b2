"""`manage.py detect`: runs detectors over stored runs and keeps what they find."""

from __future__ import annotations

from argparse import RawDescriptionHelpFormatter
from collections import Counter
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from tracestore import audit, detector_settings, replay
from tracestore.errors import TracestoreError
from tracestore.moments import parse_time
from tracestore.replay import Past

ACTOR: Final = audit.Actor("manage.py detect", "command")


class Command(BaseCommand):
    help = """Runs detectors over the past and stores what they find, with the settings of now.

For runs from before an upgrade brought a detector, and for those of a long absence of the worker. May be
run again at any time: a finding that is said again is the same finding, one that is not is taken back.

Examples:
  manage.py detect --since 7d
  manage.py detect --since 2026-11-01 --until 2026-11-08 --agent planner --detector loop"""

    def create_parser(self, *args: Any, **kwargs: Any) -> CommandParser:
        return super().create_parser(*args, formatter_class=RawDescriptionHelpFormatter, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--project", default="default", help="slug of the project (default: default)")
        parser.add_argument("--since", required=True, help="runs that began at or after: 7d, 2026-11-01")
        parser.add_argument("--until", default="now", help="runs that began before (default: now)")
        parser.add_argument("--agent", default="", help="runs of this agent alone")
        parser.add_argument("--detector", default="", help="this detector alone")

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        try:
            past = Past(
                options["project"],
                parse_time(options["since"], "since", now=now),
                parse_time(options["until"], "until", now=now),
                options["agent"],
            )
            wanted = options["detector"]
            detectors = detector_settings.parts(wanted) if wanted else list(detector_settings.every())
            found: Counter[str] = Counter()
            audit.record("detection.repeated", project=past.project, subject=wanted or "", actor=ACTOR)
            for part in replay.fill_in(past, detectors):
                found.update({one.identity(past.project): 1 for one in part.findings})
        except TracestoreError as error:
            raise CommandError(error.message) from error
        by = "1 detector" if len(detectors) == 1 else f"{len(detectors)} detectors"
        self.stdout.write(f"{past.project}: {len(found):,} findings by {by}")
