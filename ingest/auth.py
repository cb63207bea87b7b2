"""Who sends: the API key of a request → the project that its spans belong to."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from tracestore.errors import Forbidden, Unauthenticated, Unavailable
from tracestore.keys import Identity

#: How long an answer is believed here, on top of the cache in `tracestore.keys`.
CACHE_SECONDS: Final = 2.0
CACHE_SIZE: Final = 10_000

#: The project of senders without a key, where none is required.
DEFAULT_PROJECT: Final = "default"


class Gate:
    """Lets requests in. `identify` asks the database and may block; it runs in a thread of its own."""

    def __init__(self, identify: Callable[[str], Identity | None], *, require_key: bool) -> None:
        self._identify = identify
        self._require_key = require_key
        self._known: dict[str, tuple[float, Identity | None]] = {}
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="keys")

    async def project(self, headers: Mapping[str, str]) -> str:
        """The project for a request with these headers or metadata (names in lower case).

        Raises:
            Unauthenticated: a wrong key, or none where one is required.
            Forbidden: the key may not send.
            Unavailable: the key cannot be checked now.
        """
        key = key_of(headers)
        if key is None:
            if self._require_key:
                raise Unauthenticated("an API key is required: send `authorization: Bearer KEY`")
            return DEFAULT_PROJECT
        identity = await self._look_up(key)
        if identity is None:
            raise Unauthenticated("the API key is unknown, expired or revoked")
        if "ingest" not in identity.scopes:
            raise Forbidden("the API key lacks the scope `ingest`")
        return identity.project

    async def _look_up(self, key: str) -> Identity | None:
        now = time.monotonic()
        found = self._known.get(key)
        if found is not None and now - found[0] < CACHE_SECONDS:
            return found[1]
        loop = asyncio.get_running_loop()
        try:
            identity = await loop.run_in_executor(self._thread, self._identify, key)
        except Exception as error:
            raise Unavailable("API keys cannot be checked at the moment") from error
        if len(self._known) >= CACHE_SIZE:
            self._known.clear()
        self._known[key] = (now, identity)
        return identity

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)


def key_of(headers: Mapping[str, str]) -> str | None:
    """The key that a request carries, or None.

    Raises:
        Unauthenticated: it carries credentials of another kind.
    """
    authorization = headers.get("authorization", "").strip()
    if authorization:
        scheme, _, key = authorization.partition(" ")
        if scheme.lower() == "bearer" and key.strip():
            return key.strip()
    key = headers.get("x-api-key", "").strip()
    if key:
        return key
    if authorization:
        raise Unauthenticated("credentials must be `authorization: Bearer KEY` or `x-api-key: KEY`")
    return None


def identify_in_thread(key: str) -> Identity | None:
    """`tracestore.keys.identify` for a thread that lives as long as the process."""
    from django.db import close_old_connections

    from tracestore import keys

    close_old_connections()
    return keys.identify(key)
