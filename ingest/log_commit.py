"""Group commit of log records: concurrent exports go into one insert, and are answered after it.

A smaller `commit`: one insert at a time, which starts at once when none is under way; while one is,
the queue gathers. All state belongs to the event loop; only the writing runs in a thread.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final, Protocol, TypeAlias

import structlog

from ingest.ledger import Ledger
from ingest.limits import IngestLimits
from tracestore.errors import InvalidInput, TracestoreError, Unavailable
from tracestore.spans.model import LogRecord

log = structlog.get_logger(__name__)

Row: TypeAlias = tuple[str, LogRecord]

#: The reason for a record that decoded well and that the store refuses.
NOT_STORABLE: Final = "not_storable"


class LogWriter(Protocol):
    """What `tracestore.clickhouse.log_writer.LogWriter` promises; safe to use from several threads."""

    def write(self, batch: Sequence[Row], /) -> None: ...


@dataclass(slots=True, eq=False)
class Piece:
    """Records of one export. `done` gives how many the store refused, or the error of the insert."""

    rows: list[Row]
    size: int
    done: asyncio.Future[int] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class LogCommit:
    """The queue in front of the store. Every record given to it ends in the ledger exactly once."""

    def __init__(self, writer: LogWriter, limits: IngestLimits, ledger: Ledger) -> None:
        self._writer = writer
        self._limits = limits
        self._ledger = ledger
        self._queue: deque[Piece] = deque()
        self._running: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="log-commit")

    async def store(self, project: str, records: list[LogRecord]) -> int:
        """Returns when the records are safe, with the number of those that the store will not take.

        If it is cancelled, records that are not being written are dropped.

        Raises:
            Unavailable: the store does not take them now; nothing is promised.
        """
        piece = Piece([(project, record) for record in records], sum(record.size for record in records))
        # The ledger tells the error too; an export that was cancelled never asks for it.
        piece.done.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._queue.append(piece)
        self._start()
        try:
            return await asyncio.shield(piece.done)
        finally:
            if piece in self._queue:
                self._queue.remove(piece)
                self._ledger.refused("sender_gone", len(piece.rows))

    async def drain(self) -> None:
        """Waits until everything that was given has its outcome."""
        while self._running is not None:
            await asyncio.wait((self._running,))

    def close(self) -> None:
        """Gives up what is left; its senders are told to try again."""
        left, self._queue = list(self._queue), deque()
        self._fail(left, Unavailable("the receiver is stopping"))
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _start(self) -> None:
        if self._queue and self._running is None:
            self._running = asyncio.get_running_loop().create_task(self._commit())
            self._running.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._running = None
        self._start()

    def _take(self) -> list[Piece]:
        """The next pieces, as many as one insert may hold, at least one."""
        taken: list[Piece] = []
        rows = size = 0
        while self._queue:
            rows += len(self._queue[0].rows)
            size += self._queue[0].size
            if taken and (rows > self._limits.commit_rows or size > self._limits.commit_bytes):
                break
            taken.append(self._queue.popleft())
        return taken

    async def _commit(self) -> None:
        await asyncio.sleep(0)  # exports that came together go together
        pieces = self._take()
        try:
            try:
                refused = await self._save(pieces)
            except Unavailable:
                # One more try for a store that was only restarting; beyond that the sender repeats.
                await asyncio.sleep(self._limits.retry_s)
                refused = await self._save(pieces)
        except BaseException as error:
            self._fail(pieces, error)
            if not isinstance(error, Exception):
                raise
        else:
            for number, piece in enumerate(pieces):
                self._ledger.rejected({NOT_STORABLE: refused[number]} if refused[number] else {})
                self._ledger.stored(len(piece.rows) - refused[number])
                if not piece.done.done():
                    piece.done.set_result(refused[number])

    async def _save(self, pieces: list[Piece]) -> Counter[int]:
        """How many rows the store refused, by the number of their piece."""
        owned = [(number, row) for number, piece in enumerate(pieces) for row in piece.rows]
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._write, owned)

    def _write(self, owned: list[tuple[int, Row]]) -> Counter[int]:
        """Writes; when the store refuses the data, halves until the guilty rows are alone."""
        refused: Counter[int] = Counter()
        parts = [owned]
        writes = self._limits.bisect_writes
        while parts:
            part = parts.pop()
            writes -= 1
            try:
                if part:
                    self._writer.write([row for _, row in part])
            except InvalidInput as error:
                middle = len(part) // 2
                if middle and writes > 0:
                    parts += [part[middle:], part[:middle]]
                else:
                    refused.update(number for number, _ in part)
                    log.warning("log records refused by the store", records=len(part), error=error.message)
            except TracestoreError:
                raise
            except Exception as error:
                log.exception("log writer defect")
                # Whether anything was stored is unknown, and writing again is safe.
                raise Unavailable("the store failed") from error
        return refused

    def _fail(self, pieces: list[Piece], error: BaseException) -> None:
        reason = error.code if isinstance(error, TracestoreError) else "internal"
        for piece in pieces:
            self._ledger.refused(reason, len(piece.rows))
            if not piece.done.done():
                piece.done.set_exception(error)
