"""One insert: the spans of several exports, seen together, written together.

When the store refuses the data, the batch is halved until the guilty spans are alone, so that their
neighbours are stored. Runs in worker threads and knows nothing of the event loop.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias

import structlog

from ingest.metrics import Metrics
from ingest.name_budget import NameBudget
from tracestore.capture_cut import CutterOf
from tracestore.errors import InvalidInput, TracestoreError, Unavailable
from tracestore.spans.model import Span
from tracestore.spans.own_prices import OverridesOf

log = structlog.get_logger(__name__)

#: Spans that the store will not take, by reason.
Refused: TypeAlias = dict[str, int]
Row: TypeAlias = tuple[str, Span]

#: The reason for a span that decoded well and that the store refuses.
NOT_STORABLE = "not_storable"


class Writer(Protocol):
    """What `tracestore.clickhouse.writer.SpanWriter` promises; safe to use from several threads."""

    def write(self, batch: Sequence[Row], /) -> None: ...


class Store:
    """Saves batches. `resolve` applies the rules of a trace to spans of one project, in place."""

    def __init__(
        self,
        writer: Writer,
        resolve: Callable[..., object],
        metrics: Metrics,
        *,
        bisect_writes: int = 256,
        overrides: OverridesOf = lambda project: None,
        cutters: CutterOf = lambda project: None,
        names: NameBudget | None = None,
    ) -> None:
        self._cutters = cutters
        self._names = names
        self._writer = writer
        self._resolve = resolve
        self._metrics = metrics
        self._bisect_writes = bisect_writes
        self._overrides = overrides

    def save(self, batch: Sequence[tuple[str, list[Span]]]) -> list[Refused | TracestoreError]:
        """Writes all groups of (project, spans); gives for each what was refused of it, or why it failed.

        Raises:
            Unavailable: the store does not answer, or how much a project keeps is not known yet; no group is promised.
        """
        by_project: defaultdict[str, list[Span]] = defaultdict(list)
        for project, spans in batch:
            by_project[project] += spans
        for project, spans in by_project.items():
            own = self._overrides(project)
            try:
                self._resolve(spans, overrides=own) if own else self._resolve(spans)
            except Exception:
                # The rules only improve what is stored; the settling of the trace applies them again.
                log.exception("resolve defect", project=project)
            # After everything that is worked out of content, before anything is written.
            cutter = self._cutters(project)
            if cutter is not None:
                for span in spans:
                    cutter.span(span)
            if self._names is not None:
                self._names.hold(project, spans)
        rows = [(project, span) for project, spans in batch for span in spans]
        try:
            self._write(rows)
        except InvalidInput as error:
            return self._separate(batch, error)
        return [{} for _ in batch]

    def _write(self, rows: Sequence[Row]) -> None:
        started = time.perf_counter()
        try:
            self._writer.write(rows)
        except TracestoreError as error:
            self._metrics.insert_failures.labels(error.code).inc()
            raise
        except Exception as error:
            self._metrics.insert_failures.labels("internal").inc()
            log.exception("writer defect")
            # Whether anything was stored is unknown, and writing again is safe.
            raise Unavailable("the store failed") from error
        self._metrics.insert_seconds.observe(time.perf_counter() - started)
        self._metrics.insert_rows.observe(len(rows))

    def _separate(
        self, batch: Sequence[tuple[str, list[Span]]], first: InvalidInput
    ) -> list[Refused | TracestoreError]:
        """Halves until the spans that the store refuses are alone."""
        rows: list[Row] = []
        owners: list[int] = []
        for owner, (project, spans) in enumerate(batch):
            rows += [(project, span) for span in spans]
            owners += [owner] * len(spans)
        outcomes: list[Refused | TracestoreError] = [{} for _ in batch]
        writes = self._bisect_writes
        # The whole is known to be refused; a part is tried when it is taken from the stack.
        parts = self._halves(0, len(rows)) if len(rows) > 1 else []
        guilty = [] if len(rows) > 1 else [(0, len(rows))]
        while parts:
            low, high = parts.pop()
            if writes <= 0:
                guilty.append((low, high))
                continue
            writes -= 1
            try:
                self._write(rows[low:high])
            except InvalidInput:
                if high - low > 1:
                    parts += self._halves(low, high)
                else:
                    guilty.append((low, high))
            except Unavailable as error:
                for owner in {*owners[low:high], *(owner for part in parts for owner in owners[part[0] : part[1]])}:
                    outcomes[owner] = error
                break
        for low, high in guilty:
            for owner in owners[low:high]:
                outcome = outcomes[owner]
                if isinstance(outcome, dict):
                    outcome[NOT_STORABLE] = outcome.get(NOT_STORABLE, 0) + 1
        log.warning("spans refused by the store", spans=sum(b - a for a, b in guilty), error=first.message)
        return outcomes

    @staticmethod
    def _halves(low: int, high: int) -> list[tuple[int, int]]:
        middle = (low + high) // 2
        return [(middle, high), (low, middle)]
