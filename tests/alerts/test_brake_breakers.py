"""Breakers: their steps by hand, and rows that follow alerts through time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tracestore.alerts import breakers
from tracestore.alerts.breaker_steps import HandOver, Now, Step, after_failure, next_step
from tracestore.alerts.cas import swap
from tracestore.alerts.models import Alert, AlertRule, Breaker, BreakerChange, Incident, Transition
from tracestore.clickhouse.detecting import verdicts
from tracestore.detectors.standing import Against, Run, Standing, Subject
from tracestore.errors import InvalidInput, NotFound, Unavailable
from tracestore.models import Project

pytestmark = pytest.mark.django_db
START = datetime(2026, 11, 26, 12, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def test_it_waits_twice_as_long_after_each_failure_up_to_half_an_hour() -> None:
    assert [after_failure(count).total_seconds() for count in (0, 1, 2, 3, 4, 5, 99)] == [
        60, 120, 240, 480, 960, 1800, 1800,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("seen", "step"),
    [
        (Now(at(59), at(0), "open", at(60), False, at(0)), Step.STAY),
        (Now(at(60), at(0), "open", at(60), False, at(0)), Step.TRY),
        # Evidence of before, and none since.
        (Now(at(70), at(60), "half_open", at(60), False, at(50)), Step.STAY),
        (Now(at(70), at(60), "half_open", at(60), False, None), Step.CLOSE),
        # A rule over a window goes on firing for what was before: without a trial that proves nothing.
        (Now(at(70), at(60), "half_open", at(60), False, at(70)), Step.STAY),
        (Now(at(90), at(60), "half_open", at(70) + HandOver.LASTS, True, at(80)), Step.OPEN),
        (Now(at(90), at(60), "half_open", at(70) + HandOver.LASTS, True, at(65)), Step.STAY),
        (Now(at(90), at(60), "half_open", at(70) + HandOver.LASTS, True, at(65), trial_over=True), Step.CLOSE),
        (Now(at(90), at(60), "half_open", at(690), True, at(65), trial_over=True, trial_bad=True), Step.OPEN),
        (Now(at(700), at(60), "half_open", at(690), True, at(65)), Step.FREE),
        (Now(at(1), at(0), "open", at(60), False, at(0), rule_gone=True), Step.CLOSE),
    ],
)
def test_the_next_step(seen: Now, step: Step) -> None:
    assert next_step(seen) == step


@pytest.fixture
def project(monkeypatch: pytest.MonkeyPatch) -> Project:
    def nothing(subject: Subject, now_ns: int) -> Standing:
        return Standing()

    monkeypatch.setattr(verdicts, "standing", nothing)
    return Project.objects.get_or_create(slug="default", defaults={"name": "Default"})[0]


def fire(project: Project, seconds: float = 0, **labels: str) -> Alert:
    rule = AlertRule.objects.get_or_create(
        project=project, name="loops", kind="findings", halts=True, condition={"detectors": ["loop"]}
    )[0]
    return Alert.objects.create(
        project=project, rule=rule, fingerprint=f"{len(labels)}{seconds:g}", labels=labels or {"agent": "planner"},
        state="firing", severity="critical", facts={"title": "planner loops"}, last_seen_at=at(seconds),
    )  # fmt: skip


def states() -> list[str]:
    return [f"{change.from_state}>{change.to_state}" for change in BreakerChange.objects.order_by("pk")]


def test_a_firing_alert_opens_it_once(project: Project) -> None:
    fire(project)
    assert breakers.follow(at(1)) == 1
    one = Breaker.objects.get()
    assert (one.agent, one.tool, one.state, one.reason) == ("planner", "", "open", "planner loops")
    assert one.trial_at == at(61)
    assert [breakers.follow(at(seconds)) for seconds in (2, 3, 60)] == [0, 0, 0]
    assert states() == ["closed>open"]


def test_rules_that_do_not_halt_and_alerts_about_nobody_open_nothing(project: Project) -> None:
    alert = fire(project)
    AlertRule.objects.update(halts=False)
    assert breakers.follow(at(1)) == 0
    AlertRule.objects.update(halts=True)
    Alert.objects.filter(pk=alert.pk).update(labels={"model": "m"})
    assert breakers.follow(at(1)) == 0
    Alert.objects.filter(pk=alert.pk).update(labels={"tool": "search"}, state="pending")
    assert breakers.follow(at(1)) == 0
    assert not Breaker.objects.exists()


def test_a_trial_that_goes_well_closes_it(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    fire(project)
    breakers.follow(at(1))
    assert breakers.follow(at(61)) == 1
    one = Breaker.objects.get()
    assert one.state == "half_open"
    assert breakers.take_trial(one.pk, "t1", at(70))
    assert not breakers.take_trial(one.pk, "t2", at(71))
    run = Run("t1", start_ns=int(at(70).timestamp() * 1e9), end_ns=int(at(79).timestamp() * 1e9), over=False)
    monkeypatch.setattr(verdicts, "standing", lambda subject, now_ns: Standing([run]))
    assert breakers.follow(at(80)) == 0  # it goes on
    monkeypatch.setattr(verdicts, "standing", lambda subject, now_ns: Standing([Run("t1", over=True)]))
    assert breakers.follow(at(82)) == 1
    one.refresh_from_db()
    assert (one.state, one.trial_trace) == ("closed", "")
    assert states() == ["closed>open", "open>half_open", "half_open>closed"]
    # The alert that still fires for what was before does not open it again; something new does.
    assert breakers.follow(at(84)) == 0
    Alert.objects.update(last_seen_at=at(90))
    assert breakers.follow(at(91)) == 1
    one.refresh_from_db()
    assert one.trial_at == at(91 + 60)  # it was closed between: the count begins anew


def test_a_trial_that_goes_wrong_opens_it_for_twice_as_long(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    fire(project)
    breakers.follow(at(1))
    breakers.follow(at(61))
    one = Breaker.objects.get()
    breakers.take_trial(one.pk, "t1", at(70))
    other = Standing([Run("t1", over=True)], [Against("context_growth", "critical", "x", "planner", "t1")])
    bad = Standing([Run("t1")], [Against("loop", "critical", "x", "planner", "t1")])
    monkeypatch.setattr(verdicts, "standing", lambda subject, now_ns: bad)
    assert breakers.follow(at(75)) == 1
    one.refresh_from_db()
    assert (one.state, one.trial_at, one.trial_trace) == ("open", at(75 + 120), "")
    breakers.follow(at(195))
    breakers.take_trial(one.pk, "t1", at(196))
    monkeypatch.setattr(verdicts, "standing", lambda subject, now_ns: other)
    breakers.follow(at(200))
    one.refresh_from_db()
    assert one.state == "closed"  # what was found was of another detector


def test_new_evidence_during_the_trial_opens_it_again(project: Project) -> None:
    alert = fire(project)
    breakers.follow(at(1))
    breakers.follow(at(61))
    breakers.take_trial(Breaker.objects.get().pk, "t1", at(70))
    swap(alert, last_seen_at=at(75))
    assert breakers.follow(at(76)) == 1
    assert Breaker.objects.get().state == "open"


def test_it_closes_when_the_alert_is_over_and_frees_a_trial_that_does_not_end(project: Project) -> None:
    alert = fire(project)
    breakers.follow(at(1))
    breakers.follow(at(61))
    one = Breaker.objects.get()
    breakers.take_trial(one.pk, "t1", at(70))
    assert breakers.follow(at(70 + 601)) == 1
    one.refresh_from_db()
    assert (one.state, one.trial_trace) == ("half_open", "")
    swap(alert, state="resolved")
    assert breakers.follow(at(680)) == 1
    one.refresh_from_db()
    assert one.state == "closed"


def test_a_store_that_is_away_leaves_the_trial_undecided(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(subject: Subject, now_ns: int) -> Standing:
        raise Unavailable("away")

    monkeypatch.setattr(verdicts, "standing", away)
    fire(project)
    breakers.follow(at(1))
    breakers.follow(at(61))
    breakers.take_trial(Breaker.objects.get().pk, "t1", at(70))
    assert breakers.follow(at(80)) == 0


def test_by_hand_it_stays_open_until_it_is_released(project: Project) -> None:
    incident = Incident.objects.create(project=project, key="k", severity="critical", title="x")
    one = breakers.open_by_hand("default", "planner", "search", "it burns", "ada", incident, at(0))
    again = breakers.open_by_hand("default", "planner", "search", "it burns", "ada", incident, at(1))
    assert (again.pk, again.version) == (one.pk, one.version)
    assert breakers.follow(at(100_000)) == 0
    (noted,) = Transition.objects.all()
    assert (noted.kind, noted.actor, noted.data["tool"]) == ("halted", "ada", "search")
    released = breakers.release("default", one.pk, "eve", "fixed", at(5))
    assert (released.state, released.by_hand) == ("closed", False)
    breakers.release("default", one.pk, "eve", "again", at(6))
    said = [(change.to_state, change.actor, change.reason) for change in breakers.history(one)]
    assert said == [("closed", "eve", "fixed"), ("open", "ada", "it burns")]


def test_a_released_one_opens_only_by_something_new(project: Project) -> None:
    fire(project)
    breakers.follow(at(1))
    breakers.release("default", Breaker.objects.get().pk, "ada", "", at(10))
    assert breakers.follow(at(11)) == 0
    Alert.objects.update(last_seen_at=at(12))
    assert breakers.follow(at(13)) == 1


def test_two_workers_move_it_once(project: Project) -> None:
    fire(project)
    breakers.follow(at(1))
    first, second = Breaker.objects.get(), Breaker.objects.get()
    assert breakers._change(first, "half_open", at(61), "a", "")
    assert not breakers._change(second, "half_open", at(61), "b", "")
    assert states() == ["closed>open", "open>half_open"]


def test_bad_input_names_the_field(project: Project) -> None:
    for words, field in ((("", "", "r"), "agent"), (("a", "x" * 301, "r"), "tool"), (("a", "", "r" * 301), "reason")):
        with pytest.raises(InvalidInput) as error:
            breakers.open_by_hand("default", *words, "ada")
        assert error.value.field == field
    with pytest.raises(NotFound):
        breakers.release("default", 999, "ada")
    with pytest.raises(NotFound):
        breakers.open_by_hand("nowhere", "a", "", "", "ada")
