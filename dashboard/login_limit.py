"""Guessing passwords takes too long to be worth it: so many failures of a name, then it has to wait.

In the database, so that several web processes count together and a restart forgets nothing. A name is held up from the
address that fails first, so that guessing elsewhere does not lock its owner out at once. One-time login links are not
held up. Wrong codes of the second factor are counted by allauth (`ACCOUNT_RATE_LIMITS`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from django.utils import timezone

from tracestore.keys import digest
from tracestore.models import LoginFailure

WINDOW_SECONDS: Final = 300.0
#: Failures in the window: of a name from one address, and of a name from anywhere.
MOST_FROM_ONE: Final = 10
MOST_OF_A_NAME: Final = 50


class Failures:
    """When which name failed to log in, and from where. Rows older than the window are deleted as new ones come."""

    def __init__(self, clock: Callable[[], datetime] = timezone.now) -> None:
        self._clock = clock

    def wait(self, name: str, address: str) -> int:
        """Whole seconds until another attempt is heard; 0 means now."""
        now = self._clock()
        recent = LoginFailure.objects.filter(name_digest=key(name), at__gt=now - timedelta(seconds=WINDOW_SECONDS))
        found = list(recent.order_by("at").values_list("address", "at"))
        here = [at for where, at in found if where == address]
        anywhere = [at for _, at in found]
        return math.ceil(max(left(here, MOST_FROM_ONE, now), left(anywhere, MOST_OF_A_NAME, now)))

    def note(self, name: str, address: str) -> None:
        """One more failure."""
        now = self._clock()
        LoginFailure.objects.filter(at__lte=now - timedelta(seconds=WINDOW_SECONDS)).delete()
        LoginFailure.objects.create(name_digest=key(name), address=address[:64], at=now)

    def forget(self, name: str, address: str) -> None:
        """It was the right one after all: what this address failed at before counts no more."""
        LoginFailure.objects.filter(name_digest=key(name), address=address[:64]).delete()


def left(failed_at: list[datetime], most: int, now: datetime) -> float:
    """Seconds until fewer than `most` of the failures, the oldest first, are in the window."""
    if len(failed_at) < most:
        return 0.0
    return max(0.0, (failed_at[-most] - now).total_seconds() + WINDOW_SECONDS)


def key(name: str) -> str:
    return digest(f"login:{name[:150].lower()}")


failures: Final = Failures()
