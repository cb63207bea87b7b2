"""A handful of incidents that tests and the eye look at: what rules, people and channels would have made of a bad day.

`manage.py shell -c "from tests.pages.sample_incidents import make; make()"` puts them into an installation.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tracestore.alerts import incidents, responding
from tracestore.alerts.facts import Evidence, Facts, Run, as_json
from tracestore.alerts.grouping import digest
from tracestore.alerts.models import Alert, AlertRule, Channel, Incident, Notification
from tracestore.models import Project

#: What would run if a page took it for more than text.
SCRIPT = "<script>document.title='taken'</script>"
HOSTILE = f"{SCRIPT}<img src=x onerror=\"document.title='taken'\">\u202egnp.exe\x1b[31m"
EVER_S = 30 * 86_400


@dataclass
class Sample:
    slug: str = "default"
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __post_init__(self) -> None:
        self.project, _ = Project.objects.get_or_create(slug=self.slug, defaults={"name": "Default"})

    def rule(self, name: str, **values: Any) -> AlertRule:
        found = AlertRule.objects.filter(project=self.project, name=name).first()
        values = {"kind": "findings", "keep_firing_s": EVER_S} | values
        # A condition that cannot be read is not evaluated, so that a worker leaves these alerts alone.
        values["condition"] = {**values.get("condition", {}), "sample": True}
        return found or AlertRule.objects.create(project=self.project, name=name, **values)

    def channel(self, name: str, kind: str, **values: Any) -> Channel:
        config = {"url": "http://127.0.0.1:9/", "secret": "s", "routing_key": "r", "to": "on-call@example.org"}
        return Channel.objects.create(project=self.project, name=name, kind=kind, config=config, **values)

    def open(
        self, rule: AlertRule, facts: Facts, minutes: float, *, severity: str = "warning", **labels: str
    ) -> Incident:
        """An incident that an alert opened so many minutes ago."""
        at = self.now - timedelta(minutes=minutes)
        labels = {name: value for name, value in labels.items() if value} | {
            "rule": rule.name, "project": self.slug, "severity": severity,
        }  # fmt: skip
        alert = Alert.objects.create(
            project=self.project, rule=rule, fingerprint=digest(rule.name, *labels.values(), str(minutes))[:16],
            labels=labels, state="firing", severity=severity, facts=as_json(facts), since=at, fired_at=at,
            last_seen_at=self.now - timedelta(seconds=12) if facts.going_on else at + timedelta(minutes=minutes / 3),
        )  # fmt: skip
        incidents.absorb(at)
        incidents.tick(at + timedelta(seconds=4))
        alert.refresh_from_db()
        assert alert.incident is not None
        return alert.incident

    def over(self, one: Incident, minutes: float) -> None:
        """Its alerts ended so many minutes ago."""
        at = self.now - timedelta(minutes=minutes)
        for alert in one.alerts.all():
            Alert.objects.filter(pk=alert.pk).update(state="resolved", resolved_at=at, version=alert.version + 1)
        incidents.absorb(at)
        incidents.tick(at + timedelta(seconds=4))

    def sent(self, one: Incident, channel: Channel, error: str = "") -> None:
        """What the channel was told arrived, or did not."""
        for notice in Notification.objects.filter(incident=one, channel=channel, state="waiting"):
            notice.state, notice.attempts, notice.error = ("failed", 5, error) if error else ("sent", 1, "")
            notice.sent_at = None if error else notice.created_at + timedelta(seconds=1)
            notice.save()

    def ago(self, minutes: float) -> datetime:
        return self.now - timedelta(minutes=minutes)


def hexadecimal(number: int, digits: int = 32) -> str:
    return f"{number * 0x9E3779B97F4A7C15:0{digits}x}"[-digits:]


def runs(agent: str, count: int, running: int, cost: float, now: datetime) -> tuple[Run, ...]:
    return tuple(
        Run(
            hexadecimal(number + 1),
            name=("Where is order ORD-10442?", "Refund for invoice 2291", "Change my delivery address")[number % 3],
            agent=agent,
            cost_usd=cost * (1 + 0.37 * (number % 4)),
            at=(now - timedelta(minutes=3 * number)).isoformat(timespec="seconds").replace("+00:00", "Z"),
            running=number < running,
        )
        for number in range(count)
    )


def make(slug: str = "default", now: datetime | None = None) -> dict[str, Incident]:
    """The incidents by name."""
    of = Sample(slug, now or datetime.now(UTC))
    pager = of.channel("on-call pager", "pagerduty", min_severity="critical")
    chat = of.channel("#agents-alerts", "slack")
    loops = of.rule(
        "Agent in a loop", severity="critical", owner="Support agents",
        runbook_url="https://runbooks.example.org/agents/loops", halts=True,
    )  # fmt: skip
    found: dict[str, Incident] = {}
    at = {"first_seen": "2026-11-26T13:20:00Z", "last_seen": "2026-11-26T14:02:00Z"}

    past = of.open(
        loops,
        Facts("support-planner called search_orders 41 times with the same input", wasted_usd=7.31,
              wasted_tokens=812_000, going_on=False, run_count=9, **at),
        2 * 1440, severity="critical", agent="support-planner", detector="loop",
    )  # fmt: skip
    responding.acknowledge(slug, past.pk, "ada", now=of.ago(2 * 1440 - 4))
    responding.note(
        slug, past.pk, "search_orders answers 'no results' for archived orders. Rolled the prompt back to v12: it told "
        "the planner to try again until something is found.", "ada", now=of.ago(2 * 1440 - 30),
    )  # fmt: skip
    responding.resolve(slug, past.pk, "ada", note="Quiet since the rollback.", now=of.ago(2 * 1440 - 41))
    found["past"] = past

    drift = of.open(
        of.rule("Answers drift"),
        Facts("travel-guide answers in another language than it was asked", going_on=False, run_count=3, **at),
        400, agent="travel-guide", detector="semantic_drift",
    )  # fmt: skip
    of.over(drift, 180)
    found["drift"] = drift

    found["acknowledged"] = of.open(
        of.rule("Cost of a run", kind="metric", owner="Finance agents"),
        Facts("invoice-extractor costs 3.4 times what it did", "A run costs $0.412 instead of $0.121, since the model "
              "was changed.", wasted_usd=4.87, wasted_tokens=402_000, usd_per_hour=2.91, run_count=31, value=0.412,
              threshold=0.2, runs=runs("invoice-extractor", 5, 0, 0.3, of.now),
              changed=("Model gpt-5 instead of gpt-5-mini, since 12:41.",), **at),
        74, agent="invoice-extractor", detector="cost_anomaly",
    )  # fmt: skip
    responding.acknowledge(slug, found["acknowledged"].pk, "grace", now=of.ago(61))

    found["snoozed"] = of.open(
        of.rule("Slow answers", kind="metric"),
        Facts("p95 of travel-guide is 41 s, three times last week's", usd_per_hour=0.0, run_count=55, value=41.2,
              threshold=15, **at),
        190, agent="travel-guide", detector="latency_regression",
    )  # fmt: skip
    responding.snooze(slug, found["snoozed"].pk, of.now + timedelta(hours=3), "ada", now=of.ago(150))

    found["info"] = of.open(
        of.rule("Empty retrievals"),
        Facts("Every fourth retrieval of faq-bot finds nothing", wasted_usd=0.09, wasted_tokens=9_100, run_count=12,
              going_on=False, **at),
        25, severity="info", agent="faq-bot", detector="empty_retrieval",
    )  # fmt: skip

    found["tool"] = of.open(
        of.rule("Tool fails", severity="critical", kind="metric", owner="Platform"),
        Facts("search_trains fails: 87 % of 212 calls", "Time-outs after 10 s from the timetable service. Three agents "
              "use it.", wasted_usd=1.94, wasted_tokens=120_400, usd_per_hour=14.2, run_count=48, value=0.87,
              threshold=0.2, runs=runs("travel-guide", 4, 1, 0.04, of.now),
              evidence=(Evidence("search_trains: upstream timed out", hexadecimal(1), hexadecimal(7, 16)),), **at),
        6, severity="critical", tool="search_trains", detector="tool_error_rate",
    )  # fmt: skip

    found["loop"] = of.open(
        loops,
        Facts("support-planner called search_orders 38 times with the same input",
              "Fourteen runs since 13:20 ask for archived orders over and over; each step sends the whole conversation "
              "again. Three of them are still running.",
              wasted_usd=12.4839, wasted_tokens=1_402_311, usd_per_hour=38.2, run_count=14,
              runs=runs("support-planner", 14, 3, 0.61, of.now),
              evidence=(
                  Evidence("search_orders(status=archived) for the 38th time", hexadecimal(1), hexadecimal(3, 16),
                           hexadecimal(5)),
                  Evidence("The answer was the same: no results", hexadecimal(1), hexadecimal(4, 16)),
                  Evidence("The same in another run", hexadecimal(2), hexadecimal(6, 16), hexadecimal(6)),
              ),
              changed=("Version 2.4.1 of support-planner instead of 2.4.0, since 13:12.",
                       "The system prompt, by 212 characters, since 13:12."), **at),
        42, severity="critical", agent="support-planner", detector="loop", version="2.4.1", cause="model",
        service="shop-agents",
    )  # fmt: skip
    responding.note(slug, found["loop"].pk, "Same as two days ago? Looking at 2.4.1.", "grace", now=of.ago(20))
    of.sent(found["loop"], pager)
    of.sent(found["loop"], chat, error="The receiver answered 404: channel_not_found")
    of.sent(found["tool"], pager)
    for one in found.values():
        one.refresh_from_db()
    return found


def make_hostile(slug: str = "default", now: datetime | None = None) -> Incident:
    """One whose every text wants to be more than text."""
    of = Sample(slug, now or datetime.now(UTC))
    rule = of.rule(
        HOSTILE[:60], severity="critical", owner=HOSTILE[:100], runbook_url="javascript:document.title='taken'"
    )
    facts = Facts(
        f"t {HOSTILE}", f"s {HOSTILE}", wasted_usd=1.0, run_count=2, usd_per_hour=1.0,
        runs=(Run(f"../{SCRIPT}", HOSTILE, HOSTILE, 1.0, HOSTILE, running=True), Run(hexadecimal(1), HOSTILE)),
        evidence=(Evidence(HOSTILE, SCRIPT, SCRIPT, SCRIPT), Evidence(HOSTILE, hexadecimal(1), '"><b>', "?x")),
        changed=(HOSTILE,),
    )  # fmt: skip
    one = of.open(rule, facts, 5, severity="critical", agent=HOSTILE, tool=HOSTILE, model=HOSTILE, detector=HOSTILE)
    responding.note(slug, one.pk, HOSTILE, HOSTILE[:100], now=of.now)
    one.refresh_from_db()
    return one
