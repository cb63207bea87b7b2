"""Which stored notifications may be sent now, and in which order; what need not be sent any more.

Those of one channel and incident go in the order in which they were stored: while one is neither sent nor given up,
the next waits. What belongs to no incident (a test, a digest) waits for nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

import msgspec
from django.db.models import Count, F, Q

from tracestore.alerts.cas import swap
from tracestore.alerts.models import Channel, Notification, Severity
from tracestore.alerts.notify.senders import KEEPS_STATE, UNLIMITED

State = Notification.State

#: What could not be sent for so long is given up.
GIVEN_UP: Final = timedelta(hours=24)
#: What begins and ends within an outage longer than this is told in a digest: it is no news.
STALE: Final = timedelta(hours=6)
#: Unfinished notifications that one pass looks at.
MOST_SEEN: Final = 5000
#: Critical incidents go out beyond a channel's limit, up to so many times the limit.
CRITICAL_TIMES: Final = 3
#: These tell a receiver that keeps state what it must hear.
STATES: Final = frozenset({"acknowledged", "unacknowledged", "resolved"})


class Entry(msgspec.Struct, frozen=True):
    """An unfinished notification, in short."""

    id: int
    incident: int | None
    event: str
    severity: str
    state: str
    attempts: int
    version: int
    created_at: datetime
    not_before: datetime
    claimed_until: datetime | None

    def ready(self, now: datetime) -> bool:
        """Waiting and due, or taken by a worker that has not been heard of for too long."""
        if self.state == State.SENDING:
            return self.claimed_until is None or self.claimed_until <= now
        return self.not_before <= now

    @property
    def urgent(self) -> bool:
        return self.event == "opened" and self.severity == Severity.CRITICAL


class Queue:
    """What one channel is still to be told."""

    def __init__(self, channel: Channel, entries: Iterable[Entry], sent_in_hour: int) -> None:
        self.channel = channel
        self.sent_in_hour = sent_in_hour
        self.lines: dict[tuple[str, int], deque[Entry]] = {}
        for entry in entries:
            key = ("incident", entry.incident) if entry.incident is not None else ("alone", entry.id)
            self.lines.setdefault(key, deque()).append(entry)

    def next(self, now: datetime) -> Entry | None:
        """What to send next: new critical incidents first, then what failed the least often, then the oldest."""
        heads = [line[0] for line in self.lines.values() if line]
        free = [head for head in heads if head.ready(now) and self.has_room_for(head)]
        return min(free, key=lambda head: (not head.urgent, head.attempts, head.id), default=None)

    def has_room_for(self, entry: Entry) -> bool:
        most = self.channel.most_per_hour
        if not self.limited(entry):
            return True
        return self.sent_in_hour < (most * CRITICAL_TIMES if entry.urgent else most)

    def limited(self, entry: Entry) -> bool:
        """Whether it counts for the channel's limit."""
        if entry.event in ("test", "digest") or self.channel.kind in UNLIMITED:
            return False
        return not (self.channel.kind in KEEPS_STATE and entry.event in STATES)

    def done(self, entry: Entry) -> None:
        """The next one of its incident may go."""
        for line in self.lines.values():
            if line and line[0].id == entry.id:
                line.popleft()

    def leave(self, entry: Entry) -> None:
        """Another worker is at it: nothing more of its incident in this pass."""
        for line in self.lines.values():
            if line and line[0].id == entry.id:
                line.clear()

    def beyond_limit(self, now: datetime) -> list[Entry]:
        """What is due but exceeds the limit, in order; new critical incidents are not part of it until much more is."""
        most = self.channel.most_per_hour
        waiting = sorted((one for line in self.lines.values() for one in line), key=lambda one: one.id)
        counted = [one for one in waiting if one.state == State.WAITING and one.not_before <= now and self.limited(one)]
        urgent = [one for one in counted if one.urgent]
        room = max(most * CRITICAL_TIMES - self.sent_in_hour, 0)
        usual = [one for one in counted if not one.urgent][max(most - self.sent_in_hour - len(urgent[:room]), 0) :]
        return sorted([*usual, *urgent[room:]], key=lambda one: one.id)

    def stale(self, now: datetime) -> list[Entry]:
        """All of incidents that began and ended while the channel was down for long."""
        found = []
        for line in self.lines.values():
            waiting = all(one.state == State.WAITING and one.created_at <= now - STALE for one in line)
            if len(line) > 1 and waiting and line[0].event == "opened" and line[-1].event == "resolved":
                found += [one for one in line if self.limited(one)]
        return sorted(found, key=lambda one: one.id)

    def drop(self, entries: Iterable[Entry]) -> None:
        gone = {entry.id for entry in entries}
        self.lines = {key: deque(one for one in line if one.id not in gone) for key, line in self.lines.items()}


