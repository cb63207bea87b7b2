"""What a rule that is not saved yet would have done in the past: in a sentence, as a list, and as what fired when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.utils import timezone

from tracestore.alerts import durations
from tracestore.alerts.conditions import condition as conditions
from tracestore.alerts.rule_fields import checked
from tracestore.errors import InvalidInput
from tracestore.moments import parse_time

USUAL: Final = timedelta(days=7)
#: Further back costs minutes and says little of today's agents.
MOST: Final = timedelta(days=30)
#: Bars of the chart.
PLACES: Final = 56


@dataclass(frozen=True, slots=True)
class Fired:
    """A stretch of firing of one set of labels; `ended` is None when it would still fire. `value` is the worst figure
    (of findings: how many), `traces` are examples.
    """

    labels: Mapping[str, str]
    began: datetime
    ended: datetime | None = None
    value: float | None = None
    traces: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Preview:
    """What fired, the newest first, and the worst figure of all groups over time (of findings: none).

    `since` may be later than was asked for; `complete` says whether nothing was left out.
    """

    since: datetime
    until: datetime
    fired: Sequence[Fired]
    figures: Sequence[tuple[datetime, float]] = ()
    complete: bool = True

    @property
    def seconds(self) -> int:
        """How long anything fired: stretches that overlap count once."""
        total, reached = timedelta(), self.since
        for one in sorted(self.fired, key=lambda one: one.began):
            end = one.ended or self.until
            total += max(end - max(one.began, reached), timedelta())
            reached = max(reached, end)
        return round(total.total_seconds())

    @property
    def sentence(self) -> str:
        span = durations.words(round((self.until - self.since).total_seconds()))
        if not self.fired:
            return f"Would not have fired in {span}."
        count, fired_s = len(self.fired), self.seconds
        length = durations.words(fired_s if fired_s < 600 else fired_s // 60 * 60)
        times = {1: "once", 2: "twice"}.get(count, f"{count:,} times")
        times = times if self.complete else f"at least {times}"
        last = self.fired[0]
        still = ", and still would" if any(one.ended is None for one in self.fired) else ""
        if count == 1:
            return f"Would have fired {times} in {span}, on {moment(last.began)}, for {length}{still}."
        return f"Would have fired {times} in {span}, firing {length} in all; the last on {moment(last.began)}{still}."

    def places(self) -> list[tuple[datetime, int]]:
        """The time in equal parts: the beginning of each, and how many sets of labels fired in it at some moment."""
        size = (self.until - self.since) / PLACES
        found = []
        for k in range(PLACES):
            start, end = self.since + k * size, self.since + (k + 1) * size
            within = {
                tuple(sorted(one.labels.items()))
                for one in self.fired
                if one.began < end and (one.ended or self.until) > start
            }
            found.append((start, len(within)))
        return found


def moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%b} {at.astimezone(UTC).day} at {at.astimezone(UTC):%H:%M} UTC"


def preview(project_slug: str, sent: Mapping[Any, Any], since: str = "", now: datetime | None = None) -> Preview:
    """Checks a rule and says what it would have done. A name is not needed yet; nothing is stored.

    Raises:
        InvalidInput: the rule or `since` cannot be that; names the field.
        Unavailable: the store does not answer.
    """
    values = checked(project_slug, {**sent, "name": sent.get("name") or "preview"})
    until = now or timezone.now()
    begins = parse_time(since, "since", now=until) if since else until - USUAL
    if not until - MOST <= begins < until:
        raise InvalidInput(f"since: expected a time of the last {MOST.days} days, such as 24h or 7d.", field="since")
    condition = conditions.parse(values["kind"], values["condition"])
    from tracestore.alerts import past

    found = past.firings(project_slug, condition, values["hold_s"], values["keep_firing_s"], begins, until)
    fired = [Fired(dict(one.labels), one.start, one.end, one.peak, tuple(one.examples)) for one in found.firings]
    fired.sort(key=lambda one: (one.began, sorted(one.labels.items())), reverse=True)
    figures = [(point.at, point.value) for point in found.points]
    return Preview(found.since, found.until, fired, figures, found.complete)
