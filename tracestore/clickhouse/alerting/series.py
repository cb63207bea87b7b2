"""Reads figures for metric rules: one question for all projects that ask the same of the same window."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from tracestore.clickhouse import client, queries
from tracestore.clickhouse.alerting.figures import DIMENSIONS, Example, Family, Figures
from tracestore.clickhouse.settling import microseconds
from tracestore.moments import nanoseconds

#: Groups of one answer at most, over all projects and buckets: those with most runs (calls).
MOST_GROUPS: Final = 50_000
SECOND: Final = 10**9

_COLUMNS: Final[dict[Family, dict[str, str]]] = {
    "runs": {
        "agent": "agent", "tool": "arrayJoin(tools)", "model": "arrayJoin(models)", "user": "user_id",
        "version": "run_version",
    },
    # A call of a tool is of no model, one of a model of no tool.
    "tools": {"agent": "agent", "tool": "tool_name", "model": "''", "user": "user_id", "version": "agent_version"},
    "models": {
        "agent": "agent", "tool": "''", "model": "if(model != '', model, request_model)", "user": "user_id",
        "version": "agent_version",
    },
}  # fmt: skip

#: (project, values of the dimensions in the order of `DIMENSIONS`) → bucket → figures.
Read = dict[tuple[str, tuple[str, ...]], dict[int, Figures]]


def read(
    family: Family, dimensions: Sequence[str], projects: Sequence[str], origin_ns: int, width_ns: int, buckets: int
) -> Read:
    """The figures of every group in `buckets` windows of `width_ns`, the first from `origin_ns` on.

    Runs and calls count where they began; a group without a name in a dimension (no agent, no user) is left out.

    Raises:
        Unavailable: the store does not answer.
    """
    columns = _COLUMNS[family]
    named = ", ".join(f"{columns[name] if name in dimensions else repr('')} AS {name}_is" for name in DIMENSIONS)
    there = " AND ".join(f"{name}_is != ''" for name in DIMENSIONS if name in dimensions) or "1"
    text = queries.load(f"alert_series_{family}", there).replace("/*dimensions*/", named)
    joined = family == "runs" and "version" in dimensions
    text = text.replace("/*versions*/", queries.load("alert_series_versions") if joined else "")
    asked: dict[str, Any] = {
        "projects": sorted(projects), "origin": origin_ns, "width": width_ns, "end": origin_ns + width_ns * buckets,
        "limit": MOST_GROUPS,
    }  # fmt: skip
    found: Read = defaultdict(dict)
    for project, bucket, *row in client.run(text, asked).result_rows:
        values = tuple(row[place] for place, name in enumerate(DIMENSIONS) if name in dimensions)
        found[project, values][bucket] = _figures(row[len(DIMENSIONS) :])
    return dict(found)


def two_windows(
    family: Family, dimensions: Sequence[str], projects: Sequence[str], now: datetime, window_s: int
) -> Read:
    """The window that ends now as bucket 1, and the one before as bucket 0. Raises: as `read`."""
    width = window_s * SECOND
    return read(family, dimensions, projects, nanoseconds(now) - 2 * width, width, 2)


def milliseconds(at: datetime) -> str:
    """As the store reads a DateTime64(3) parameter."""
    return microseconds(nanoseconds(at) // 1000)[:-3]


def _figures(row: Sequence[Any]) -> Figures:
    # Quantiles of nothing are NaN.
    values: list[Any] = [0 if number != number else number for number in row[:8]]
    values.append(tuple(Example(*found) for found in row[8]))
    values += [Example(*found) for found in row[9:14]]
    return Figures(*values)
