"""Of which project and time a figure is, and how that time is cut for a series."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from tracestore.clickhouse import client, filters, queries
from tracestore.moments import EARLIEST, LATEST

#: Lengths of one place of a series, in seconds: such as people count in, and all divide the next but one.
STEPS: Final = (10, 30, 60, 300, 900, 3600, 10_800, 21_600, 86_400, 604_800, 2_592_000)
#: Places of a series at most: more than that is noise on a chart of a few hundred pixels.
MOST_PLACES: Final = 61


@dataclass(frozen=True, slots=True)
class Period:
    """`since` <= start < `until` in one project. Spans and traces count where they started."""

    project: str
    since: datetime = EARLIEST
    until: datetime = LATEST

    @property
    def parameters(self) -> dict[str, Any]:
        return {
            "project": self.project,
            "since": filters.seconds(self.since),
            "until": filters.seconds(self.until),
        }

    def before(self) -> Period:
        """The equally long time before this one."""
        length = self.until - self.since
        return replace(self, since=max(self.since - length, EARLIEST), until=self.since)


@dataclass(frozen=True, slots=True)
class Grid:
    """The places of a series: equal steps that cover a period, begun at whole multiples of the step (UTC)."""

    origin_s: int
    step_s: int
    places: int

    @property
    def parameters(self) -> dict[str, int]:
        return {"origin": self.origin_s, "step": self.step_s}

    def starts(self) -> list[datetime]:
        return [datetime.fromtimestamp(self.origin_s + self.step_s * k, UTC) for k in range(self.places)]

    def ends(self) -> list[datetime]:
        return [start + timedelta(seconds=self.step_s) for start in self.starts()]


def grid(period: Period) -> Grid:
    """The finest grid of at most `MOST_PLACES` places; coarser than the last of `STEPS` if need be."""
    first, last = int(period.since.timestamp()), period.until.timestamp()
    step = STEPS[-1]
    for wanted in STEPS:
        if (last - first // wanted * wanted) / wanted <= MOST_PLACES:
            step = wanted
            break
    else:
        while (last - first // step * step) / step > MOST_PLACES:
            step *= 2
    origin = first // step * step
    return Grid(origin, step, max(1, -int(-(last - origin) // step)))


def begun(project: str) -> datetime | None:
    """The second in which the project's first trace started; None when there is none.

    Raises:
        Unavailable: the store does not answer.
    """
    rows = client.run(queries.load("first_trace"), {"project": project}).result_rows
    return datetime.fromtimestamp(rows[0][0] // 10**9, UTC) if rows and rows[0][0] is not None else None
