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

from django.conf import settings
from django.utils import timezone

from tracestore.models import ApiKey, Project

SCOPES = ("ingest", "read", "sql", "admin")

#: How long a looked-up key is believed. A revoked key works at most this long.
CACHE_SECONDS = 3.0
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


def create(project: Project, name: str, scopes: tuple[str, ...] = SCOPES, key: str | None = None) -> str:
    """Stores a key and returns it in clear, for the only time. A given `key` is stored as it is."""
    key = key or f"ts_{secrets.token_urlsafe(32)}"
    ApiKey.objects.update_or_create(
        digest=digest(key),
        # Of a short key of the operator's own, eight characters could be all of it.
        defaults={
            "project": project,
            "name": name,
            "prefix": key[: min(8, len(key) // 4)],
            "scopes": list(scopes),
        },
    )
    return key


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
    row = ApiKey.objects.select_related("project").filter(digest=found, revoked_at=None).first()
    identity = None
    if row is not None and (row.expires_at is None or row.expires_at > timezone.now()):
        identity = Identity(row.project.slug, frozenset(row.scopes), row.prefix)
    with _lock:
        if len(_cache) >= CACHE_SIZE:
            _cache.clear()
        _cache[found] = (now, identity)
    return identity
