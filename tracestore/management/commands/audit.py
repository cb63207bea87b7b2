"""`manage.py audit`: reads the audit log of the whole installation, or writes it into a file."""

from __future__ import annotations

import sys
from argparse import RawDescriptionHelpFormatter
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser

from tracestore import audit
from tracestore.audit import reading
from tracestore.audit.reading import Wanted
from tracestore.errors import InvalidInput
from tracestore.moments import parse_time, utc_text

#: Entries that `list` shows unless said otherwise.
SHOWN: Final = 50
#: Who exports, as the log says it.
ACTOR: Final = audit.Actor("manage.py audit", "command")


class Command(BaseCommand):
    help = """Shows the audit log, the latest last, or writes all of it into a file. docs/audit.md says what stands
in it. Entries cannot be changed or deleted.

Examples:
  manage.py audit list
  manage.py audit list --action key --actor ada --since 7d
  manage.py audit list --project shop --limit 500
  manage.py audit export --since 30d > audit.jsonl
  manage.py audit export --since 2026-01-01 --until 2026-02-01 --format csv --output january.csv"""

    def create_parser(self, *args: Any, **kwargs: Any) -> CommandParser:
        return super().create_parser(*args, formatter_class=RawDescriptionHelpFormatter, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        what = parser.add_subparsers(dest="what", required=True, metavar="list|export")
        listing = what.add_parser("list", help="show the latest entries")
        listing.add_argument("--limit", type=int, default=SHOWN, help=f"how many (default: {SHOWN})")
        export = what.add_parser("export", help="write all entries, the oldest first")
        export.add_argument("--format", choices=list(reading.FORMATS), default="jsonl", help="default: jsonl")
        export.add_argument("--output", metavar="FILE", help="write to FILE instead of printing")
        for one in (listing, export):
            one.add_argument("--project", default="", help="slug of a project (default: everything)")
            one.add_argument("--organisation", default="", help="slug of an organisation")
            one.add_argument("--action", default="", help="a word such as key.created, or key for all of keys")
            one.add_argument("--actor", default="", help="who did it")
            one.add_argument("--subject", default="", help="a part of what it was done to")
            one.add_argument("--since", metavar="TIME", help="at or after: 24h, 7d, 2026-01-31")
            one.add_argument("--until", metavar="TIME", help="before")

    def handle(self, *args: Any, **options: Any) -> None:
        texts = ("project", "organisation", "action", "actor", "subject")
        wishes: dict[str, Any] = {name: options[name] for name in texts}
        try:
            for name in ("since", "until"):
                wishes[name] = parse_time(options[name], name) if options[name] else None
            wanted = Wanted(**wishes)
            if options["what"] == "list":
                self.list(wanted, options["limit"])
            else:
                self.export(wanted, options)
        except InvalidInput as error:
            raise CommandError(error.message) from error

    def list(self, wanted: Wanted, limit: int) -> None:
        if limit < 1:
            raise InvalidInput("--limit: expected 1 or more.", field="limit")
        for one in reversed(reading.page(wanted, limit=limit).results):
            where = one.project or one.organisation or "-"
            said = " ".join(f"{name}={value}" for name, value in one.detail.items())
            line = f"{utc_text(one.at)[:19]}Z  {where}  {one.action}  {one.actor}  {one.subject or '-'}  {said}"
            # What agents and senders wrote may hold escape sequences of terminals.
            self.stdout.write("".join(letter if letter.isprintable() else "�" for letter in line).rstrip())

    def export(self, wanted: Wanted, options: dict[str, Any]) -> None:
        pieces = reading.file(wanted, options["format"])
        kept = ("action", "actor", "subject", "since", "until", "format")
        audit.record(
            "audit.exported", project=wanted.project, organisation=wanted.organisation,
            detail={name: options[name] for name in kept if options[name]}, actor=ACTOR,
        )  # fmt: skip
        if options["output"]:
            with Path(options["output"]).open("wb") as file:
                file.writelines(pieces)
            return
        for piece in pieces:
            self.stdout.write(piece.decode(), ending="")
        sys.stdout.flush()
