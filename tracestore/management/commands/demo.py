"""`manage.py demo`: a simulated fleet of agents that sends traces."""

from __future__ import annotations

import os
import time
from argparse import RawDescriptionHelpFormatter
from functools import partial
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from tracestore.demo import otlp, timetable
from tracestore.demo.player import Player
from tracestore.supervisor.announce import otlp_http_url


class Command(BaseCommand):
    help = """Sends what a small fleet of agents would send: first the last 24 hours at once, then one run about
every 5 seconds, healthy ones, hand-offs, failing tools, loops, retry storms, a cost spike and an agent
whose prompt was changed. All spans carry service.namespace=tracestore-demo. Nothing leaves this machine
unless --url says so. A key is taken from TRACESTORE_API_KEY.

Examples:
  manage.py demo                          to the installation on this machine, until Ctrl-C
  manage.py demo --hours 0                no past, only the present
  manage.py demo --hours 6 --seconds 0    only the past
  manage.py demo --url http://HOST:4318   to another one"""

    requires_system_checks: list[str] = []  # noqa: RUF012 (Django's own declaration)

    def create_parser(self, *args: Any, **kwargs: Any) -> CommandParser:
        return super().create_parser(*args, formatter_class=RawDescriptionHelpFormatter, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--url", default=otlp_http_url(settings.ENVIRONMENT), help="OTLP/HTTP address (%(default)s)"
        )
        parser.add_argument("--hours", type=float, default=24.0, help="how much past to send (%(default)s)")
        parser.add_argument("--seconds", type=float, help="how long to go on after that (until stopped)")
        parser.add_argument("--seed", default="meadow", help="another seed, another story (%(default)s)")

    def handle(self, *args: Any, **options: Any) -> None:
        url: str = options["url"]
        if not url.startswith(("http://", "https://")):
            raise CommandError(f"--url {url} cannot be used: expected http://HOST:PORT or https://HOST:PORT.")
        player = Player(partial(otlp.post, url, os.environ.get("TRACESTORE_API_KEY", "")), self.say)
        now = time.time()
        try:
            runs = player.past(timetable.past(options["seed"], now, options["hours"]))
            self.say(f"Sent {runs} runs ({player.sent} spans) of the last {options['hours']:g} hours to {url}.")
            player.live(timetable.live(options["seed"], now), options["seconds"])
        except KeyboardInterrupt:
            pass

    def say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()
