"""Findings as the problems that they tell of: those of one fingerprint together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from tracestore.clickhouse import client, queries
from tracestore.clickhouse.aggregates.period import Period
from tracestore.clickhouse.detecting.findings import SEVERITIES
from tracestore.clickhouse.filters import seconds

#: Equal parts of the period in which occurrences are counted.
PARTS: Final = 24
#: By severity and then the latest, by wasted cost, by the latest.
ORDERS: Final = ("severity", "wasted", "seen")

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which problems to list; '' means any. `dismissed` also those that were dismissed."""

    detector: str = ""
    agent: str = ""
    severity: str = ""
    cause: str = ""
    dismissed: bool = False
    order: str = ORDERS[0]


@dataclass(slots=True)
class Problem:
    """One problem of one agent. `title`, `cause` and `latest` (an id) are those of its latest finding; `severity` is
    its worst. Times in ns; `parts` says how many findings were last seen in each of `PARTS` equal parts of the period.
    """

    fingerprint: str
    detector: str
    agent: str
    title: str
    latest: str
    cause: str
    severity: str
    findings: int
    runs: int
    first_ns: int
    last_ns: int
    wasted_cost_usd: float
    wasted_tokens: int
    dismissed: bool
    parts: list[int]


def listed(period: Period, wanted: Wanted, *, limit: int = 200) -> list[Problem]:
    """The problems last seen in a period, in the wanted order.

    Raises:
        Unavailable: the store does not answer.
    """
    equal = {name: value for name in ("detector", "agent", "cause") if (value := getattr(wanted, name))}
    conditions = [f"{name} = {{{name}:String}}" for name in equal]
    if not wanted.dismissed:
        conditions.append("NOT dismissed")
    since_ns, until_ns = _ns(period.since), _ns(period.until)
    asked: dict[str, Any] = {
        **period.parameters, **equal, "severity": wanted.severity, "order": wanted.order, "limit": limit,
        "parts": PARTS, "since_ns": since_ns, "length_ns": max(1, until_ns - since_ns),
    }  # fmt: skip
    rows = client.run(queries.load("problems", " AND ".join(conditions) or "1"), asked).result_rows
    return [problem(row) for row in rows]


def problem(row: Sequence[Any]) -> Problem:
    (fingerprint, detector, agent, title, latest, cause, weight, findings, runs, first_ns, last_ns, cost, tokens,
     dismissed, parts) = row  # fmt: skip
    return Problem(
        fingerprint, detector, agent, title, latest, cause, SEVERITIES[max(weight - 1, 0)], findings, runs, first_ns,
        last_ns, cost, tokens, bool(dismissed), [parts.get(place, 0) for place in range(PARTS)],
    )  # fmt: skip


def agents(period: Period) -> list[str]:
    """The agents that findings of a period are about."""
    return [name for (name,) in client.run(queries.load("problem_agents"), period.parameters).result_rows]


def open_since(project: str, since: datetime) -> int:
    """How many problems of severity warning and critical were seen since a moment and not dismissed."""
    asked = {"project": project, "since": seconds(since)}
    found: int = client.run(queries.load("problems_open"), asked).result_rows[0][0]
    return found


def _ns(moment: datetime) -> int:
    return round((moment - _EPOCH).total_seconds()) * 10**9
