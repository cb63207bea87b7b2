"""What was used since midnight UTC, by agent and user. Hours that are over are summed once and kept in memory."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from tracestore.clickhouse.detecting import verdicts
from tracestore.moments import nanoseconds

HOUR_NS: Final = 3_600 * 10**9
#: An hour is over when so much later nothing of it came any more; spans that come later do not count.
OVER: Final = timedelta(minutes=10)
#: Rows of an hour, the dearest first: agents times users times twelve.
MOST_ROWS: Final = 50_000
#: Hours further back are kept as one figure: no burn rate looks there.
FINE: Final = timedelta(hours=4)


class Entry(NamedTuple):
    """Used at a time (seconds since 1970)."""

    at: int
    usd: float
    tokens: float
    steps: float
    minutes: float


#: (agent, user) → what was used, in no order.
Totals = dict[tuple[str, str], list[Entry]]


class Day:
    """The sums of today, of the projects that were asked for."""

    def __init__(self) -> None:
        #: (project, start of the hour in ns) → totals.
        self._hours: dict[tuple[str, int], Totals] = {}

    def read(self, projects: Sequence[str], now: datetime) -> dict[str, Totals]:
        """Project → its totals since midnight UTC.

        Raises:
            Unavailable: the store does not answer.
        """
        midnight = int(now.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()) * 10**9
        now_ns = nanoseconds(now)
        over_ns = nanoseconds(now - OVER)
        self._hours = {key: totals for key, totals in self._hours.items() if key[1] >= midnight and key[0] in projects}
        current: dict[tuple[str, int], Totals] = {}
        for hour in range(midnight, now_ns + 1, HOUR_NS):
            missing = [project for project in projects if (project, hour) not in self._hours]
            if not missing:
                continue
            read: dict[str, Totals] = {project: {} for project in missing}
            for row in verdicts.spending(missing, hour, hour + HOUR_NS, MOST_ROWS):
                entry = Entry(row.at, row.usd, row.tokens, row.steps, row.minutes)
                read[row.project].setdefault((row.agent, row.user), []).append(entry)
            over = hour + HOUR_NS <= over_ns
            (self._hours if over else current).update({(project, hour): totals for project, totals in read.items()})
        coarse = nanoseconds(now - FINE)
        for key, totals in self._hours.items():
            if key[1] + HOUR_NS <= coarse:
                self._hours[key] = {names: [_sum(entries)] for names, entries in totals.items()}
        found: dict[str, Totals] = {project: {} for project in projects}
        for (project, _), totals in (self._hours | current).items():
            for names, entries in totals.items():
                found[project].setdefault(names, []).extend(entries)
        return found


def _sum(entries: Sequence[Entry]) -> Entry:
    first = min(entry.at for entry in entries)
    amounts = [sum(column) for column in zip(*(entry[1:] for entry in entries), strict=True)]
    return Entry(first, *amounts)
