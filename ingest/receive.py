"""What happens to an export, whatever transport it came by.

Decoding runs in the event loop, a slice of some milliseconds at a time: it holds the interpreter
lock from beginning to end, so a thread would not make it faster, only fight over the lock with the
threads that write. Between slices other exports get their turn.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import structlog

from ingest.answers import Encoding
from ingest.commit import GroupCommit, Piece
from ingest.limits import IngestLimits
from ingest.metrics import Metrics
from ingest.rate_limit import RateLimits
from ingest.redacting import Redacting
from tracestore.errors import Overloaded, TooLarge, Unavailable
from tracestore.spans import decode
from tracestore.spans.model import Span, SpanRecord
from tracestore.spans.own_prices import OverridesOf

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Receipt:
    """The result of an export: what was refused of it, and what to tell the sender about it."""

    accepted: int = 0
    rejected: int = 0
    message: str = ""


class Room:
    """What one body takes of the memory for bodies being worked on."""

    __slots__ = ("_receiver", "size")

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self.size = 0

    def resize(self, size: int) -> None:
        """The body has this size now; see `Receiver.resize` for what it raises."""
        self._receiver.resize(self.size, size)
        self.size = size


class Receiver:
    """Receives exports. Every span that was decoded ends in the ledger (`Metrics`) exactly once."""

    def __init__(
        self,
        commit: GroupCommit,
        normalise: Callable[..., Span],
        limits: IngestLimits,
        metrics: Metrics,
        receive_logs: Callable[[str, bytes, Encoding], Awaitable[Receipt]],
        rate_limits: RateLimits,
        overrides: OverridesOf = lambda project: None,
        redacting: Redacting | None = None,
    ) -> None:
        #: Asked by transports too, before they read a body.
        self.rate_limits = rate_limits
        self._redacting = redacting
        self._receive_logs = receive_logs
        self._commit = commit
        self._normalise = normalise
        self._limits = limits
        self._metrics = metrics
        self._overrides = overrides
        self._in_flight = 0

    @contextmanager
    def room(self) -> Iterator[Room]:
        """Room for one body, given back at the end."""
        room = Room(self)
        try:
            yield room
        finally:
            room.resize(0)

    def resize(self, old: int, new: int) -> None:
        """Accounts for a body that takes `new` bytes instead of `old`.

        Raises:
            TooLarge: no body may have this size.
            Overloaded: there is no room at the moment.
        """
        if new > self._limits.body_bytes:
            raise self.too_large()
        if new > old and self._in_flight - old + new > self._limits.in_flight_bytes:
            raise Overloaded("the receiver is busy; nothing was stored", retry_after_s=self.retry_after())
        self._in_flight += new - old
        self._metrics.in_flight_bytes.set(self._in_flight)

    def too_large(self) -> TooLarge:
        return TooLarge(f"the body is larger than {self._limits.body_bytes} bytes; send fewer spans at a time")

    def retry_after(self) -> float:
        return random.uniform(*self._limits.retry_after_s)  # noqa: S311

    async def traces(self, project: str, body: bytes, encoding: Encoding) -> Receipt:
        """Stores the spans of an ExportTraceServiceRequest; returns when they are safe.

        The caller holds room for the body. If it is cancelled, spans that are not being written are
        dropped.

        Raises:
            InvalidInput: the body is no such request.
            Overloaded: the project has used up a limit of its own.
            Unavailable: the store does not take them now; nothing is promised.
        """
        self.rate_limits.admit(project, len(body))
        redacting = self._redacting
        redactor = redacting.needed(project, body) if redacting else None
        if encoding == "protobuf":
            slices = decode.protobuf_slices(body, suspicious=None if redactor is None else redactor.suspicious)
        else:
            slices = decode.json_slices(body, suspect=redactor is not None)
        waiting: deque[Piece] = deque()
        rejected: Counter[str] = Counter()
        warnings: Counter[str] = Counter()
        received = 0
        try:
            async with asyncio.timeout(self._limits.answer_s) as patience:
                for part in slices:
                    received += part.received
                    self._metrics.received(part.received)
                    self.rate_limits.charge(project, part.received)
                    if part.rejected:
                        rejected += part.rejected
                        self._metrics.rejected(part.rejected)
                    warnings += part.warnings
                    if part.records:
                        records = redacting.spans(redactor, part.records) if redacting and redactor else part.records
                        waiting.append(self._commit.submit(project, self._understood(project, records), part.size))
                    if len(waiting) >= self._limits.pending_slices:
                        rejected += await waiting[0].done
                        waiting.popleft()
                        patience.reschedule(asyncio.get_running_loop().time() + self._limits.answer_s)
                    else:
                        await asyncio.sleep(0)
                while waiting:
                    rejected += await waiting[0].done
                    waiting.popleft()
                    patience.reschedule(asyncio.get_running_loop().time() + self._limits.answer_s)
        except TimeoutError:
            raise Unavailable("the store does not keep up", retry_after_s=self.retry_after()) from None
        except Unavailable as error:
            raise Unavailable(error.message, retry_after_s=self.retry_after()) from error
        finally:
            for piece in waiting:
                self._commit.abandon(piece)
        refused = rejected.total()
        return Receipt(received - refused, refused, "; ".join(decode.sentences(rejected, warnings)))

    async def logs(self, project: str, body: bytes, encoding: Encoding) -> Receipt:
        """Stores the records of an ExportLogsServiceRequest; as `traces`, see `receive_logs`."""
        try:
            return await self._receive_logs(project, body, encoding)
        except Unavailable as error:
            raise Unavailable(error.message, retry_after_s=self.retry_after()) from error

    def _understood(self, project: str, records: list[SpanRecord]) -> list[Span]:
        own = self._overrides(project)
        normalise = partial(self._normalise, overrides=own) if own else self._normalise
        try:
            return [normalise(record) for record in records]
        except Exception as error:
            self._defect(error)
        spans = []
        for record in records:
            try:
                spans.append(normalise(record))
            except Exception:
                # A defect of a convention must not cost the span: it is stored as it came.
                self._metrics.normalise_failures.inc()
                spans.append(Span(record))
        return spans

    @staticmethod
    def _defect(error: Exception) -> None:
        log.error("normalise defect", exc_info=error)
