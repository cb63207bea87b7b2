"""Writes log records, under the same promise as `writer` does spans."""

from __future__ import annotations

import time
from collections.abc import Iterator

from tracestore.clickhouse import log_columns
from tracestore.clickhouse.log_columns import Batch
from tracestore.clickhouse.writer import DAY_NS, MOST_DAYS, insert


class LogWriter:
    """Stores batches of log records. Safe to use from several threads."""

    def write(self, batch: Batch) -> None:
        """Stores (project, record) pairs; returns only when all of them survive `kill -9`.

        Writing the same records again changes nothing. Traces whose spans the records say something
        about are settled again.

        Raises:
            Unavailable: the store does not answer or is over its limits; nothing is promised.
            InvalidInput: the store refused the data; retrying the same batch cannot help.
        """
        version = time.time_ns()
        for part in by_days(batch):
            insert("stored_logs", log_columns.log_columns(part, version))
            # After the records: a trace that is to be settled has all of them.
            activity = log_columns.activity_columns(part)
            if activity.num_rows:
                insert("trace_activity", activity)


def by_days(batch: Batch) -> Iterator[Batch]:
    """The batch cut into parts that each touch few enough days; almost always one."""
    days = sorted({record.time_ns // DAY_NS for _, record in batch})
    for at in range(0, len(days), MOST_DAYS):
        some = set(days[at : at + MOST_DAYS])
        yield batch if len(days) <= MOST_DAYS else [pair for pair in batch if pair[1].time_ns // DAY_NS in some]
