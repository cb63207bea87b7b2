"""API keys: made, hashed, looked up.

A digest keyed with the installation's secret (HMAC-SHA256) instead of a slow password hash: the
keys are 32 random bytes, so guessing is hopeless anyway, and ingest checks one per request.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import DatabaseError, transaction
from django.utils import timezone

from tracestore import audit
from tracestore.errors import InvalidInput
from tracestore.models import ApiKey, Project

log = structlog.get_logger(__name__)

#: respond: acknowledge, snooze, resolve, note, halt and release; `admin` may do that too.
SCOPES = ("ingest", "read", "sql", "respond", "admin")

#: How long a looked-up key is believed.
CACHE_SECONDS = 3.0
#: A revoked or expired key works at most this long: the cache here, and the one of ingest in front of it.
REVOKED_WITHIN_SECONDS = 5.0
#: The last use of a key is written down this often at most.
USE_NOTED_SECONDS = 60.0
#: Keys remembered at most, so that guessing cannot fill the memory.
CACHE_SIZE = 10_000


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a request acts for: a project and what it may do there."""

    project: str
    scopes: frozenset[str]
    key_prefix: str = ""


def digest(key: str) -> str:
    return hmac.new(settings.SECRET_KEY.encode(), key.encode("utf-8", "replace"), hashlib.sha256).hexdigest()


def create(
    project: Project,
    name: str,
    scopes: tuple[str, ...] = SCOPES,
    key: str | None = None,
    expires_at: datetime | None = None,
    created_by: str = "",
) -> str:
    """Stores a key and returns it in clear, for the only time. A given `key` is stored as it is.

    `created_by` is who made it, as histories name people; '' for the operator's environment.
    """
    key = key or f"ts_{secrets.token_urlsafe(32)}"
    # Of a short key of the operator's own, eight characters could be all of it.
    prefix = key[: min(8, len(key) // 4)]
    audit.concerns(prefix)
    ApiKey.objects.update_or_create(
        digest=digest(key),
        defaults={
            "project": project,
            "name": name,
            "prefix": prefix,
            "scopes": list(scopes),
            "expires_at": expires_at,
            "created_by": created_by[:150],
        },
    )
    return key


def rotate(old: ApiKey, overlap: timedelta, created_by: str = "") -> str:
    """Stores a key of the same name and scopes and returns it; the old one expires after the overlap.

    Both work until then, so that senders can change over one by one.

    Raises:
        InvalidInput: the old key does not work any more, or the overlap is negative.
    """
    if old.state != "active":
        raise InvalidInput(f"The key {old.prefix}… is {old.state}: expected an active one; create a new key.")
    if overlap < timedelta():
        raise InvalidInput("overlap: expected no negative time.", field="overlap")
    with transaction.atomic():
        new = create(old.project, old.name, tuple(old.scopes), expires_at=old.expires_at, created_by=created_by)
        audit.concerns(old.prefix)
        until = timezone.now() + overlap
        if old.expires_at is None or until < old.expires_at:
            ApiKey.objects.filter(pk=old.pk).update(expires_at=until)
    return new


def revoke(key: ApiKey) -> None:
    """Ends a key. It stops working within REVOKED_WITHIN_SECONDS; ending it again changes nothing."""
    audit.concerns(key.prefix)
    ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now())


_cache: dict[str, tuple[float, Identity | None]] = {}
_lock = threading.Lock()


def identify(key: str) -> Identity | None:
    """The identity behind a key, or None when it is unknown, expired or revoked."""
    found = digest(key)
    now = time.monotonic()
    with _lock:
        cached = _cache.get(found)
    if cached is not None and now - cached[0] < CACHE_SECONDS:
        return cached[1]
    row = (
        ApiKey.objects.select_related("project").filter(digest=found, revoked_at=None, project__closed_at=None).first()
    )
    identity = None
    if row is not None and (row.expires_at is None or row.expires_at > timezone.now()):
        identity = Identity(row.project.slug, frozenset(row.scopes), row.prefix)
        _note_use(row)
    with _lock:
        if len(_cache) >= CACHE_SIZE:
            _cache.clear()
        _cache[found] = (now, identity)
    return identity


def forget() -> None:
    """Looks every key up anew, in this process."""
    with _lock:
        _cache.clear()


def remembered(key: str) -> Identity | None:
    """The identity behind a key if it was looked up a moment ago. Never waits; None says nothing about the key."""
    with _lock:
        cached = _cache.get(digest(key))
    return cached[1] if cached is not None and time.monotonic() - cached[0] < CACHE_SECONDS else None


def _note_use(key: ApiKey) -> None:
    now = timezone.now()
    if key.last_used_at is not None and now - key.last_used_at < timedelta(seconds=USE_NOTED_SECONDS):
        return
    try:
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)
    except DatabaseError:
        # Nobody is turned away because a date could not be written.
        log.warning("the use of a key could not be noted", key=key.prefix)
