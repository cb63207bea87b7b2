"""Leases: who may do a thing that must not be done twice at once. Rows claimed by compare-and-swap."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from tracestore.models import Lease


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
