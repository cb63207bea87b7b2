"""What detectors and evaluators said in a period: findings by detector, an agent's health, scores of documents."""

from __future__ import annotations

from dataclasses import dataclass

from tracestore.clickhouse import client, queries
from tracestore.clickhouse.aggregates.period import Period


@dataclass(slots=True)
class DetectorFindings:
    detector: str
    findings: int
    critical: int
    warnings: int
    wasted_cost_usd: float
    last_ns: int


@dataclass(slots=True)
class FindingRow:
    """One finding, without its evidence. Times in nanoseconds since 1970."""

    id: str
    detector: str
    severity: str
    title: str
    explanation: str
    agent: str
    trace_id: str
    span_ids: list[str]
    last_ns: int
    wasted_cost_usd: float


@dataclass(slots=True)
class Health:
    """An agent's state as of a moment: `healthy`, `degraded` or `critical`, and why."""

    agent: str
    at_ns: int
    state: str
    reasons: list[str]


@dataclass(slots=True)
class Retrieval:
    """What one retriever brought: documents of a retrieval on average, and the means of its best and worst score.

    `empty` brought none. None is "not told": many retrievers give documents without a score.
    """

    retriever: str
    retrievals: int
    empty: int
    documents: float | None
    best_score: float | None
    worst_score: float | None


def by_detector(period: Period) -> list[DetectorFindings]:
    """Findings last seen in the period, most first.

    Raises:
        Unavailable: the store does not answer.
    """
    rows = client.run(queries.load("findings_by_detector"), period.parameters).result_rows
    return [DetectorFindings(*row) for row in rows]


def findings(period: Period, *, agent: str = "", limit: int = 20) -> list[FindingRow]:
    """Latest first; of one agent when it is named."""
    asked = {**period.parameters, "agent": agent, "limit": limit}
    return [FindingRow(*row) for row in client.run(queries.load("findings_latest"), asked).result_rows]


def latest_health(project: str) -> dict[str, Health]:
    """Each agent's state of now, by name; agents that were never judged are missing."""
    rows = client.run(queries.load("health_latest"), {"project": project}).result_rows
    return {row[0]: Health(*row) for row in rows}


def health_over_time(period: Period, agent: str) -> list[Health]:
    """The changes of state in the period, latest first, and the state it began with. At most 200."""
    asked = {**period.parameters, "agent": agent}
    return [Health(*row) for row in client.run(queries.load("health_changes"), asked).result_rows]


def retrieval(period: Period, agent: str) -> list[Retrieval]:
    """The retrievers of an agent that tell what they brought, most used first."""
    rows = client.run(queries.load("agent_retrieval"), {**period.parameters, "agent": agent}).result_rows
    return [Retrieval(*row) for row in rows]
