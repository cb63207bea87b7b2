"""Sessions: what a client keeps between requests under one session_id.

Most clients open a session and never keep anything in it, so a session owns a connection only
from its first stateful statement on (SET, USE, CREATE TEMPORARY). Until then its requests run on
fresh connections like everybody else's. All methods belong to the event loop's thread.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tracestore.engine.database import Connection
from tracestore.engine.errors import (
    SESSION_IS_LOCKED,
    SESSION_NOT_FOUND,
    TOO_MANY_SIMULTANEOUS_QUERIES,
    EngineError,
)

_STATEFUL_VERBS = ("SET", "USE")


@dataclass
class Session:
    """The state behind one session_id of one user."""

    timeout: float
    connection: Connection | None = None
    busy: bool = False
    expires: float = field(default=0.0)


def is_stateful(verb: str, words: tuple[str, ...]) -> bool:
    """Whether a statement changes what later statements of its session see."""
    return verb in _STATEFUL_VERBS or (verb in ("CREATE", "ATTACH") and "TEMPORARY" in words[:6])


class Sessions:
    """All open sessions, by user and id."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._open: dict[tuple[str, str], Session] = {}

    @contextmanager
    def use(self, user: str, session_id: str, timeout: float, must_exist: bool, close: bool) -> Iterator[Session]:
        """Hold a session for one request; code 373 if another request holds it."""
        key = (user, session_id)
        session = self._open.get(key)
        if session is None:
            if must_exist:
                raise EngineError(SESSION_NOT_FOUND, f"Session {session_id} not found.")
            if len(self._open) >= self._limit and not self._drop_idle_stateless():
                raise EngineError(TOO_MANY_SIMULTANEOUS_QUERIES, f"Too many open sessions ({self._limit}).")
            session = self._open[key] = Session(timeout)
        if session.busy:
            raise EngineError(SESSION_IS_LOCKED, f"Session {session_id} is locked by a concurrent client.")
        session.busy = True
        session.timeout = timeout
        try:
            yield session
        finally:
            session.busy = False
            session.expires = time.monotonic() + session.timeout
            if close:
                session.expires = 0.0

    def _drop_idle_stateless(self) -> bool:
        """Make room: a session that keeps nothing can be forgotten at any time."""
        for key, session in self._open.items():
            if not session.busy and session.connection is None:
                del self._open[key]
                return True
        return False

    def expired(self) -> list[Connection]:
        """Forget sessions whose time is up; the caller closes their connections."""
        now = time.monotonic()
        ended = [k for k, s in self._open.items() if not s.busy and s.expires <= now]
        return self._forget(ended)

    def end_all(self) -> list[Connection]:
        """Forget every session; the caller closes their connections."""
        return self._forget(list(self._open))

    def _forget(self, keys: list[tuple[str, str]]) -> list[Connection]:
        sessions = [self._open.pop(key) for key in keys]
        return [session.connection for session in sessions if session.connection is not None]
