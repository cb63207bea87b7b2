"""`manage.py second_factor`: who has one, and taking it away from somebody who lost phone and recovery codes."""

from __future__ import annotations

from argparse import RawDescriptionHelpFormatter
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser

from tracestore import audit, second_factor
from tracestore.audit import Actor


class Command(BaseCommand):
    help = """Shows who has a second factor, and takes it away from somebody who lost both phone and recovery codes.
Make sure that it is them who ask. They log in by password alone then, and set up a new one.

Examples:
  manage.py second_factor list
  manage.py second_factor reset ada"""

    def create_parser(self, *args: Any, **kwargs: Any) -> CommandParser:
        return super().create_parser(*args, formatter_class=RawDescriptionHelpFormatter, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        actions.add_parser("list", help="all users, and whether their logins ask for a code")
        reset = actions.add_parser("reset", help="take the second factor and its recovery codes away")
        reset.add_argument("user", help="the user name")

    def handle(self, *args: Any, **options: Any) -> None:
        getattr(self, options["action"])(**options)

    def list(self, **_: Any) -> None:
        for user in User.objects.order_by("username"):
            state = "on" if second_factor.has_one(user) else "required" if second_factor.is_required(user) else "off"
            self.stdout.write(f"{user.username:30}  {state}")

    def reset(self, user: str, **_: Any) -> None:
        found = User.objects.filter(username=user).first()
        if found is None:
            raise CommandError(f"There is no user {user!r}. `manage.py second_factor list` shows all.")
        if not second_factor.reset(found):
            self.stdout.write(f"{user} has no second factor.")
            return
        audit.record("second_factor.reset", subject=user, actor=Actor("second_factor", "command"))
        self.stdout.write(f"{user} logs in by password alone now.")
