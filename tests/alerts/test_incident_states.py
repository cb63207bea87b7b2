"""Whatever happens in whatever order: the rules of incidents hold."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.alerts.world import World
from tracestore.alerts import incidents, responding, silences
from tracestore.alerts.models import Alert, AlertRule, Incident, Notification, Silence, Transition
from tracestore.errors import InvalidInput

AGENTS = st.sampled_from(["planner", "writer"])
ACTS = ["acknowledge", "unacknowledge", "resolve", "reopen", "wake", "snooze", "note"]
GRAVE = st.sampled_from(["info", "warning", "critical"])
PROBLEMS = st.sampled_from(["one", "two"])


class Killed(BaseException):
    pass


class OnCall(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        for table in (Notification, Transition, Alert, Incident, Silence, AlertRule):
            table.objects.all().delete()
        self.world = World()
        self.world.project.channels.all().delete()
        self.channels = [
            self.world.channel("all", min_severity="info"),
            self.world.channel("mute", send_resolved=False),
        ]

    @rule(agent=AGENTS, problem=PROBLEMS, severity=GRAVE, cost=st.floats(0, 9))
    def fire(self, agent: str, problem: str, severity: str, cost: float) -> None:
        self.world.fire(agent, "loop", problem=problem, severity=severity, wasted=cost, tool="search")

    @rule(fails=st.booleans())
    def tool(self, fails: bool) -> None:
        alert = self.world.fire("", "tool_error_rate", tool="search", cause="tool")
        if not fails:
            self.world.end(alert)

    @rule(data=st.data())
    @precondition(lambda self: Alert.objects.filter(state="firing").exists())
    def end(self, data: st.DataObject) -> None:
        self.world.end(data.draw(st.sampled_from(list(Alert.objects.filter(state="firing").order_by("pk")))))

    @rule(seconds=st.sampled_from([0, 1, 3, 60, 400, 2000, 20_000]))
    def step(self, seconds: int) -> None:
        self.world.step(seconds)

    @rule(seconds=st.sampled_from([0, 3, 400]), writes=st.integers(1, 8))
    def killed(self, seconds: int, writes: int) -> None:
        from django.db import connection

        left = [writes]

        def killing(execute, sql, params, many, context):  # type: ignore[no-untyped-def]
            if sql.startswith(("INSERT", "UPDATE")):
                left[0] -= 1
                if left[0] == 0:
                    raise Killed
            return execute(sql, params, many, context)

        self.world.now += timedelta(seconds=seconds)
        with connection.execute_wrapper(killing):
            try:
                incidents.absorb(self.world.now)
                incidents.tick(self.world.now)
            except Killed:
                pass

    @rule(
        data=st.data(),
        act=st.sampled_from(ACTS),
    )
    @precondition(lambda self: Incident.objects.exists())
    def act(self, data: st.DataObject, act: str) -> None:
        number = data.draw(st.sampled_from(list(Incident.objects.order_by("pk").values_list("pk", flat=True))))
        now = self.world.now
        try:
            if act == "snooze":
                responding.snooze("default", number, now + timedelta(minutes=10), "ann", now=now)
            elif act == "note":
                responding.note("default", number, "seen", "ann", now)
            else:
                getattr(responding, act)("default", number, "ann", now=now)
        except InvalidInput:
            pass

    @rule(agent=AGENTS)
    def silence(self, agent: str) -> None:
        silences.create("default", {"matchers": f"agent={agent}", "duration_s": 600}, "ann", self.world.now)

    @rule()
    @precondition(lambda self: Silence.objects.exists())
    def unsilence(self) -> None:
        for row in Silence.objects.all():
            silences.end("default", row.pk, "ann", self.world.now)

    @invariant()
    def one_is_open_of_a_key(self) -> None:
        going_on = Incident.objects.exclude(state="resolved")
        assert max(Counter(going_on.values_list("key", flat=True)).values(), default=1) == 1
        for row in Incident.objects.all():
            assert row.open_key == (None if row.state == "resolved" else row.key)
            assert (row.resolved_at is None) == (row.state != "resolved")
            assert (row.acknowledged_by != "") == (row.acknowledged_at is not None)
            assert row.cause_id is None or row.cause_id != row.pk

    @invariant()
    def states_follow_transitions_without_a_gap(self) -> None:
        for row in Incident.objects.all():
            steps = list(Transition.objects.filter(incident=row).exclude(version=None).order_by("version"))
            assert [one.version for one in steps] == list(range(1, row.version + 1))
            assert steps[0].kind == "opened"
            assert steps[-1].to_state == row.state
            for before, after in pairwise(steps):
                assert before.to_state == after.from_state
                assert before.at <= after.at
                if after.kind in ("resolved", "reopened"):
                    assert (before.to_state == "resolved") == (after.kind == "reopened")

    @invariant()
    def what_is_told_fits_together(self) -> None:
        for row in Incident.objects.all():
            for channel in self.channels:
                going_on = False
                rows = Notification.objects.filter(incident=row, channel=channel).order_by("pk")
                for event in rows.values_list("event", flat=True):
                    if event in ("opened", "reopened"):
                        # A channel that hears of no end hears of the next beginning.
                        assert not going_on or channel.name == "mute"
                        going_on = True
                    else:
                        assert going_on, (event, self.world.told(channel, row))
                    going_on = going_on and event != "resolved"
                assert channel.name != "mute" or "resolved" not in self.world.told(channel, row)

    @invariant()
    def what_fires_has_an_incident_that_goes_on_unless_somebody_resolved_it(self) -> None:
        for alert in Alert.objects.filter(state="firing", absorbed__gte=1).select_related("incident"):
            if alert.absorbed == alert.version:
                assert alert.incident is not None
                assert alert.incident.state != "resolved" or alert.incident.resolved_by == "ann"

    def teardown(self) -> None:
        """In the end everything is told: nothing silenced, nothing firing, nothing open that nobody reopened."""
        if not hasattr(self, "world"):
            return
        for row in Silence.objects.all():
            silences.end("default", row.pk, "ann", self.world.now)
        self.world.end(*Alert.objects.filter(state="firing"))
        self.world.step()
        for row in Incident.objects.exclude(state="resolved"):
            last = Transition.objects.filter(incident=row, kind__in=("opened", "reopened")).order_by("version").last()
            assert last is not None
            assert last.actor == "ann"
            responding.resolve("default", row.pk, "ann", now=self.world.now)
        self.world.step(3600)
        for row in Incident.objects.all():
            told = self.world.told(self.channels[0], row)
            assert not told or told[-1] == "resolved"
            assert (row.settles_at, row.next_notice_at) == (None, None)


@pytest.mark.django_db
def test_the_rules_of_incidents_hold_whatever_happens() -> None:
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        OnCall,
        settings=settings(max_examples=15, stateful_step_count=25, deadline=None,
                          suppress_health_check=list(HealthCheck)),
    )  # fmt: skip
