"""`manage.py api_keys`: makes, lists and revokes the keys of senders and readers."""

from __future__ import annotations

from argparse import RawDescriptionHelpFormatter
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from tracestore import keys
from tracestore.models import ApiKey, Project


class Command(BaseCommand):
    help = """Makes, lists and revokes API keys. A key is shown once, when it is made.

Examples:
  manage.py api_keys create checkout-service --scopes ingest
  manage.py api_keys create notebook --scopes read sql --project shop
  manage.py api_keys list
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
        actions.add_parser("list", help="all keys, the newest first")
        revoke = actions.add_parser("revoke", help="end a key at once")
        revoke.add_argument("prefix", help="the start of the key, as the list shows it")

    def handle(self, *args: Any, **options: Any) -> None:
        getattr(self, options["action"])(**options)

    def create(self, name: str, scopes: list[str], project: str, **_: Any) -> None:
        found = Project.objects.filter(slug=project).first()
        if found is None:
            known = ", ".join(Project.objects.values_list("slug", flat=True)) or "none; run manage.py bootstrap"
            raise CommandError(f"There is no project {project!r}. Projects: {known}.")
        self.stdout.write(keys.create(found, name, tuple(scopes)))

    def list(self, **_: Any) -> None:
        for key in ApiKey.objects.select_related("project").order_by("-created_at"):
            state = "revoked" if key.revoked_at else "active"
            scopes = ",".join(key.scopes)
            self.stdout.write(
                f"{key.prefix}…  {state:8}  {key.project.slug}  {scopes}  {key.created_at:%Y-%m-%d}  {key.name}"
            )

    def revoke(self, prefix: str, **_: Any) -> None:
        found = list(ApiKey.objects.filter(prefix__startswith=prefix.rstrip("…"), revoked_at=None))
        if len(found) != 1:
            raise CommandError(f"{len(found)} active keys begin with {prefix!r}: give a prefix that names exactly one.")
        ApiKey.objects.filter(pk=found[0].pk).update(revoked_at=timezone.now())
        self.stdout.write(f"{found[0]} is revoked; it stops working within {keys.CACHE_SECONDS:.0f} s.")
