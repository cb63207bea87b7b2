"""Group commit: concurrent exports are joined into one insert, and each is answered after its own.

No fixed tick: an insert starts at once when none is under way, and while one is, the queue gathers.
Senders that wait for their answers would so fall into two halves, each writing while the other is
written, and the store makes a part of every insert. So the next one waits until as many rows are here
as were under way when the last one ended: those just answered are expected back, for a moment. A
sender that is alone is never waited for. All state belongs to the event loop; only `Store.save` runs
in threads.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor

from ingest.limits import IngestLimits
from ingest.metrics import Metrics
from ingest.repeats import Repeats
from ingest.store import Refused, Store
from tracestore.errors import TracestoreError, Unavailable
from tracestore.spans.model import Span


class Piece:
    """Spans of one export on their way into one insert.

    `done` gives the spans that the store refused, reason → count, or the error of the insert.
    """

    __slots__ = ("done", "project", "queued", "size", "spans")

    def __init__(self, project: str, spans: list[Span], size: int, done: asyncio.Future[Refused]) -> None:
        self.project = project
        self.spans = spans
        self.size = size
        self.done = done
        self.queued = True


class GroupCommit:
    """The queue in front of the store."""

    def __init__(self, store: Store, limits: IngestLimits, metrics: Metrics) -> None:
        self._store = store
        self._limits = limits
        self._metrics = metrics
        self._repeats = Repeats()
        self._queue: deque[Piece] = deque()
        self._rows = 0
        self._bytes = 0
        self._running: set[asyncio.Task[None]] = set()
        self._threads = ThreadPoolExecutor(limits.commits, thread_name_prefix="commit")
        self._expected = 0  # rows
        self._gather_until = 0.0
        self._soon: asyncio.Handle | None = None
        self._gathering: asyncio.TimerHandle | None = None

    def submit(self, project: str, spans: list[Span], size: int) -> Piece:
        """Queues spans; await `done` of the result for the outcome."""
        piece = Piece(project, spans, size, asyncio.get_running_loop().create_future())
        # The ledger tells the error too; an export that was cancelled never asks for it.
        piece.done.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._queue.append(piece)
        self._rows += len(spans)
        self._bytes += size
        self._metrics.queued_spans.inc(len(spans))
        self._schedule()
        return piece

    def abandon(self, piece: Piece) -> None:
        """Nobody waits for this any more: dropped if it is still queued, else it takes its course.

        Under overload the sender has sent it again already; storing it would only keep others waiting.
        """
        if piece.queued:
            self._queue.remove(piece)
            self._taken(piece)
            self._metrics.refused("sender_gone", len(piece.spans))

    async def drain(self) -> None:
        """Waits until everything that was submitted has its outcome."""
        while self._queue or self._running:
            if self._running:
                await asyncio.wait(self._running)
            else:
                await asyncio.sleep(self._limits.gather_s)

    def close(self) -> None:
        """Gives up what is left; its senders are told to try again."""
        for handle in (self._soon, self._gathering):
            if handle is not None:
                handle.cancel()
        while self._queue:
            self._fail(self._take(), Unavailable("the receiver is stopping"))
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _schedule(self) -> None:
        """Decides when the next insert starts."""
        if not self._queue or self._soon is not None or len(self._running) >= self._limits.commits:
            return
        full = self._bytes >= self._limits.commit_bytes
        if self._running and self._rows < self._limits.second_rows and not full:
            return  # The end of the one that runs comes back here; till then the queue gathers.
        loop = asyncio.get_running_loop()
        patience = self._gather_until - time.monotonic()
        if self._rows < self._expected and not full and patience > 0:
            self._gathering = self._gathering or loop.call_later(patience, self._start)
            return
        # After what is ready to run in this turn of the loop: exports that came together go together.
        self._soon = loop.call_soon(self._start)

    def _start(self) -> None:
        for handle in (self._soon, self._gathering):
            if handle is not None:
                handle.cancel()
        self._gathering = self._soon = None
        if not self._queue or len(self._running) >= self._limits.commits:
            return
        task = asyncio.get_running_loop().create_task(self._commit(self._take()))
        self._running.add(task)
        task.add_done_callback(self._finished)
        self._schedule()

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._schedule()

    def _take(self) -> list[Piece]:
        """The next pieces, as many as one insert may hold, at least one."""
        taken: list[Piece] = []
        rows = size = 0
        while self._queue:
            piece = self._queue[0]
            rows += len(piece.spans)
            size += piece.size
            if taken and (rows > self._limits.commit_rows or size > self._limits.commit_bytes):
                break
            self._queue.popleft()
            self._taken(piece)
            taken.append(piece)
        return taken

    def _taken(self, piece: Piece) -> None:
        piece.queued = False
        self._rows -= len(piece.spans)
        self._bytes -= piece.size
        self._metrics.queued_spans.dec(len(piece.spans))

    async def _commit(self, pieces: list[Piece]) -> None:
        try:
            try:
                outcomes = await self._save(pieces)
            except Unavailable:
                # One more try for a store that was only restarting; beyond that the sender repeats.
                await asyncio.sleep(self._limits.retry_s)
                outcomes = await self._save(pieces)
        except BaseException as error:
            self._fail(pieces, error)
            if not isinstance(error, Exception):
                raise
        else:
            for piece, outcome in zip(pieces, outcomes, strict=True):
                self._settle(piece, outcome)
        finally:
            limits = self._limits
            self._expected = min(limits.small_rows, self._rows + sum(len(piece.spans) for piece in pieces))
            self._gather_until = time.monotonic() + limits.gather_s + limits.gather_row_s * self._expected

    async def _save(self, pieces: list[Piece]) -> list[Refused | TracestoreError]:
        batch = [(piece.project, piece.spans) for piece in pieces]
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._store.save, batch)

    def _settle(self, piece: Piece, outcome: Refused | TracestoreError) -> None:
        if isinstance(outcome, TracestoreError):
            self._fail([piece], outcome)
            return
        self._metrics.rejected(outcome)
        count = self._metrics.deduplicated if self._repeats.again(piece.project, piece.spans) else self._metrics.stored
        count(len(piece.spans) - sum(outcome.values()))
        if not piece.done.done():
            piece.done.set_result(outcome)

    def _fail(self, pieces: list[Piece], error: BaseException) -> None:
        reason = error.code if isinstance(error, TracestoreError) else "internal"
        for piece in pieces:
            self._metrics.refused(reason, len(piece.spans))
            if not piece.done.done():
                piece.done.set_exception(error)
