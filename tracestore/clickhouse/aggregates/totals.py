"""What all traces of a period come to, and the same over time; of one agent too."""

from __future__ import annotations

from dataclasses import dataclass

from tracestore.clickhouse import client, queries
from tracestore.clickhouse.aggregates.period import Grid, Period


@dataclass(slots=True)
class Totals:
    """Sums and quantiles over traces; durations in nanoseconds. `failed` traces have the status error.

    `errors` counts what failed inside them, where it happened. `cost_usd` is the sum of what has a
    price, None when nothing has; `unpriced_calls` have none. `steps` is the mean number of model calls of
    a trace; None without traces.
    """

    traces: int = 0
    failed: int = 0
    errors: int = 0
    llm_calls: int = 0
    tool_calls: int = 0
    tokens: int = 0
    cost_usd: float | None = None
    unpriced_calls: int = 0
    p50_ns: int = 0
    p95_ns: int = 0
    p99_ns: int = 0
    steps: float | None = None


def totals(period: Period, *, agent: str = "") -> Totals:
    """Of the traces in which the agent took part; of all when none is named.

    Raises:
        Unavailable: the store does not answer.
    """
    rows = client.run(queries.load("totals"), {**period.parameters, "agent": agent}).result_rows
    return Totals(*rows[0])


def over_time(period: Period, grid: Grid, *, agent: str = "") -> list[Totals]:
    """The same for each place of the grid, in its order; places without traces are zero."""
    asked = {**period.parameters, **grid.parameters, "agent": agent}
    found = [Totals() for _ in range(grid.places)]
    for place, *row in client.run(queries.load("totals_over_time"), asked).result_rows:
        found[place] = Totals(*row)
    return found
