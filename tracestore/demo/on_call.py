"""What the demo's story of on-call needs: a receiver, a channel to it, a budget, and the brake that an agent asks."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from django.db import DatabaseError

from tracestore.alerts import budgets, channels
from tracestore.client import Brake
from tracestore.demo.fleet import RESEARCH
from tracestore.demo.receiver import Receiver, in_one_line
from tracestore.demo.story import Run
from tracestore.errors import TracestoreError
from tracestore.first_start import PROJECT

ACTOR: Final = "demo"
CHANNEL: Final = "Demo receiver"
#: It only warns: the agent does not ask, so a halt would stop nobody.
BUDGET: Final[Mapping[str, Any]] = {
    "name": f"Demo: {RESEARCH.name} in a day", "measure": "usd", "scope": "agent", "limit": 10.0, "halts": False,
    "agent": RESEARCH.name,
}  # fmt: skip

Say = Callable[[str], None]


@contextmanager
def story(web: str, key: str, say: Say) -> Iterator[Callable[[Run], str]]:
    """While it lasts, on-call is told here. Gives what says why a run may not go on ('' if it may)."""
    brake = Brake(web, key)

    def why_halted(run: Run) -> str:
        verdict = brake.check(trace_id=run.trace_id.hex())
        return "; ".join(verdict.reasons) if verdict.halted else ""

    secret = secrets.token_urlsafe(24)
    with Receiver(secret, lambda message: say(f"{CHANNEL} was told: {in_one_line(message)}")) as receiver:
        number = _channel({"url": receiver.url, "secret": secret}, say)
        _budget(say)
        try:
            yield why_halted
        finally:
            if number is not None:
                # Its port is gone with this process; the next start has another.
                _tried(lambda: channels.change(PROJECT, number, {"enabled": False}, ACTOR), say)


def _channel(config: Mapping[str, str], say: Say) -> int | None:
    """Makes the channel, or points it here again. Its id; None if that may not be (a bind that is not loopback)."""
    made: list[int] = []

    def ensure() -> None:
        old = next((one for one in channels.listed(PROJECT) if one.name == CHANNEL), None)
        if old is None:
            made.append(channels.create(PROJECT, {"name": CHANNEL, "kind": "webhook", "config": config}, ACTOR).pk)
        else:
            made.append(channels.change(PROJECT, old.pk, {"enabled": True, "config": config}, ACTOR).pk)

    _tried(ensure, say)
    return made[0] if made else None


def _budget(say: Say) -> None:
    def ensure() -> None:
        if not any(one.name == BUDGET["name"] for one in budgets.listed(PROJECT)):
            budgets.create(PROJECT, BUDGET)

    _tried(ensure, say)


def _tried(act: Callable[[], object], say: Say) -> None:
    """The fleet goes on without what cannot be made."""
    try:
        act()
    except (TracestoreError, DatabaseError) as error:
        say(f"The story of on-call lacks something: {getattr(error, 'message', None) or error}")
