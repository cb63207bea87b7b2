"""`manage.py reprice`: recalculates the cost of stored calls with the prices of now."""

from __future__ import annotations

from argparse import ArgumentTypeError, RawDescriptionHelpFormatter
from datetime import UTC, datetime
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser

from tracestore import audit
from tracestore.clickhouse.repricing import Calls
from tracestore.errors import TracestoreError
from tracestore.models import Project
from tracestore.repricing import Progress, reprice


def moment(text: str) -> datetime:
    """A date or a time in ISO 8601; without an offset it is UTC."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no time: expected 2026-01-31 or 2026-01-31T12:00:00Z") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


ACTOR: Final = audit.Actor("manage.py reprice", "command")


class Command(BaseCommand):
    help = """Recalculates cost_usd and price_source of stored model calls and embeddings.

Prices are the project's own ones and the built-in table as they are now, each valid at the time of
the call. Tokens are not touched. May be interrupted and run again at any time: what is right already
is left alone. The totals of the traces follow within seconds while a worker runs.

Examples:
  manage.py reprice --dry-run
  manage.py reprice --model 'our-llama*'
  manage.py reprice --project shop --since 2026-11-01 --until 2026-12-01"""

    def create_parser(self, *args: Any, **kwargs: Any) -> CommandParser:
        return super().create_parser(*args, formatter_class=RawDescriptionHelpFormatter, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--project", help="slug of one project (default: all)")
        parser.add_argument("--model", default="", help="a model, or a pattern with * and ? (default: all)")
        parser.add_argument("--since", type=moment, help="calls that began at or after this time")
        parser.add_argument("--until", type=moment, help="calls that began before this time")
        parser.add_argument("--dry-run", action="store_true", help="tell what would change, and change nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        known = list(Project.objects.order_by("slug").values_list("slug", flat=True))
        wanted = [options["project"]] if options["project"] else known
        if not set(wanted) <= set(known):
            raise CommandError(f"There is no project {options['project']!r}. Projects: {', '.join(known) or 'none'}.")
        for project in wanted:
            calls = Calls(project, options["model"], since=options["since"], until=options["until"])
            try:
                self.one(calls, dry_run=options["dry_run"])
            except TracestoreError as error:
                raise CommandError(f"{error.message} Run the command again to do the rest.") from error

    def one(self, calls: Calls, *, dry_run: bool) -> None:
        progress = Progress(0)
        day = ""
        if not dry_run:
            audit.record("repricing.started", project=calls.project, detail={"model": calls.model}, actor=ACTOR)
        for progress in reprice(calls, dry_run=dry_run):
            if progress.day != day:
                day = progress.day
                self.stdout.write(f"{calls.project}: {day}, {progress.seen:,} of {progress.calls:,} calls looked at")
        would = "would change" if dry_run else "changed"
        self.stdout.write(f"{calls.project}: {progress.changed:,} of {progress.calls:,} calls {would}")
        for _, one in sorted(progress.outcome.items()):
            line = (
                f"  {one.model or '(no name)'}: {one.calls:,} calls, ${one.old_cost_usd:.6f} → ${one.new_cost_usd:.6f}"
            )
            if one.newly_priced:
                line += f", {one.newly_priced:,} had no price"
            if one.newly_unpriced:
                line += f", {one.newly_unpriced:,} have none any more"
            self.stdout.write(line)
