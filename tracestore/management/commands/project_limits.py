"""`manage.py project_limits`: shows and sets how much each project may send."""

from __future__ import annotations

from argparse import ArgumentTypeError, RawDescriptionHelpFormatter
from collections.abc import Callable
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from tracestore import audit, project_limits
from tracestore.books import REFRESH_SECONDS
from tracestore.errors import InvalidInput, TracestoreError
from tracestore.models import Project
from tracestore.rates import BURST_SECONDS, NAMES, written

HELP = {
    "spans_per_second": "spans and log records a second, sustained",
    "burst": f"how many may come at once after a pause (none: those of {BURST_SECONDS} seconds)",
    "bytes_per_second": "bytes of request bodies a second, after decompression",
}


def limit(name: str) -> Callable[[str], int | None]:
    def read(text: str) -> int | None:
        try:
            return written(name, text)
        except InvalidInput as error:
            raise ArgumentTypeError(error.message) from None

    return read


ACTOR: Final = audit.Actor("manage.py project_limits", "command")


class Command(BaseCommand):
    help = f"""Shows and sets how much each project may send. Limits that are not named stay as they are.

Who sends more is told to try again in a few seconds. Ingest follows a change within {REFRESH_SECONDS:.0f} s; each of
several ingest processes holds its share.

Examples:
  manage.py project_limits
  manage.py project_limits shop
  manage.py project_limits shop --spans-per-second 2000 --burst 20000
  manage.py project_limits shop --bytes-per-second 5000000
  manage.py project_limits shop --spans-per-second none --bytes-per-second none"""

    def create_parser(self, *args: Any, **kwargs: Any) -> CommandParser:
        return super().create_parser(*args, formatter_class=RawDescriptionHelpFormatter, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("project", nargs="?", help="slug of the project (default: show all)")
        for name, text in HELP.items():
            flag = "--" + name.replace("_", "-")
            parser.add_argument(flag, type=limit(name), default=..., metavar="N|none", help=text)

    def handle(self, *args: Any, **options: Any) -> None:
        known = list(Project.objects.order_by("slug").values_list("slug", flat=True))
        project = options["project"]
        if project is not None and project not in known:
            raise CommandError(f"There is no project {project!r}. Projects: {', '.join(known) or 'none'}.")
        sent = {name: options[name] for name in NAMES if options[name] is not ...}
        if sent:
            if project is None:
                raise CommandError(f"Name the project whose limits to change. Projects: {', '.join(known) or 'none'}.")
            try:
                with transaction.atomic():
                    project_limits.change(project, sent)
                    audit.record(
                        "limits.changed", project=project, detail={"fields": sorted(sent), **sent}, actor=ACTOR
                    )
            except TracestoreError as error:
                raise CommandError(error.message) from error
        shown = known if project is None else [project]
        width = max((len(slug) for slug in shown), default=0)
        for slug in shown:
            rates = project_limits.of(slug)
            limits = "  ".join(f"{name}={number(getattr(rates, name))}" for name in NAMES)
            self.stdout.write(f"{slug:{width}}  {limits}")


def number(value: int | None) -> str:
    return "none" if value is None else str(value)
