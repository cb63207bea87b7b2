"""A project whose alerts a test fires and ends, with its own time: what rules would do, without the store."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tracestore.alerts import cas, incidents
from tracestore.alerts.facts import Evidence, Facts, Run, as_json
from tracestore.alerts.grouping import digest
from tracestore.alerts.models import Alert, AlertRule, Channel, Incident, Notification, Transition
from tracestore.models import Project

START = datetime(2026, 3, 2, 12, tzinfo=UTC)


@dataclass
class World:
    slug: str = "default"
    now: datetime = START
    rules: dict[str, AlertRule] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.project, _ = Project.objects.get_or_create(slug=self.slug, defaults={"name": self.slug})

    def rule(self, name: str = "Findings", kind: str = "findings", **values: Any) -> AlertRule:
        if name not in self.rules:
            self.rules[name] = AlertRule.objects.create(project=self.project, name=name, kind=kind, **values)
        return self.rules[name]

    def channel(self, name: str = "hook", **values: Any) -> Channel:
        return Channel.objects.create(project=self.project, name=name, kind="webhook", **values)

    def fire(
        self, agent: str = "planner", detector: str = "loop", *, rule: AlertRule | None = None,
        severity: str = "warning", wasted: float = 0.0, problem: str = "", title: str = "", **labels: str,
    ) -> Alert:  # fmt: skip
        """An alert that fires, new or again; fired once more while it does, its evidence is newer."""
        rule = rule or self.rule()
        given = {"agent": agent, "detector": detector, "problem": problem, **labels}
        said = {name: value for name, value in given.items() if value} | {
            "rule": rule.name, "project": self.slug, "severity": severity,
        }  # fmt: skip
        fingerprint = digest(*(f"{name}={value}" for name, value in sorted(said.items()) if name != "severity"))[:16]
        facts = Facts(
            title=title or f"{agent or labels.get('tool', '')}: {detector}", first_seen=self.text, last_seen=self.text,
            wasted_usd=wasted, run_count=1, runs=(Run(f"{fingerprint}{0:016x}", agent=agent, at=self.text),),
            evidence=(Evidence("look here", f"{fingerprint}{0:016x}", "b" * 16),),
        )  # fmt: skip
        row = Alert.objects.filter(rule=rule, fingerprint=fingerprint).first()
        changes: dict[str, Any] = {"state": "firing", "severity": severity, "labels": said, "facts": as_json(facts),
                                   "last_seen_at": self.now}  # fmt: skip
        if row is None:
            return Alert.objects.create(
                project=self.project, rule=rule, fingerprint=fingerprint, since=self.now, fired_at=self.now, **changes
            )
        if row.state != "firing":
            changes |= {"since": self.now, "fired_at": self.now, "resolved_at": None}
        assert cas.swap(row, **changes)
        return row

    def end(self, *alerts: Alert) -> None:
        for alert in alerts:
            alert.refresh_from_db()
            assert cas.swap(alert, state="resolved", resolved_at=self.now)

    @property
    def text(self) -> str:
        return self.now.isoformat().replace("+00:00", "Z")

    def step(self, seconds: float = 0) -> None:
        """Time goes on, and a pass is made."""
        self.now += timedelta(seconds=seconds)
        incidents.absorb(self.now)
        incidents.tick(self.now)

    def run(self, seconds: float, every: float = 30) -> None:
        """Passes for so long, the first one now."""
        self.step()
        end = self.now + timedelta(seconds=seconds)
        while self.now < end:
            self.step(min(every, (end - self.now).total_seconds()))

    def incident(self) -> Incident:
        """The only one."""
        return Incident.objects.select_related("project", "cause").get(project=self.project)

    def told(self, channel: Channel | None = None, incident: Incident | None = None) -> list[str]:
        """Events in the order in which they are told."""
        rows = Notification.objects.filter(project=self.project).order_by("pk")
        if channel is not None:
            rows = rows.filter(channel=channel)
        if incident is not None:
            rows = rows.filter(incident=incident)
        return list(rows.values_list("event", flat=True))

    def history(self, incident: Incident | None = None) -> list[str]:
        rows = Transition.objects.filter(incident=incident or self.incident()).order_by("at", "pk")
        return list(rows.values_list("kind", flat=True))
