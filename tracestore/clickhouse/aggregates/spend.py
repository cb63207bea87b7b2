"""What was spent: by agent, user, session and model, in sum and over time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tracestore.clickhouse import client, queries
from tracestore.clickhouse.aggregates.period import Grid, Period
from tracestore.errors import InvalidInput

#: By what spend is told → the column of a model call.
BY: Final = {"agent": "agent", "user": "user_id", "session": "session_id", "model": "called_model"}


@dataclass(slots=True)
class Spend:
    """`cost_usd` is of the priced calls, None when there is none; `unpriced_calls` have none. '' is "none named"."""

    name: str
    calls: int
    traces: int
    tokens: int
    cost_usd: float | None
    unpriced_calls: int


def spend(period: Period, by: str, *, agent: str = "", limit: int = 50) -> list[Spend]:
    """The dearest first; within an agent when one is named.

    Raises:
        InvalidInput: `by` is none of `BY`.
        Unavailable: the store does not answer.
    """
    return spend_in_ways(period, (by,), agent=agent, limit=limit)[by]


def spend_in_ways(period: Period, ways: Sequence[str], *, agent: str = "", limit: int = 50) -> dict[str, list[Spend]]:
    """As `spend`, in several ways out of one reading: each of `ways` → its dearest."""
    columns = [column(way) for way in ways]
    of_way = ", ".join(f"grouping({one}) = 0, '{way}'" for one, way in zip(columns, ways, strict=True))
    of_name = ", ".join(f"grouping({one}) = 0, toString({one})" for one in columns)
    text = queries.load("spend").replace("/*sets*/", ", ".join(f"({one})" for one in columns))
    text = text.replace("/*way*/", f"multiIf({of_way}, '')").replace("/*name*/", f"multiIf({of_name}, '')")
    found: dict[str, list[Spend]] = {way: [] for way in ways}
    for way, *figures in client.run(text, {**period.parameters, "agent": agent, "limit": limit}).result_rows:
        found[way].append(Spend(*figures))
    return found


def over_time(period: Period, by: str, grid: Grid, names: Sequence[str]) -> dict[str | None, list[float]]:
    """Dollars for each place of the grid, by name; under None is what all others cost."""
    found: dict[str | None, list[float]] = {name: [0.0] * grid.places for name in (*names, None)}
    asked = {**period.parameters, **grid.parameters, "by": column(by), "names": list(names)}
    for place, name, named, cost in client.run(queries.load("spend_over_time"), asked).result_rows:
        found[name if named else None][place] = cost
    return found


def column(by: str) -> str:
    if by not in BY:
        raise InvalidInput(f"by={by[:100]!r} is not known: expected one of {', '.join(BY)}.", field="by")
    return BY[by]
