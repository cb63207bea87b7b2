"""Leases: who may do a thing that must not be done twice at once. Rows claimed by compare-and-swap."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Q
from django.utils import timezone

from tracestore.models import Lease

#: Longer than a pass of settling takes; also how long settling rests after a worker was killed in the middle of
#: one. If a pass does take longer, two may run at once, which costs work and changes nothing.
SETTLING_SECONDS: Final = 15
#: A run of retention that rewrites its most partitions takes minutes (the worker ends it after five).
EXPIRY_SECONDS: Final = 300


@contextmanager
def hold(name: str, *, seconds: float) -> Iterator[bool]:
    """Yields whether the lease was got. It ends with the block, or after `seconds` if the holder died."""
    holder = secrets.token_hex(8)
    Lease.objects.get_or_create(name=name)
    now = timezone.now()
    free = Q(holder="") | Q(expires_at__lt=now)
    got = Lease.objects.filter(free, name=name).update(holder=holder, expires_at=now + timedelta(seconds=seconds))
    try:
        yield bool(got)
    finally:
        if got:
            Lease.objects.filter(name=name, holder=holder).update(holder="")


def last_held(name: str, *, seconds: int) -> datetime | None:
    """When the lease was last got by somebody who asked for `seconds`, None if never."""
    lease = Lease.objects.filter(name=name).first()
    return lease.expires_at - timedelta(seconds=seconds) if lease is not None else None
