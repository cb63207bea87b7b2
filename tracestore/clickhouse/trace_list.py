"""One page of the trace list, at a cost that grows with the page and not with the table.

Settled traces are found in two steps (docs/search.md, "Speed"): the places of candidates, read in key
order without merging versions, then the rows at those places, merged and checked again. A row that
matches in its latest version matches in some version, so no trace is left out; a candidate that its
latest version takes back is dropped, and if too few remain the next candidates are read. By time, and
where summaries alone say what matches, one statement does both. Words to look for in payloads are
never asked of all of them at once by time: candidates are what the rest of the search leaves, the
newest first and each time more of them, until the page is full. Open traces are few and summarised
from their spans.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain, repeat
from typing import Any, Final

import pyarrow as pa

from tracestore.clickhouse import client, filters, queries
from tracestore.clickhouse.concurrently import both
from tracestore.clickhouse.orders import Order, cursor_after
from tracestore.clickhouse.rows import Page, TraceFilter, TraceSummary
from tracestore.clickhouse.search_sql import Conditions, without_text

#: Traces whose payloads are searched at a time: a common word is found among the first. Then many more at once, since
#: the traces of an hour share its blocks, and each question reads those again.
_READ: Final = (2_048, 8_192, 131_072)
_WHEN = pa.timestamp("ns", "UTC")


@dataclass(frozen=True, slots=True)
class Opened:
    """Traces that no summary holds yet, with a time before which none has a span (of the log)."""

    trace_ids: Sequence[str]
    first_starts: Sequence[datetime]

    @property
    def table(self) -> pa.Table:
        starts = pa.array(self.first_starts, pa.timestamp("us", "UTC")).cast(_WHEN)
        return pa.table({"trace_id": pa.array(self.trace_ids, pa.string()), "first_start": starts})


def opened(project: str) -> Opened:
    rows = client.run(queries.load("open_of_project"), {"project": project}).result_rows
    return Opened([row[0] for row in rows], [row[1] for row in rows])


def page(project: str, wanted: TraceFilter, order: Order, limit: int, cursor: str | None) -> Page[TraceSummary]:
    """The first `limit` traces after the cursor, and the cursor of the next page.

    Raises:
        InvalidInput: the cursor is not one of this order.
        Unavailable: the store does not answer.
    """
    listing = _Listing(project, wanted, order, cursor, limit + 1)
    # First, and not at the same time: settling stores a summary before it says that the trace is settled, so what
    # is not open now has a summary that every later question sees. The other way round a trace that is settled
    # between the two answers would be in neither.
    now_open = opened(project)
    if now_open.trace_ids:
        rows, live = both(listing.settled, lambda: listing.live(now_open))
        unsettled = set(now_open.trace_ids)
        rows = [row for row in rows if row.trace_id not in unsettled] + live
    else:
        rows = listing.settled()
    rows.sort(key=order.place, reverse=not order.up)
    found = Page(rows[:limit], cursor_after(order, order.place(rows[limit - 1])) if len(rows) > limit else None)
    listing.count_findings(found.results)
    return found


@dataclass(frozen=True, slots=True)
class _Places:
    """Candidates: what finds them again, and the place of the last one in the order."""

    table: pa.Table
    last: tuple[int, str]

    def __len__(self) -> int:
        return int(self.table.num_rows)

    @property
    def trace_ids(self) -> set[str]:
        return set(self.table.column("trace_id").to_pylist())


@dataclass(frozen=True, slots=True)
class _Listing:
    project: str
    wanted: TraceFilter
    order: Order
    cursor: str | None
    limit: int

    def run(self, name: str, where: Conditions, tables: dict[str, pa.Table]) -> list[TraceSummary]:
        rows = client.run(self.statement(name, where), self.parameters(where), tables=tables).result_rows
        return [TraceSummary(*row) for row in rows]

    def parameters(self, where: Conditions) -> dict[str, Any]:
        return {**where.parameters, "project": self.project, "limit": self.limit}

    def statement(self, name: str, where: Conditions) -> str:
        way = "ASC" if self.order.up else "DESC"
        # By time it is as in the table's key, so that it is read in order.
        columns = ("project", "start_time") if self.order.by_time else (self.order.expression,)
        ordered = ", ".join(f"{column} {way}" for column in (*columns, "trace_id"))
        text = queries.load(name, where.text)
        return text.replace("/*order*/", ordered).replace("/*key*/", self.order.expression)

    def settled(self) -> list[TraceSummary]:
        """The settled traces of the page, and one more if there is one."""
        where = filters.conditions(self.wanted, self.cursor, self.order)
        if self.order.by_time and "stored_payloads" in where.text:
            search = self.wanted.search and without_text(self.wanted.search)
            return self.confirmed(replace(self.wanted, text="", search=search), _READ)
        # Conditions on spans, payloads and findings ask other tables, which should not be read twice.
        if not self.order.by_time or "SELECT" in where.text:
            return self.confirmed(self.wanted, (self.limit,))
        rows = self.run("list_page", where, {})
        if len(rows) >= self.limit:
            return rows
        # Either these are all, or candidates were dropped and the next ones must be read.
        places = self.places(self.wanted, self.cursor, self.limit)
        if len(places) < self.limit and places.trace_ids == {row.trace_id for row in rows}:
            return rows
        return self.confirmed(self.wanted, (self.limit,))

    def places(self, wanted: TraceFilter, cursor: str | None, limit: int) -> _Places:
        where = filters.conditions(wanted, cursor, self.order)
        asked = {**self.parameters(where), "limit": limit}
        table = client.query_arrow(self.statement("list_places", where), asked)
        last = (0, "")
        if table.num_rows:
            last = (table.column("place")[-1].as_py(), table.column("trace_id")[-1].as_py())
        starts = table.column("start_time").cast(_WHEN)
        return _Places(pa.table({"start_time": starts, "trace_id": table.column("trace_id").cast(pa.string())}), last)

    def confirmed(self, candidates: TraceFilter, sizes: Sequence[int]) -> list[TraceSummary]:
        """The settled traces that match, out of those that match `candidates`, as far as the page needs them.

        `sizes` are how many candidates are read at a time; the last one counts for all that follow.
        """
        where = filters.conditions(self.wanted, self.cursor, self.order, within="places")
        rows: list[TraceSummary] = []
        cursor = self.cursor
        for size in chain(sizes, repeat(sizes[-1])):
            places = self.places(candidates, cursor, size)
            if not len(places):
                break
            full = len(places) == size
            known = {row.trace_id for row in rows}
            for row in self.run("list_rows", where, {"places": places.table}):
                # By an older version it may have stood before the last candidate, and now belong behind it.
                if row.trace_id not in known and not (full and self.behind(row, places.last)):
                    rows.append(row)
            if not full or len(rows) >= self.limit:
                break
            cursor = cursor_after(self.order, places.last)
        return rows

    def live(self, now_open: Opened) -> list[TraceSummary]:
        where = filters.conditions(self.wanted, self.cursor, self.order, within="opened")
        return self.run("list_live", where, {"opened": now_open.table})

    def behind(self, row: TraceSummary, last: tuple[int, str]) -> bool:
        place = self.order.place(row)
        return place < last if not self.order.up else place > last

    def count_findings(self, rows: Sequence[TraceSummary]) -> None:
        if not rows:
            return
        asked = {"project": self.project, "trace_ids": [row.trace_id for row in rows]}
        counts = dict(client.run(queries.load("findings_of_page"), asked).result_rows)
        for row in rows:
            row.findings = counts.get(row.trace_id, 0)
