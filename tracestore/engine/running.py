"""Running queries: how many at once, who waits, and how one is ended from outside."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tracestore.engine.database import Connection, Database, Statistics
from tracestore.engine.errors import TOO_MANY_SIMULTANEOUS_QUERIES, EngineError
from tracestore.engine.statement import quote

_SAME_ID_IS_RUNNING = 216


class Slots:
    """At most `running` queries at once; a request waits for a place, but not for long."""

    def __init__(self, running: int, waiting: int, seconds: float) -> None:
        self._free = asyncio.Semaphore(running)
        self._running = running
        self._waiting_limit = waiting
        self._waiting = 0
        self._seconds = seconds

    @asynccontextmanager
    async def hold(self) -> AsyncIterator[None]:
        """Hold a place, or raise code 202 (status 503)."""
        if self._free.locked():
            if self._waiting >= self._waiting_limit:
                raise self._refusal()
            self._waiting += 1
            try:
                await asyncio.wait_for(self._free.acquire(), self._seconds)
            except TimeoutError:
                raise self._refusal() from None
            finally:
                self._waiting -= 1
        else:
            await self._free.acquire()
        try:
            yield
        finally:
            self._free.release()

    def _refusal(self) -> EngineError:
        return EngineError(
            TOO_MANY_SIMULTANEOUS_QUERIES,
            f"Too many simultaneous queries. Maximum: {self._running}.",
        )


class QueryIds:
    """Clients' query ids and the running queries behind them.

    chDB gives each query an id of its own and takes none. So each query carries its client's id
    in `log_comment`, which system.processes shows; by it a query is found again and killed.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tags: dict[str, str] = {}

    def start(self, query_id: str, comment: str) -> str:
        """Register a query; returns its tag. Code 216 if the id is in use."""
        tag = f"query_id={query_id}" + (f" {comment}" if comment else "")
        with self._lock:
            if query_id in self._tags:
                raise EngineError(
                    _SAME_ID_IS_RUNNING,
                    f"Query with id = {query_id} is already running. (QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING)",
                )
            self._tags[query_id] = tag
        return tag

    def end(self, query_id: str) -> None:
        """Forget a query that has ended."""
        with self._lock:
            self._tags.pop(query_id, None)

    def tag(self, query_id: str) -> str | None:
        """The tag of a running query."""
        with self._lock:
            return self._tags.get(query_id)

    def engine_id(self, connection: Connection, query_id: str) -> str | None:
        """chDB's own id of a running query, None if it is not running."""
        tag = self.tag(query_id)
        if tag is None:
            return None
        found, _ = connection.query(
            "SELECT query_id FROM system.processes "  # noqa: S608 quoted
            f"WHERE Settings['log_comment'] = {quote(tag)} LIMIT 1",
            "TabSeparatedRaw",
        )
        return found.decode().strip() or None


class Killer:
    """Ends running queries, and looks at them, on a connection of its own so that a full house cannot block it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()

    def kill(self, tag: str) -> bool:
        """Ask the query with this tag to stop; False if it is not there (yet)."""
        with self._lock:
            connection = self._database.connect()
            try:
                killed, _ = connection.query(f"KILL QUERY WHERE Settings['log_comment'] = {quote(tag)} ASYNC")
                return bool(killed)
            finally:
                connection.close()

    def read_so_far(self, tag: str) -> Statistics | None:
        """What the query with this tag has read up to now; None if it is not there (any more)."""
        with self._lock:
            connection = self._database.connect()
            try:
                found, _ = connection.query(
                    "SELECT read_rows, read_bytes FROM system.processes "  # noqa: S608 quoted
                    f"WHERE Settings['log_comment'] = {quote(tag)} LIMIT 1"
                )
            finally:
                connection.close()
        rows, _, size = found.decode().strip().partition("\t")
        return Statistics(read_rows=int(rows), read_bytes=int(size)) if size else None
