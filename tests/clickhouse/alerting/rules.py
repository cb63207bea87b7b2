"""Rules and findings for tests of evaluation, at moments of one's own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from tracestore.alerts import evaluation, facts
from tracestore.alerts.facts import Facts
from tracestore.alerts.models import Alert, AlertRule
from tracestore.clickhouse.detecting import findings
from tracestore.detectors.finding import Finding
from tracestore.models import Project

#: Now, when a test begins: whole seconds, as the store's clock is the real one.
SECOND: Final = 10**9


def start() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def ns(at: datetime) -> int:
    return int(at.timestamp()) * SECOND


def project(slug: str = "default") -> Project:
    return Project.objects.get_or_create(slug=slug, defaults={"name": slug})[0]


def rule(name: str = "Loops", kind: str = "findings", slug: str = "default", **fields: Any) -> AlertRule:
    condition = fields.pop("condition", {})
    long_ago = datetime.now(UTC) - timedelta(days=30)
    return AlertRule.objects.create(
        project=project(slug), name=name, kind=kind, condition=condition, changed_at=long_ago, **fields
    )


def finding(at: datetime, trace: int = 1, **fields: Any) -> Finding:
    """A loop over `search` of the agent planner that was seen until `at`."""
    given = {
        "detector": "loop", "version": "1", "severity": "critical", "title": "search called 6 times",
        "explanation": "search was called 6 times with the same arguments.", "agent": "planner", "key": "search",
        "first_seen_ns": ns(at) - 30 * SECOND, "last_seen_ns": ns(at), "trace_id": f"{trace:032x}",
        "span_ids": (f"{1:016x}", f"{2:016x}"), "look_first": f"{2:016x}", "cause": "model", "wasted_cost_usd": 0.5,
        "wasted_tokens": 1_000,
    }  # fmt: skip
    return Finding(**{**given, **fields})


def store(at: datetime, *said: Finding, slug: str = "default") -> None:
    findings.store([(slug, one) for one in said], ns(at))


def withdraw(at: datetime, said: Finding, slug: str = "default") -> None:
    findings.withdraw([(slug, said.trace_id, said.identity(slug), said.first_seen_ns)], ns(at))


def passes(begin: datetime, seconds: int, every: int = 2) -> datetime:
    """Evaluates every so many seconds; returns the moment of the last pass."""
    now = begin
    for number in range(0, seconds + 1, every):
        now = begin + timedelta(seconds=number)
        evaluation.evaluate(now)
    return now


def alert(**wanted: Any) -> Alert:
    return Alert.objects.get(**wanted)


def told(of: Alert) -> Facts:
    return facts.from_json(of.facts)
