"""Sends what is to be sent: claimed, sent, written down.

At least once, in order for each channel and incident. A worker that dies before sending leaves a row that the next
pass sends; one that dies after it leaves a claim that runs out, and it is sent again with the same deduplication key.
Threads only talk to receivers; all that is read and written is done here, in one thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import datetime, timedelta
from typing import Final

import msgspec
import structlog
from django.db import transaction
from django.db.models import F, Q

from tracestore.alerts import backoff, digests, message, outbox, sealed
from tracestore.alerts.cas import swap
from tracestore.alerts.models import Channel, Delivery, Notification
from tracestore.alerts.notify import senders
from tracestore.alerts.notify.outcome import Outgoing, Permanent, Retry, Sent
from tracestore.alerts.outbox import Entry, Queue

log = structlog.get_logger(__name__)

State = Notification.State
Outcome = Delivery.Outcome
Sender = Callable[[Outgoing], Sent]

AT_ONCE: Final = 8
#: No send is begun later in a pass than this; what is left is for the next, seconds later.
PASS_S: Final = 20.0
#: Longer than a pass and the slowest send together.
CLAIM: Final = timedelta(seconds=60)
#: Messages in a row that a receiver calls wrong, after which the channel is.
MOST_WRONG: Final = 3
MOST_ERROR: Final = 500
UNREADABLE: Final = "The stored message cannot be read; the worker's log tells more."


def send_due(now: datetime, *, sender: Sender = senders.send) -> int:
    """Sends what is due. Several may run at once. Returns how many notifications it changed."""
    changed = outbox.give_up(now)
    queues = outbox.queues(now)
    for queue in queues:
        changed += outbox.skip_overtaken(queue)
        changed += fold(queue, now)
    if not any(queue.next(now) for queue in queues):
        return changed
    return changed + Pass(now, queues, sender).run()


def fold(queue: Queue, now: datetime) -> int:
    stale = queue.stale(now)
    queue_left = [entry for entry in queue.beyond_limit(now) if entry not in stale]
    taken = digests.fold(queue.channel, sorted([*stale, *queue_left], key=lambda entry: entry.id), now)
    if taken:
        queue.drop(taken)
    return len(taken)


def send_now(notification: Notification, now: datetime, *, sender: Sender = senders.send) -> None:
    """Sends one at once, whatever its channel's state, and tries no second time: for tests."""
    if claim(notification, now):
        ended, seconds = timed(sender, outgoing(notification, now))
        write_down(notification, ended, now, seconds)


class Pass:
    """One pass over what is due: one message of a channel at a time, several channels at once."""

    def __init__(self, now: datetime, queues: list[Queue], sender: Sender) -> None:
        self._now, self._began = now, time.monotonic()
        self._queues = {queue.channel.pk: queue for queue in queues}
        self._sender = sender
        #: Channel → from when on (by the monotonic clock) it takes the next.
        self._free_at: dict[int, float] = {}
        self._changed = 0

    def now(self) -> datetime:
        return self._now + timedelta(seconds=time.monotonic() - self._began)

    def run(self) -> int:
        sending: dict[Future[tuple[Sent | Retry | Permanent, float]], tuple[Notification, Entry]] = {}
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="notify") as threads:
            while True:
                busy = {notification.channel_id for notification, _ in sending.values()}
                if time.monotonic() - self._began < PASS_S:
                    for pk in self._free(busy):
                        if len(sending) == AT_ONCE:
                            break
                        taken = self._take(self._queues[pk])
                        if taken is not None:
                            sending[threads.submit(timed, self._sender, outgoing(taken[0], self.now()))] = taken
                if not sending:
                    pause = self._pause()
                    if pause is None:
                        return self._changed
                    time.sleep(pause)
                    continue
                for future in wait(sending, timeout=self._pause(), return_when=FIRST_COMPLETED).done:
                    notification, entry = sending.pop(future)
                    self._ended(notification, entry, *future.result())

    def _take(self, queue: Queue) -> tuple[Notification, Entry] | None:
        """The next notification of a channel, claimed; None if it has none now."""
        while (entry := queue.next(self._now)) is not None:
            row = outbox.claimable(entry)
            if row is not None and not open_for(row, self._now):
                break  # it was switched off or put in back-off since
            if row is not None and claim(row, self.now()):
                if readable(row):
                    return row, entry
                self._ended(row, entry, Permanent(UNREADABLE, this_one_only=True), 0.0)
                continue
            queue.leave(entry)
        self._queues.pop(queue.channel.pk, None)
        return None

    def _free(self, busy: set[int]) -> list[int]:
        at = time.monotonic()
        return [pk for pk in self._queues if pk not in busy and self._free_at.get(pk, 0.0) <= at]

    def _ended(self, notification: Notification, entry: Entry, ended: Sent | Retry | Permanent, seconds: float) -> None:
        self._changed += 1
        write_down(notification, ended, self.now(), seconds)
        pk = notification.channel_id
        queue = self._queues.get(pk)
        if queue is None:
            return
        stopped = isinstance(ended, Retry) or not Channel.objects.filter(pk=pk, enabled=True).exists()
        if stopped and entry.event != "test":
            del self._queues[pk]
            return
        queue.done(entry)
        if isinstance(ended, Sent) and queue.limited(entry):
            queue.sent_in_hour += 1
        self._free_at[pk] = time.monotonic() + senders.APART_S.get(queue.channel.kind, 0.0)

    def _pause(self) -> float | None:
        """Seconds until a channel takes the next, None if none waits for that or the pass is over."""
        at = time.monotonic()
        later = [free - at for pk, free in self._free_at.items() if pk in self._queues and free > at]
        if not later or at - self._began >= PASS_S:
            return None
        return max(min(later), 0.001)


