"""What is beside the trace list: its volume over time, its facets, and names to complete."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Final, Literal

from tracestore.clickhouse import client, filters, queries
from tracestore.clickhouse.concurrently import both
from tracestore.clickhouse.rows import TraceFilter
from tracestore.clickhouse.trace_list import opened

BUCKETS: Final = 60
#: Fields that have facets, in the order in which they are shown.
FACETS: Final = ("status", "agent", "finding", "tool", "model", "service", "user")

SECOND: Final = 10**9
#: Widths that people can read, in seconds; beyond them whole days.
_WIDTHS: Final = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400)


@dataclass(frozen=True, slots=True)
class Volume:
    """Counts of traces by the time they began. Bucket i spans `width_ns` from `first_ns + i * width_ns`."""

    first_ns: int
    width_ns: int
    traces: list[int]
    errors: list[int]

    @property
    def end_ns(self) -> int:
        return self.first_ns + self.width_ns * len(self.traces)


def volume(project: str, wanted: TraceFilter, buckets: int = BUCKETS) -> Volume:
    """The matching traces in about `buckets` buckets of a round width over the range, or over all there is.

    Raises:
        Unavailable: the store does not answer.
    """
    first, last = _extent(project, wanted)
    if last <= first:
        return Volume(first, SECOND, [], [])
    width = bucket_width(last - first, buckets)
    first -= first % width
    number = -(-(last - first) // width)
    traces, errors = [0] * number, [0] * number
    for bucket, count, failed in _of_matching("trace_volume", project, wanted, first=first, width=width):
        if 0 <= bucket < number:
            traces[bucket], errors[bucket] = count, failed
    return Volume(first, width, traces, errors)


def bucket_width(length_ns: int, buckets: int) -> int:
    """The smallest readable width (ns) that makes at most `buckets` buckets of a length."""
    least = -(-length_ns // buckets)
    for seconds in _WIDTHS:
        if seconds * SECOND >= least:
            return seconds * SECOND
    day = 86_400 * SECOND
    return -(-least // day) * day


def _extent(project: str, wanted: TraceFilter) -> tuple[int, int]:
    """The range of the filter in ns; what it leaves open is what is stored, up to now."""
    first = int(wanted.since.timestamp()) * SECOND if wanted.since is not None else None
    last = -int(-wanted.until.timestamp() // 1) * SECOND if wanted.until is not None else None
    if first is None or last is None:
        table = opened(project).table
        stored = client.run(queries.load("trace_extent"), {"project": project}, tables={"opened": table}).result_rows[0]
        now = time.time_ns()
        first = first if first is not None else (stored[0] or now)
        last = last if last is not None else max(now, stored[1] or 0, first) + 1
    return first, last


def facets(project: str, wanted: TraceFilter, limit: int = 8) -> dict[str, list[tuple[str, int]]]:
    """Field → its most frequent values with the number of matching traces; fields without any are missing.

    Raises:
        Unavailable: the store does not answer.
    """
    of_traces, findings = both(
        lambda: _of_matching("trace_facets", project, wanted, limit=limit),
        lambda: _of_matching("finding_facets", project, wanted, limit=limit),
    )
    found: dict[str, list[tuple[str, int]]] = {name: [] for name in FACETS}
    for field, value, traces in of_traces:
        found[field].append((value, traces))
    found["finding"] = [(detector, traces) for detector, traces in findings]
    return {name: values for name, values in found.items() if values}


def attribute_names(project: str, wanted: TraceFilter, space: Literal["attr", "resource"]) -> list[str]:
    where = filters.conditions(TraceFilter(since=wanted.since, until=wanted.until))
    column = {"attr": "attributes", "resource": "resource_attributes"}[space]
    text = queries.load("attribute_names", where.text).replace("/*map*/", column)
    return [row[0] for row in client.run(text, {**where.parameters, "project": project}).result_rows]


def _of_matching(name: str, project: str, wanted: TraceFilter, **parameters: Any) -> Any:
    where, live = filters.conditions(wanted), filters.conditions(wanted, within="opened")
    given = {**where.parameters, "project": project, **parameters}  # those of `live` are the same
    text = queries.load(name, where.text).replace("/*live_conditions*/", live.text)
    return client.run(text, given, tables={"opened": opened(project).table}).result_rows