def queues(now: datetime) -> list[Queue]:
    """What may be sent, by channel. Channels that are off or in back-off have only their tests."""
    told = Q(event="test") | (
        Q(channel__enabled=True) & (Q(channel__not_before=None) | Q(channel__not_before__lte=now))
    )
    rows = (
        Notification.objects.filter(told, state__in=(State.WAITING, State.SENDING), channel__deleted_at=None,
                                    project__closed_at=None)
        .annotate(severity=F("message__severity"))
        .order_by("pk")
        .values_list("pk", "incident_id", "event", "severity", "state", "attempts", "version", "created_at",
                     "not_before", "claimed_until", "channel_id")[:MOST_SEEN]
    )  # fmt: skip
    by_channel: dict[int, list[Entry]] = {}
    for *fields, channel_id in rows:
        by_channel.setdefault(channel_id, []).append(Entry(*fields))
    if not by_channel:
        return []
    sent = Notification.objects.filter(
        channel_id__in=by_channel, state=State.SENT, sent_at__gt=now - timedelta(hours=1)
    )
    counts = sent.exclude(event__in=("test", "digest")).values("channel_id").annotate(n=Count("pk"))
    in_hour = {row["channel_id"]: row["n"] for row in counts.order_by()}
    channels = Channel.objects.in_bulk(by_channel)
    return [Queue(channels[pk], entries, in_hour.get(pk, 0)) for pk, entries in by_channel.items() if pk in channels]


def skip_overtaken(queue: Queue) -> int:
    """Reminders after which something newer waits say nothing that the newer one does not. Returns how many."""
    gone = []
    for line in queue.lines.values():
        for entry in list(line)[:-1]:
            if entry.event == "reminder" and entry.state == State.WAITING:
                row = claimable(entry)
                if row is not None and swap(row, state=State.SKIPPED, error="Out of date before it could be sent."):
                    gone.append(entry)
    if gone:
        queue.drop(gone)
    return len(gone)


def give_up(now: datetime) -> int:
    """What waits since too long, for a channel that failed or is switched off, is given up. Returns how many."""
    abandoned = Q(state=State.WAITING) | Q(state=State.SENDING, claimed_until__lte=now)
    old = Notification.objects.filter(abandoned, created_at__lte=now - GIVEN_UP)
    return sum(
        swap(row, state=State.FAILED, error=f"Given up after 24 hours. {row.error}".strip()[:500])
        for row in old.order_by("pk")[:MOST_SEEN]
    )


def release(channel_id: int, now: datetime) -> None:
    """What failed before and waits is due: the channel was mended."""
    failed = Notification.objects.filter(channel_id=channel_id, state=State.WAITING, attempts__gt=0)
    failed.filter(not_before__gt=now).update(not_before=now, version=F("version") + 1)


def claimable(entry: Entry) -> Notification | None:
    """The row as it was when it was listed, None if somebody has changed it since."""
    return Notification.objects.select_related("channel").filter(pk=entry.id, version=entry.version).first()
