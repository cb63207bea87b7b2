"""`manage.py demo`: a simulated fleet of agents that sends traces."""

from __future__ import annotations

import contextlib
import os
import signal
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
    help = """Sends what a small fleet of agents would send: first the last 24 hours and the 17 days before at once,
then one run about every 5 seconds. There are healthy ones, hand-offs, failing tools, loops, retry storms, a
cost spike, and an agent that a new version made worse. All spans carry service.namespace=tracestore-demo.
With --web the first run of the code-fixer, which loops, is halted: it asks between its steps. On-call is then told by
a webhook to this process, which prints a line for each message, and told again once the next version does not loop.
Nothing leaves this machine unless --url says so. A key is taken from TRACESTORE_API_KEY.

Examples:
  manage.py demo                          to the installation on this machine, until Ctrl-C
  manage.py demo --hours 0                no past, only the present
  manage.py demo --hours 6 --days 0 --seconds 0    only six hours of the past
  manage.py demo --url http://HOST:4318   to another one"""

    requires_system_checks: list[str] = []  # noqa: RUF012 (Django's own declaration)

    def create_parser(self, *args: Any, **kwargs: Any) -> CommandParser:
        return super().create_parser(*args, formatter_class=RawDescriptionHelpFormatter, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--url", default=otlp_http_url(settings.ENVIRONMENT), help="OTLP/HTTP address (%(default)s)"
        )
        parser.add_argument("--web", default="", help="web address of this installation, for the story of on-call")
        parser.add_argument("--hours", type=float, default=24.0, help="how much past to send (%(default)s)")
        parser.add_argument(
            "--days",
            type=float,
            default=timetable.EARLIER_DAYS,
            help="and how many days before that, so that the usual is known (%(default)s)",
        )
        parser.add_argument("--seconds", type=float, help="how long to go on after that (until stopped)")
        parser.add_argument("--seed", default="meadow", help="another seed, another story (%(default)s)")

    def handle(self, *args: Any, **options: Any) -> None:
        url: str = options["url"]
        if not url.startswith(("http://", "https://")):
            raise CommandError(f"--url {url} cannot be used: expected http://HOST:PORT or https://HOST:PORT.")
        if options["web"] and not options["web"].startswith(("http://", "https://")):
            raise CommandError(
                f"--web {options['web']} cannot be used: expected http://HOST:PORT or https://HOST:PORT."
            )
        key = os.environ.get("TRACESTORE_API_KEY", "")
        player = Player(partial(otlp.post, url, key), self.say)
        now = time.time()
        with contextlib.ExitStack() as stack:
            if options["web"]:
                # The fleet alone is sent to installations whose tables are not here.
                from tracestore.demo import on_call

                # `manage.py up` ends it so; what is set up for the story is then taken down.
                signal.signal(signal.SIGTERM, signal.default_int_handler)
                player.why_halted = stack.enter_context(on_call.story(options["web"], key, self.say))
            self.play(player, now, options)

    def play(self, player: Player, now: float, options: dict[str, Any]) -> None:
        try:
            runs = player.past(timetable.past(options["seed"], now, options["hours"]))
            self.say(
                f"Sent {runs} runs ({player.sent} spans) of the last {options['hours']:g} hours to {options['url']}."
            )
            if options["seconds"] != 0:
                # Before the many days, which take a while, and whose traces would be looked at before this one.
                player.live([timetable.on_call(options["seed"], time.time())], options["seconds"])
            if options["days"] > 0 and options["hours"] > 0:
                hours = options["hours"]
                runs = player.past(timetable.past(options["seed"], now, hours + options["days"] * 24, hours))
                self.say(f"Sent {runs} runs of the {options['days']:g} days before ({player.sent} spans in all).")
            # Not from `now` on: what happened while the past was sent would come at once.
            player.live(timetable.live(options["seed"], time.time()), options["seconds"])
        except KeyboardInterrupt:
            pass

    def say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()
