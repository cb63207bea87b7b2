"""What happens to an export of log records, whatever transport it came by."""

from __future__ import annotations

import asyncio
from collections import Counter

from ingest.answers import Encoding
from ingest.ledger import Ledger
from ingest.limits import IngestLimits
from ingest.log_commit import NOT_STORABLE, LogCommit
from ingest.rate_limit import RateLimits
from ingest.receive import Receipt
from ingest.redacting import Redacting
from tracestore.capture_cut import CutterOf
from tracestore.errors import Unavailable
from tracestore.spans import decode_logs


class LogReceiver:
    """Receives exports of log records. Every record that was decoded ends in the ledger exactly once."""

    def __init__(
        self,
        commit: LogCommit,
        limits: IngestLimits,
        ledger: Ledger,
        rate_limits: RateLimits,
        redacting: Redacting | None = None,
        cutters: CutterOf = lambda project: None,
    ) -> None:
        self._cutters = cutters
        self._redacting = redacting
        self._commit = commit
        self._limits = limits
        self._ledger = ledger
        self._rate_limits = rate_limits

    async def receive(self, project: str, body: bytes, encoding: Encoding) -> Receipt:
        """Stores the records of an ExportLogsServiceRequest; returns when they are safe.

        One slice after the other: decoding a slice is some milliseconds of work, and memory holds one.

        Raises:
            InvalidInput: the body is no such request.
            Overloaded: the project has used up a limit of its own.
            Unavailable: the store does not take them now; nothing is promised.
        """
        self._rate_limits.admit(project, len(body))
        slices = decode_logs.protobuf_slices(body) if encoding == "protobuf" else decode_logs.json_slices(body)
        redactor = self._redacting.needed(project, body) if self._redacting else None
        cutter = self._cutters(project)
        rejected: Counter[str] = Counter()
        warnings: Counter[str] = Counter()
        received = 0
        for part in slices:
            received += part.received
            self._ledger.received(part.received)
            self._rate_limits.charge(project, part.received)
            self._ledger.rejected(part.rejected)
            rejected += part.rejected
            warnings += part.warnings
            if not part.records:
                await asyncio.sleep(0)
                continue
            if self._redacting and redactor:
                part.records = self._redacting.logs(redactor, part.records)
            if cutter is not None:
                part.records = [cutter.log(record) for record in part.records]
            try:
                async with asyncio.timeout(self._limits.answer_s):
                    refused = await self._commit.store(project, part.records)
            except TimeoutError:
                raise Unavailable("the store does not keep up") from None
            if refused:
                rejected[NOT_STORABLE] += refused
        return Receipt(
            received - rejected.total(), rejected.total(), "; ".join(decode_logs.sentences(rejected, warnings))
        )
