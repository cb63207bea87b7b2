"""`manage.py api_keys`: makes, lists, rotates and revokes the keys of senders and readers."""

from __future__ import annotations

from argparse import ArgumentTypeError, RawDescriptionHelpFormatter
from datetime import timedelta
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils import timezone

from tracestore import audit, keys
from tracestore.errors import InvalidInput
from tracestore.models import ApiKey, Project

#: Who made a key, as its list and the audit log say it.
ACTOR: Final = audit.Actor("manage.py api_keys", "command")


class Command(BaseCommand):
    help = """Makes, lists, rotates and revokes API keys. A key is shown once, when it is made.

Examples:
  manage.py api_keys create checkout-service --scopes ingest
  manage.py api_keys create notebook --scopes read sql --project shop
  manage.py api_keys create trial --expires 30d
  manage.py api_keys list
  manage.py api_keys rotate ts_a1b2c3 --overlap 24h     both keys work for a day, then only the new one
  manage.py api_keys revoke ts_a1b2c3"""

    def create_parser(self, *args: Any, **kwargs: Any) -> CommandParser:
        return super().create_parser(*args, formatter_class=RawDescriptionHelpFormatter, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        create = actions.add_parser("create", help="make a key and print it")
        create.add_argument("name", help="what the key is for")
        create.add_argument("--scopes", nargs="+", choices=keys.SCOPES, default=["ingest"], metavar="SCOPE",
                            help=f"what it may do: {', '.join(keys.SCOPES)} (default: ingest)")  # fmt: skip
        create.add_argument("--project", default="default", help="slug of the project (default: default)")
        create.add_argument("--expires", type=duration, metavar="TIME", help="end it after this: 90m, 24h, 30d")
        actions.add_parser("list", help="all keys, the newest first")
        rotate = actions.add_parser("rotate", help="make a key that takes the place of another, and print it")
        rotate.add_argument("prefix", help="the start of the old key, as the list shows it")
        rotate.add_argument("--overlap", type=duration, default=timedelta(hours=24), metavar="TIME",
                            help="how long the old key still works: 0m, 90m, 24h, 7d (default: 24h)")  # fmt: skip
        revoke = actions.add_parser("revoke", help="end a key at once")
        revoke.add_argument("prefix", help="the start of the key, as the list shows it")

    def handle(self, *args: Any, **options: Any) -> None:
        getattr(self, options["action"])(**options)

    def create(self, name: str, scopes: list[str], project: str, expires: timedelta | None, **_: Any) -> None:
        found = Project.objects.filter(slug=project).first()
        if found is None:
            known = ", ".join(Project.objects.values_list("slug", flat=True)) or "none; run manage.py bootstrap"
            raise CommandError(f"There is no project {project!r}. Projects: {known}.")
        until = None if expires is None else timezone.now() + expires
        with transaction.atomic(), audit.acting(ACTOR) as doing:
            made = keys.create(found, name, tuple(scopes), expires_at=until, created_by=ACTOR.name)
            audit.record("key.created", project=project, subject=doing.subject, detail={"name": name, "scopes": scopes})
        self.stdout.write(made)

    def list(self, **_: Any) -> None:
        for key in ApiKey.objects.select_related("project").order_by("-created_at"):
            scopes = ",".join(key.scopes)
            until = f"until {key.expires_at:%Y-%m-%d %H:%M}" if key.expires_at else "for ever"
            by = f" by {key.created_by}" if key.created_by else ""
            used = f"used {key.last_used_at:%Y-%m-%d %H:%M}" if key.last_used_at else "never used"
            self.stdout.write(
                f"{key.prefix}…  {key.state:8}  {key.project.slug}  {scopes}  made {key.created_at:%Y-%m-%d}{by}  "
                f"{until}  {used}  {key.name}"
            )

    def rotate(self, prefix: str, overlap: timedelta, **_: Any) -> None:
        old = only(prefix)
        try:
            with transaction.atomic():
                new = keys.rotate(old, overlap, ACTOR.name)
                audit.record("key.rotated", project=old.project.slug, subject=old.prefix, actor=ACTOR)
        except InvalidInput as error:
            raise CommandError(error.message) from error
        old.refresh_from_db()
        self.stdout.write(new)
        self.stderr.write(f"{old} works until {old.expires_at:%Y-%m-%d %H:%M} UTC.")

    def revoke(self, prefix: str, **_: Any) -> None:
        found = only(prefix)
        with transaction.atomic():
            keys.revoke(found)
            audit.record("key.revoked", project=found.project.slug, subject=found.prefix, actor=ACTOR)
        self.stdout.write(f"{found} is revoked; it stops working within {keys.REVOKED_WITHIN_SECONDS:.0f} s.")


def only(prefix: str) -> ApiKey:
    """The key that has not been revoked and begins so.

    Raises:
        CommandError: there is none, or several.
    """
    found = list(
        ApiKey.objects.select_related("project").filter(prefix__startswith=prefix.rstrip("…"), revoked_at=None)
    )
    if len(found) != 1:
        raise CommandError(f"{len(found)} active keys begin with {prefix!r}: give a prefix that names exactly one.")
    return found[0]


def duration(text: str) -> timedelta:
    """`90m`, `24h` or `30d`."""
    units = {"m": "minutes", "h": "hours", "d": "days"}
    if len(text) > 1 and text[-1] in units and text[:-1].isascii() and text[:-1].isdecimal() and len(text) < 7:
        return timedelta(**{units[text[-1]]: int(text[:-1])})
    raise ArgumentTypeError(f"{text!r} is no time: expected a number and m, h or d, such as 24h")