def timed(sender: Sender, out: Outgoing) -> tuple[Sent | Retry | Permanent, float]:
    began = time.monotonic()
    return attempt(sender, out), time.monotonic() - began


def attempt(sender: Sender, out: Outgoing) -> Sent | Retry | Permanent:
    if sealed.unreadable(out.config):
        return Retry(sealed.AGAIN)  # and not for good: what waits is sent once the secret is given again
    try:
        return sender(msgspec.structs.replace(out, config=sealed.plain(out.config)))
    except (Retry, Permanent) as ended:
        return ended
    except Exception:
        # A defect of ours. It must neither stop what else is to be sent nor lose this.
        log.exception("a sender failed", kind=out.kind, notification=out.id)
        return Retry("An internal error occurred; the worker's log tells more.")


def readable(notification: Notification) -> bool:
    try:
        message.from_json(notification.message)
    except msgspec.ValidationError:
        log.exception("a stored message cannot be read", notification=notification.pk)
        return False
    return True


def open_for(notification: Notification, now: datetime) -> bool:
    channel = notification.channel
    if channel.deleted_at is not None:
        return False
    return notification.event == "test" or (
        channel.enabled and (channel.not_before is None or channel.not_before <= now)
    )


def claim(notification: Notification, now: datetime) -> bool:
    return swap(notification, state=State.SENDING, claimed_until=now + CLAIM, attempts=notification.attempts + 1)


def outgoing(notification: Notification, now: datetime) -> Outgoing:
    """All that the sender needs, read here so that it needs no database."""
    channel = notification.channel
    found = message.from_json(notification.message)
    thread = first_title = ""
    earlier = None
    if notification.incident_id is not None:
        sent = Notification.objects.filter(
            channel=channel, incident_id=notification.incident_id, state=State.SENT
        ).order_by("pk")
        first, last = sent.first(), sent.last()
        if first is not None and last is not None:
            first_title = message.from_json(first.message).title
            earlier = message.from_json(last.message)
            thread = next((one for one in sent.exclude(receipt="").values_list("receipt", flat=True)[:1]), "")
    return Outgoing(
        id=notification.pk, channel=channel.name, kind=channel.kind, config=channel.config, message=found,
        at=now.timestamp(), thread=thread, first_title=first_title, earlier=earlier,
    )  # fmt: skip


def write_down(notification: Notification, ended: Sent | Retry | Permanent, now: datetime, seconds: float) -> None:
    """Keeps how an attempt ended, with what follows for the notification and its channel, all or nothing."""
    with transaction.atomic():
        match ended:
            case Sent():
                outcome = Outcome.SENT
                swap(notification, state=State.SENT, sent_at=now, receipt=ended.receipt[:200],
                     error=ended.note[:MOST_ERROR], claimed_until=None)  # fmt: skip
                arrived(notification, now)
            case Retry():
                outcome = failed_for_now(notification, ended, now)
            case Permanent():
                outcome = Outcome.FAILED
                swap(notification, state=State.FAILED, error=ended.reason[:MOST_ERROR], claimed_until=None)
        error = ended.note if isinstance(ended, Sent) else ended.reason
        Delivery.objects.create(
            notification=notification, at=now, outcome=outcome, status=max(ended.status, 0),
            milliseconds=round(seconds * 1000), error=error[:MOST_ERROR],
        )  # fmt: skip
        if not isinstance(ended, Sent):
            Channel.objects.filter(pk=notification.channel_id).update(last_error=error[:MOST_ERROR], last_error_at=now)
        if isinstance(ended, Permanent):
            switch_off(notification, ended)
    log.info("notified", channel=notification.channel_id, kind=notification.channel.kind, event_told=notification.event,
             outcome=str(outcome), status=ended.status, reason=error)  # fmt: skip


def arrived(notification: Notification, now: datetime) -> None:
    """The channel works. If a test shows so, what waits for it need not wait longer."""
    pk = notification.channel_id
    if notification.event == "test":
        outbox.release(pk, now)
    Channel.objects.filter(pk=pk).update(failures=0, not_before=None, last_sent_at=now, last_error="")


def failed_for_now(notification: Notification, ended: Retry, now: datetime) -> Delivery.Outcome:
    if notification.event == "test" or now - notification.created_at >= outbox.GIVEN_UP:
        swap(notification, state=State.FAILED, error=ended.reason[:MOST_ERROR], claimed_until=None)
        return Outcome.FAILED
    own = backoff.wait(notification.attempts, ended.after_s)
    swap(notification, state=State.WAITING, not_before=now + own, error=ended.reason[:MOST_ERROR], claimed_until=None)
    Channel.objects.filter(pk=notification.channel_id).update(failures=F("failures") + 1)
    failures = Channel.objects.values_list("failures", flat=True).get(pk=notification.channel_id)
    Channel.objects.filter(pk=notification.channel_id).update(not_before=now + backoff.wait(failures, ended.after_s))
    return Outcome.RETRY


def switch_off(notification: Notification, ended: Permanent) -> None:
    """Switches a channel off that cannot work, and says why. A test does not: somebody looks at its answer."""
    if notification.event == "test":
        return
    reason = ended.reason
    if ended.this_one_only:
        told = Delivery.objects.filter(notification__channel_id=notification.channel_id)
        last = (
            told.filter(~Q(notification__event="test")).order_by("-pk").values_list("outcome", flat=True)[:MOST_WRONG]
        )
        if list(last) != [Outcome.FAILED] * MOST_WRONG:
            return
        reason = f"{MOST_WRONG} messages in a row were refused. {reason}"
    if Channel.objects.filter(pk=notification.channel_id, enabled=True).update(
        enabled=False, disabled_reason=reason[:500], not_before=None
    ):
        log.warning("channel switched off", channel=notification.channel_id, reason=reason)
