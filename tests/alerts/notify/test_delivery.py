"""From stored to sent: at least once, in order, never a storm; receivers that fail in each way; workers that meet."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from django.utils import timezone

from tests.alerts.notify import samples
from tests.alerts.notify.receivers import HttpReceiver, Reply
from tests.alerts.notify.samples import NOW
from tracestore.alerts import backoff, channels, delivery, outbox
from tracestore.alerts.models import Channel, Delivery, Notification
from tracestore.alerts.notify import guarded_http, senders
from tracestore.alerts.notify.outcome import Outgoing, Permanent, Retry, Sent

pytestmark = pytest.mark.django_db
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture(autouse=True)
def no_chance(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backoff.random, "uniform", lambda low, high: 1.0)


class Told:
    """A sender that keeps what it is given and does what it is told to."""

    def __init__(self, *ends: Sent | Exception) -> None:
        self.got: list[Outgoing] = []
        self.ends = list(ends)

    def __call__(self, out: Outgoing) -> Sent:
        self.got.append(out)
        end = self.ends.pop(0) if self.ends else Sent(200)
        if isinstance(end, Exception):
            raise end
        return end

    @property
    def events(self) -> list[str]:
        return [out.message.event for out in self.got]

    @property
    def ids(self) -> list[int]:
        return [out.id for out in self.got]


def states(channel: Channel) -> list[str]:
    return list(Notification.objects.filter(channel=channel).order_by("pk").values_list("state", flat=True))


def outcomes(channel: Channel) -> list[str]:
    found = Delivery.objects.filter(notification__channel=channel)
    return list(found.order_by("pk").values_list("outcome", flat=True))


def run(until: Callable[[datetime], bool], start: datetime, told: Told, step: timedelta = 2 * SECOND) -> datetime:
    """Passes, as the schedule has them, until something is so."""
    at = start
    for _ in range(5000):
        if until(at):
            return at
        delivery.send_due(at, sender=told)
        at += step
    raise AssertionError("it never came to that")


# The usual way --------------------------------------------------------------------------------------------------------


def test_what_is_due_is_sent_once_and_written_down(receiver: HttpReceiver) -> None:
    channel = samples.channel({"url": receiver.url, "secret": "s"})
    made = samples.notification(channel)
    assert delivery.send_due(NOW) == 1
    made.refresh_from_db()
    assert (made.state, made.attempts, made.error, made.claimed_until) == ("sent", 1, "", None)
    assert abs(made.sent_at - NOW) < MINUTE  # type: ignore[operator]
    [row] = Delivery.objects.all()
    assert (row.outcome, row.status, row.error) == ("sent", 200, "")
    channel.refresh_from_db()
    assert channel.last_sent_at == made.sent_at
    assert delivery.send_due(NOW + HOUR) == 0
    assert len(receiver.got) == 1


def test_nothing_to_do_writes_nothing(django_assert_num_queries: Callable[[int], object]) -> None:
    channel = samples.channel({"url": "http://x.example"})
    samples.notification(channel, at=NOW + HOUR)
    with django_assert_num_queries(4):  # all of them reads
        assert delivery.send_due(NOW) == 0


def test_those_of_an_incident_go_in_order_and_others_need_not_wait() -> None:
    channel, told = samples.channel({"url": "u"}), Told()
    incident = samples.incident()
    first = samples.notification(channel, "opened", incident, at=NOW + MINUTE)
    second = samples.notification(channel, "resolved", incident)
    other = samples.notification(channel)
    delivery.send_due(NOW, sender=told)
    assert told.ids == [other.pk]
    delivery.send_due(NOW + MINUTE, sender=told)
    assert told.ids == [other.pk, first.pk, second.pk]


def test_new_critical_incidents_go_first() -> None:
    channel, told = samples.channel({"url": "u"}), Told()
    usual, urgent = samples.notification(channel), samples.notification(channel, severity="critical")
    delivery.send_due(NOW, sender=told)
    assert told.ids == [urgent.pk, usual.pk]


def test_the_sender_knows_the_thread_and_what_was_told_before() -> None:
    channel, incident = samples.channel({"url": "u"}, "slack"), samples.incident()
    told = Told(Sent(200, "C1:1.1"), Sent(200, "C1:1.2"))
    samples.notification(channel, "opened", incident, title="the first title")
    samples.notification(channel, "severity", incident)
    samples.notification(channel, "resolved", incident)
    told_apart, senders.APART_S["slack"] = senders.APART_S["slack"], 0.0
    try:
        delivery.send_due(NOW, sender=told)
    finally:
        senders.APART_S["slack"] = told_apart
    assert [out.thread for out in told.got] == ["", "C1:1.1", "C1:1.1"]
    assert [out.first_title for out in told.got] == ["", "the first title", "the first title"]
    assert told.got[2].earlier is not None
    assert told.got[2].earlier.event == "severity"


def test_several_channels_are_told_at_once_and_one_of_them_one_by_one() -> None:
    barrier = threading.Barrier(delivery.AT_ONCE, timeout=20)
    running: dict[str, int] = {}

    def sender(out: Outgoing) -> Sent:
        running[out.channel] = running.get(out.channel, 0) + 1
        assert running[out.channel] == 1
        if out.message.event == "opened":
            barrier.wait()  # passes only when eight are here together
        running[out.channel] -= 1
        return Sent(200)

    made = [samples.channel({"url": "u"}, name=f"c{n}") for n in range(delivery.AT_ONCE)]
    for channel in made:
        incident = samples.incident()
        samples.notification(channel, "opened", incident)
        samples.notification(channel, "resolved", incident)
    assert delivery.send_due(NOW, sender=sender) == 2 * delivery.AT_ONCE


def test_slack_gets_at_most_one_a_second() -> None:
    channel, at = samples.channel({"url": "u"}, "slack"), []

    def sender(out: Outgoing) -> Sent:
        at.append(time.monotonic())
        return Sent(200)

    for _ in range(3):
        samples.notification(channel)
    delivery.send_due(NOW, sender=sender)
    assert len(at) == 3
    assert min(later - earlier for earlier, later in pairwise(at)) >= 0.95


def test_a_pass_ends_and_leaves_the_rest_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "PASS_S", 0.0)
    channel = samples.channel({"url": "u"})
    samples.notification(channel)
    assert delivery.send_due(NOW, sender=Told()) == 0
    assert states(channel) == ["waiting"]


# Receivers that fail --------------------------------------------------------------------------------------------------


def test_500s_then_fine(receiver: HttpReceiver) -> None:
    channel = samples.channel({"url": receiver.url})
    made = samples.notification(channel)
    receiver.replies.extend([Reply(500), Reply(503), Reply(502)])
    at = NOW
    for wait in (5, 10, 20):
        delivery.send_due(at)
        channel.refresh_from_db()
        assert channel.not_before is not None
        assert 0 <= (channel.not_before - at).total_seconds() - wait < 5
        assert delivery.send_due(at + (wait - 1) * SECOND) == 0
        at = channel.not_before
    assert (channel.failures, channels.state(channel, at - SECOND)) == (3, "back_off")
    assert "502" in channel.last_error
    delivery.send_due(at)
    made.refresh_from_db()
    channel.refresh_from_db()
    assert (made.state, made.attempts, outcomes(channel)) == ("sent", 4, ["retry", "retry", "retry", "sent"])
    assert (channel.failures, channel.not_before, channel.last_error) == (0, None, "")
    assert len({got.headers["webhook-id"] for got in receiver.got}) == 1
    assert len({got.json["groupKey"] for got in receiver.got}) == 1


def test_429_is_left_alone_for_as_long_as_it_asks(receiver: HttpReceiver) -> None:
    channel = samples.channel({"url": receiver.url})
    samples.notification(channel)
    samples.notification(channel)
    receiver.replies.append(Reply(429, headers={"Retry-After": "120"}))
    delivery.send_due(NOW)
    assert delivery.send_due(NOW + 119 * SECOND) == 0
    assert len(receiver.got) == 1
    assert delivery.send_due(NOW + 130 * SECOND) == 2


def test_a_receiver_that_times_out(receiver: HttpReceiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guarded_http, "BUDGET_S", 0.2)
    channel = samples.channel({"url": receiver.url})
    samples.notification(channel)
    receiver.replies.append(Reply(raw=lambda connection: receiver.gone.wait(20) and None))
    delivery.send_due(NOW)
    [row] = Delivery.objects.all()
    assert (row.outcome, row.status, row.error) == ("retry", 0, "The receiver took longer than 0.2 seconds.")
    monkeypatch.setattr(guarded_http, "BUDGET_S", 5.0)
    assert delivery.send_due(NOW + MINUTE) == 1
    assert states(channel) == ["sent"]


def test_a_receiver_that_closes_early(receiver: HttpReceiver) -> None:
    channel = samples.channel({"url": receiver.url})
    samples.notification(channel)
    receiver.replies.append(Reply(raw=lambda connection: connection.shutdown(socket.SHUT_RDWR)))
    delivery.send_due(NOW)
    assert outcomes(channel) == ["retry"]
    delivery.send_due(NOW + MINUTE)
    assert states(channel) == ["sent"]


@pytest.mark.parametrize("status", [401, 403, 404, 410, 307])
def test_permanent_errors_switch_the_channel_off_and_say_why(receiver: HttpReceiver, status: int) -> None:
    channel = samples.channel({"url": receiver.url})
    samples.notification(channel)
    waiting = samples.notification(channel)
    receiver.replies.append(Reply(status, headers={"Location": "http://x.example/"}))
    delivery.send_due(NOW)
    channel.refresh_from_db()
    assert (channel.enabled, states(channel), outcomes(channel)) == (False, ["failed", "waiting"], ["failed"])
    assert str(status) in channel.disabled_reason
    assert delivery.send_due(NOW + HOUR) == 0
    channels.change("default", channel.pk, {"enabled": True}, "ada")
    channel.refresh_from_db()
    assert channel.disabled_reason == ""
    delivery.send_due(NOW + HOUR)
    waiting.refresh_from_db()
    assert waiting.state == "sent"


@pytest.mark.usefixtures("public_only")
def test_a_refused_address_switches_the_channel_off(receiver: HttpReceiver) -> None:
    channel = samples.channel({"url": "http://127.0.0.1:8080/"})
    samples.notification(channel)
    delivery.send_due(NOW)
    channel.refresh_from_db()
    assert not channel.enabled
    assert "private or reserved" in channel.disabled_reason


def test_one_wrong_message_fails_alone_and_three_in_a_row_are_the_channels_fault() -> None:
    channel = samples.channel({"url": "u"})
    wrong = Permanent("The receiver answered 400.", 400, this_one_only=True)
    for _ in range(5):
        samples.notification(channel)
    delivery.send_due(NOW, sender=Told(wrong, wrong, Sent(200), wrong, wrong))
    channel.refresh_from_db()
    assert (channel.enabled, states(channel)) == (True, ["failed", "failed", "sent", "failed", "failed"])
    samples.notification(channel)
    delivery.send_due(NOW, sender=Told(wrong))
    channel.refresh_from_db()
    assert not channel.enabled
    assert channel.disabled_reason == "3 messages in a row were refused. The receiver answered 400."


def test_after_a_wrong_message_of_an_incident_the_next_of_it_goes() -> None:
    channel, incident = samples.channel({"url": "u"}), samples.incident()
    samples.notification(channel, "opened", incident)
    samples.notification(channel, "resolved", incident)
    told = Told(Permanent("no", 400, this_one_only=True))
    delivery.send_due(NOW, sender=told)
    assert told.events == ["opened", "resolved"]


def test_a_message_that_always_fails_does_not_hold_up_the_others() -> None:
    channel = samples.channel({"url": "u"})
    poison, others = samples.notification(channel), [samples.notification(channel) for _ in range(3)]

    class Choosy(Told):
        def __call__(self, out: Outgoing) -> Sent:
            self.got.append(out)
            if out.id == poison.pk:
                raise Retry("The receiver answered 500.", status=500)
            return Sent(200)

    told = Choosy()
    run(lambda at: at > NOW + MINUTE, NOW, told)
    assert {out.id for out in told.got} == {poison.pk, *(one.pk for one in others)}
    assert states(channel) == ["waiting", "sent", "sent", "sent"]


def test_an_error_of_ours_is_tried_again_and_stops_nobody() -> None:
    one, two = samples.channel({"url": "u"}, name="a"), samples.channel({"url": "u"}, name="b")
    samples.notification(one)
    samples.notification(two)
    delivery.send_due(NOW, sender=Told(ZeroDivisionError("secret detail")))
    assert sorted(states(one) + states(two)) == ["sent", "waiting"]
    [row] = Delivery.objects.filter(outcome="retry")
    assert "secret" not in row.error


def test_a_stored_message_that_cannot_be_read_fails_alone() -> None:
    channel, told = samples.channel({"url": "u"}), Told()
    broken = samples.notification(channel)
    Notification.objects.filter(pk=broken.pk).update(message={"event": "no such"})
    fine = samples.notification(channel)
    delivery.send_due(NOW, sender=told)
    assert (told.ids, states(channel)) == ([fine.pk], ["failed", "sent"])


# Down for long --------------------------------------------------------------------------------------------------------


def test_down_for_an_hour_everything_arrives_in_order_and_once() -> None:
    channel, told = samples.channel({"url": "u"}), Told()
    one, two = samples.incident(), samples.incident()
    made = [samples.notification(channel, "opened", one),
            samples.notification(channel, "acknowledged", one, NOW + MINUTE),
            samples.notification(channel, "opened", two, NOW + 2 * MINUTE),
            samples.notification(channel, "reminder", two, NOW + 20 * MINUTE),
            samples.notification(channel, "reminder", two, NOW + 40 * MINUTE),
            samples.notification(channel, "resolved", one, NOW + 50 * MINUTE)]  # fmt: skip
    down = Told(*[Retry("The receiver answered 503.", status=503)] * 1000)
    at = run(lambda at: at > NOW + HOUR, NOW, down)
    assert len(down.got) < 20
    at = run(lambda at: "waiting" not in states(channel), at, told)
    assert at < NOW + HOUR + 11 * MINUTE
    by_incident = {n: [out.message.event for out in told.got if out.message.number == n] for n in (one.pk, two.pk)}
    assert by_incident == {one.pk: ["opened", "acknowledged", "resolved"], two.pk: ["opened", "reminder"]}
    assert len(told.ids) == len(set(told.ids))
    assert states(channel) == ["sent", "sent", "sent", "skipped", "sent", "sent"]
    assert made[3].pk not in told.ids


@pytest.mark.parametrize("mended", ["test", "enabled", "config"])
def test_when_it_is_mended_nothing_waits_for_the_end_of_its_back_off(receiver: HttpReceiver, mended: str) -> None:
    channel = samples.channel({"url": receiver.url})
    at = timezone.now()
    made = samples.notification(channel, at=at)
    receiver.replies.append(Reply(503, headers={"Retry-After": "3000"}))
    delivery.send_due(at)
    assert delivery.send_due(timezone.now()) == 0
    if mended == "test":
        channels.test("default", channel.pk, "ada")
    else:
        change = {"enabled": True} if mended == "enabled" else {"config": {"secret": "s"}}
        channels.change("default", channel.pk, change, "ada")
    assert delivery.send_due(timezone.now()) == 1
    made.refresh_from_db()
    assert made.state == "sent"


def test_it_is_given_up_after_a_day_and_said_so() -> None:
    channel = samples.channel({"url": "u"})
    made = samples.notification(channel)
    down = Told(*[Retry("The receiver answered 503.", status=503)] * 1000)
    run(lambda at: at > NOW + 24 * HOUR + 11 * MINUTE, NOW, down, step=MINUTE)
    made.refresh_from_db()
    assert made.state == "failed"
    assert "503" in made.error
    assert 130 < len(down.got) < 160  # ten minutes apart at most, and not more often


def test_what_waits_for_a_channel_that_is_switched_off_is_given_up_after_a_day() -> None:
    channel = samples.channel({"url": "u"}, enabled=False)
    made = samples.notification(channel)
    assert delivery.send_due(NOW + 23 * HOUR, sender=Told()) == 0
    assert delivery.send_due(NOW + 24 * HOUR, sender=Told()) == 1
    made.refresh_from_db()
    assert (made.state, made.error) == ("failed", "Given up after 24 hours.")


def test_old_beginnings_with_their_ends_are_told_in_short() -> None:
    channel, told = samples.channel({"url": "u"}), Told()
    over, open_one = samples.incident(), samples.incident()
    samples.notification(channel, "opened", over)
    samples.notification(channel, "resolved", over, NOW + MINUTE)
    samples.notification(channel, "opened", open_one)
    delivery.send_due(NOW + 7 * HOUR, sender=told)
    delivery.send_due(NOW + 7 * HOUR, sender=told)
    assert sorted(told.events) == ["digest", "opened"]
    [digest] = [out.message for out in told.got if out.message.event == "digest"]
    assert [line.split("–")[1].split(",")[0].strip() for line in digest.lines] == ["opened", "resolved"]


# No storm -------------------------------------------------------------------------------------------------------------


def test_beyond_the_limit_a_digest_every_ten_minutes_instead_of_a_storm() -> None:
    channel, told = samples.channel({"url": "u"}, most_per_hour=10), Told()
    for _ in range(300):
        samples.notification(channel)
    at = datetime(2026, 11, 26, 2, 20, tzinfo=NOW.tzinfo)
    run(lambda now: now > at + 9 * MINUTE, at, told, step=30 * SECOND)
    assert told.events == ["opened"] * 10 + ["digest"]
    digest = told.got[-1].message
    assert digest.title == "290 messages about 290 incidents, in short"
    assert (len(digest.lines), digest.lines[-1]) == (101, "190 more are on the page of incidents.")
    assert digest.url.endswith("/incidents/?project=default")
    assert states(channel).count("skipped") == 290
    for _ in range(5):
        samples.notification(channel, at=at + 9 * MINUTE)
    run(lambda now: now > at + 9 * MINUTE + 50 * SECOND, at + 9 * MINUTE, told, step=10 * SECOND)
    assert len(told.got) == 11
    run(lambda now: now > at + 11 * MINUTE, at + 10 * MINUTE, told, step=10 * SECOND)
    assert told.events[11:] == ["digest"]
    run(lambda now: now > at + 62 * MINUTE, at + 61 * MINUTE, told, step=MINUTE)
    samples.notification(channel, at=at + 62 * MINUTE)
    delivery.send_due(at + 62 * MINUTE, sender=told)
    assert told.events[12:] == ["opened"]


def test_new_critical_incidents_are_told_beyond_the_limit_up_to_three_times() -> None:
    channel, told = samples.channel({"url": "u"}, most_per_hour=2), Told()
    for _ in range(2):
        samples.notification(channel)
    delivery.send_due(NOW, sender=told)
    for _ in range(6):
        samples.notification(channel, severity="critical")
    samples.notification(channel)
    delivery.send_due(NOW + SECOND, sender=told)
    delivery.send_due(NOW + 2 * SECOND, sender=told)
    assert told.events == ["opened"] * 6 + ["digest"]
    assert len(told.got[-1].message.lines) == 3
    assert told.got[-1].message.severity == "critical"


def test_pagerduty_hears_of_every_end_and_alertmanager_of_everything() -> None:
    pager, manager = (
        samples.channel({}, "pagerduty", "a", most_per_hour=1),
        samples.channel({}, "alertmanager", "b", most_per_hour=1),
    )
    told = Told()
    for channel in (pager, manager):
        for _ in range(3):
            incident = samples.incident()
            samples.notification(channel, "opened", incident)
            samples.notification(channel, "resolved", incident)
    for n in range(4):
        delivery.send_due(NOW + n * SECOND, sender=told)
    events = {
        kind: sorted(out.message.event for out in told.got if out.kind == kind)
        for kind in ("pagerduty", "alertmanager")
    }
    assert events == {
        "pagerduty": ["digest", "opened", *["resolved"] * 3],
        "alertmanager": ["opened"] * 3 + ["resolved"] * 3,
    }


# Workers that meet, and workers that die ------------------------------------------------------------------------------


def test_two_workers_that_list_the_same_send_it_once() -> None:
    channel, told = samples.channel({"url": "u"}), Told()
    incident = samples.incident()
    samples.notification(channel, "opened", incident)
    samples.notification(channel, "resolved", incident)
    first, second = outbox.queues(NOW), outbox.queues(NOW)
    assert delivery.Pass(NOW, first, told).run() == 2
    assert delivery.Pass(NOW, second, told).run() == 0
    assert told.events == ["opened", "resolved"]


def test_of_two_claims_on_the_same_version_one_succeeds() -> None:
    made = samples.notification(samples.channel({"url": "u"}))
    again = Notification.objects.get(pk=made.pk)
    assert (delivery.claim(made, NOW), delivery.claim(again, NOW)) == (True, False)


def test_while_one_sends_the_beginning_another_does_not_send_the_end() -> None:
    channel, told = samples.channel({"url": "u"}), Told()
    incident = samples.incident()
    opened = samples.notification(channel, "opened", incident)
    samples.notification(channel, "resolved", incident)
    assert delivery.claim(opened, NOW)
    assert delivery.send_due(NOW, sender=told) == 0


def test_two_digests_of_one_time_are_one() -> None:
    channel = samples.channel({"url": "u"}, most_per_hour=1)
    for _ in range(4):
        samples.notification(channel)
    one, two = outbox.queues(NOW)[0], outbox.queues(NOW)[0]
    assert (delivery.fold(one, NOW), delivery.fold(two, NOW)) == (3, 0)
    assert Notification.objects.filter(event="digest").count() == 1


def test_killed_after_sending_it_is_sent_again_with_the_same_key(
    receiver: HttpReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = samples.channel({"url": receiver.url})
    made = samples.notification(channel)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(delivery, "write_down", killed)
        with pytest.raises(KeyboardInterrupt):
            delivery.send_due(NOW)
    made.refresh_from_db()
    assert made.state == "sending"
    assert delivery.send_due(NOW + 30 * SECOND) == 0  # it might still be at it
    assert delivery.send_due(NOW + 61 * SECOND) == 1
    first, second = receiver.got
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.json["groupKey"] == second.json["groupKey"] == made.message["key"]


def test_killed_before_sending_it_is_sent_later(monkeypatch: pytest.MonkeyPatch) -> None:
    channel, told = samples.channel({"url": "u"}), Told()
    samples.notification(channel)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(delivery, "outgoing", killed)
        with pytest.raises(KeyboardInterrupt):
            delivery.send_due(NOW, sender=told)
    assert told.got == []
    delivery.send_due(NOW + 61 * SECOND, sender=told)
    assert told.events == ["opened"]


# Tests ----------------------------------------------------------------------------------------------------------------


def test_a_test_is_sent_to_a_channel_that_is_off_or_waits(receiver: HttpReceiver) -> None:
    channel = samples.channel({"url": receiver.url}, enabled=False, disabled_reason="x", not_before=NOW + HOUR)
    made = channels.test("default", channel.pk, "ada", NOW)
    assert (made.state, made.event) == ("sent", "test")
    assert receiver.got[0].json["tracestore"]["event"] == "test"
    channel.refresh_from_db()
    assert (channel.enabled, channel.disabled_reason) == (False, "x")


@pytest.mark.parametrize("status", [500, 410])
def test_a_test_that_fails_is_not_repeated_and_switches_nothing_off(receiver: HttpReceiver, status: int) -> None:
    channel = samples.channel({"url": receiver.url})
    receiver.usual = Reply(status)
    made = channels.test("default", channel.pk, "ada", NOW)
    assert made.state == "failed"
    assert str(status) in made.error
    channel.refresh_from_db()
    assert (channel.enabled, channel.not_before, channel.failures) == (True, None, 0)
    assert delivery.send_due(NOW + HOUR) == 0
    assert len(receiver.got) == 1


# Waits ----------------------------------------------------------------------------------------------------------------


def test_waits_double_up_to_ten_minutes() -> None:
    assert [backoff.wait(n).total_seconds() for n in (1, 2, 3, 8, 9, 99)] == [5, 10, 20, 600, 600, 600]
    assert backoff.wait(1, 90).total_seconds() == 90
    assert backoff.wait(9, 2).total_seconds() == 600


def test_chance_keeps_to_a_fifth(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    waits = [backoff.wait(2).total_seconds() for _ in range(200)]
    assert min(waits) >= 8
    assert max(waits) <= 12
    assert max(waits) - min(waits) > 1
