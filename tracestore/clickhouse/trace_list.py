"""One page of the trace list, at a cost that grows with the page and not with the table.

Settled traces are found in two steps (docs/search.md, "Speed"): the places of candidates, read in key
order without merging versions, then the rows at those places, merged and checked again. A row that
matches in its latest version matches in some version, so no trace is left out; a candidate that its
latest version takes back is dropped, and if too few remain the next candidates are read. Open traces
are few and summarised from their spans.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa

from tracestore.clickhouse import client, filters, queries
from tracestore.clickhouse.concurrently import both
from tracestore.clickhouse.orders import Order, cursor_after
from tracestore.clickhouse.rows import Page, TraceFilter, TraceSummary
from tracestore.clickhouse.search_sql import Conditions

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
    # Mostly nothing is open, so candidates are asked for while that is found out.
    places, now_open = both(lambda: listing.places(cursor), lambda: opened(project))
    rows, live = both(lambda: listing.confirmed(places), lambda: listing.live(now_open))
    unsettled = set(now_open.trace_ids)
    rows = [row for row in rows if row.trace_id not in unsettled] + live
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

    def places(self, cursor: str | None) -> _Places:
        where = filters.conditions(self.wanted, cursor, self.order)
        table = client.query_arrow(self.statement("list_places", where), self.parameters(where))
        last = (0, "")
        if table.num_rows:
            last = (table.column("place")[-1].as_py(), table.column("trace_id")[-1].as_py())
        starts = table.column("start_time").cast(_WHEN)
        return _Places(pa.table({"start_time": starts, "trace_id": table.column("trace_id").cast(pa.string())}), last)

    def confirmed(self, places: _Places) -> list[TraceSummary]:
        """The settled traces of the page, and one more if there is one."""
        where = filters.conditions(self.wanted, self.cursor, self.order, within="places")
        rows: list[TraceSummary] = []
        while len(places):
            full = len(places) == self.limit
            known = {row.trace_id for row in rows}
            for row in self.run("list_rows", where, {"places": places.table}):
                # By an older version it may have stood before the last candidate, and now belong behind it.
                if row.trace_id not in known and not (full and self.behind(row, places.last)):
                    rows.append(row)
            if not full or len(rows) >= self.limit:
                break
            places = self.places(cursor_after(self.order, places.last))
        return rows

    def live(self, now_open: Opened) -> list[TraceSummary]:
        if not now_open.trace_ids:
            return []
        where = filters.conditions(self.wanted, self.cursor, self.order, within="opened")
        return self.run("list_live", where, {"opened": now_open.table})

    def behind(self, row: TraceSummary, last: tuple[int, str]) -> bool:
        place = self.order.place(row)
        return place < last if not self.order.up else place > last

    def count_findings(self, rows: Sequence[TraceSummary]) -> None:
        if not rows:
            return
        table = pa.table({"trace_id": pa.array([row.trace_id for row in rows], pa.string())})
        statement = queries.load("findings_of_page")
        counts = dict(client.run(statement, {"project": self.project}, tables={"wanted": table}).result_rows)
        for row in rows:
            row.findings = counts.get(row.trace_id, 0)
