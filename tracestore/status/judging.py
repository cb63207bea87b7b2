"""Figures → judged items with a sentence each. Pure; the limits are here and nowhere else.

`docs/monitoring/tracestore-alerts.yml` alerts on the same, so that the page and the pager agree.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

from tracestore.status.forecast import Forecast
from tracestore.status.item import Item, Level, above
from tracestore.status.jobs import Pass

#: A trace is settled 2 s after its last span, a busy one each 10 s.
SETTLING_S: Final = (30, 300)
#: An idle installation moves the watermark once a minute.
DETECTION_S: Final = (180, 900)
ALERTS_S: Final = (30, 120)
NOTIFICATION_S: Final = (120, 900)
#: Of a job's turn, beside half a minute that writing it down and a busy worker may take.
SILENT_TURNS: Final = (3, 10)
SILENT_GRACE_S: Final = 30
#: Share of spans that were rejected, and from how many on it says something.
REJECTED: Final = (0.001, 0.05)
ENOUGH_SPANS: Final = 100
FREE_SHARE: Final = (0.15, 0.05)
FULL_DAYS: Final = (30, 7)
ANSWER_S: Final = (2.5, 10)

STORE_AWAY: Final = "The store does not answer: see that the engine or ClickHouse runs, and its log."


def rate(lately: float, hour: int) -> list[Item]:
    quiet = "Nothing arrives: if agents run, see their exporter's address and key." if not hour else ""
    return [
        Item("ingest_rate", "Spans now", "ok", quiet or "Mean of the last 15 seconds.", lately, "spans/s"),
        Item(
            "ingest_rate_hour",
            "Over the last hour",
            "ok",
            f"{hour:,} spans written in this project.",
            hour / 3600,
            "spans/s",
        ),
    ]


def settling(count: int, oldest: float) -> list[Item]:
    level = above(oldest, *SETTLING_S)
    advice = {
        "ok": "A trace is settled two seconds after its last span.",
        "warn": "Settling is behind: see whether the worker has CPU to spare.",
        "bad": "Settling stands still: see the jobs of the worker and its log.",
    }[level]
    return [
        Item("settling_backlog", "Traces to settle", level, advice, count, "count"),
        Item("settling_oldest", "Oldest of them waits", level, advice, oldest, "seconds"),
    ]


def detection(lag: float | None) -> Item:
    if lag is None:
        return Item("detection_lag", "Detection is behind by", "unknown", "Detectors have not looked yet.")
    level = above(lag, *DETECTION_S)
    advice = {
        "ok": "Moves at least once a minute, also when nothing arrives.",
        "warn": "Detectors are behind: findings and verdicts come late until they catch up.",
        "bad": "Detectors stand still: see the jobs of the worker and its log.",
    }[level]
    return Item("detection_lag", "Detection is behind by", level, advice, lag, "seconds")


def alerts(age: float | None) -> Item:
    if age is None:
        return Item("alerts_age", "Alert rules were evaluated", "unknown", "No pass is known yet: is the worker up?")
    level = above(age, *ALERTS_S)
    advice = "Every two seconds; written down every ten." if level == "ok" else (
        "Rules are not evaluated: nobody is called now. See the worker and the store."
    )  # fmt: skip
    return Item("alerts_age", "Alert rules were evaluated", level, advice, age, "seconds", "")


def notifications(oldest: float | None) -> Item:
    if oldest is None:
        return Item("notification_oldest", "Oldest waiting notification", "ok", "Nothing waits.", text="none")
    level = above(oldest, *NOTIFICATION_S)
    advice = "On its way." if level == "ok" else "Not told yet: see the channel's log for what its receiver answers."
    return Item("notification_oldest", "Oldest waiting notification", level, advice, oldest, "seconds")


def channels(off: Iterable[tuple[str, str]], count: int) -> Item:
    """`off`: name and reason of those that were switched off; those that a person did have no reason."""
    broken = [(name, reason) for name, reason in off if reason]
    if broken:
        name, reason = broken[0]
        more = f" and {len(broken) - 1} more" if len(broken) > 1 else ""
        advice = f"“{name[:60]}”{more} gets nothing: {reason[:160].rstrip('.')}. Mend it and switch it on again."
        return Item("channels_disabled", "Channels switched off by errors", "bad", advice, len(broken), "count")
    advice = "All deliver." if count else "No channel is set up: incidents are on the pages only."
    return Item("channels_disabled", "Channels switched off by errors", "ok", advice, 0, "count")


def detectors(failures: int, last: tuple[str, datetime, str] | None, now: datetime) -> Item:
    title = "Failures of detectors"
    if last is None:
        return Item("detector_failures", title, "ok", "None since the first start.", failures, "count")
    name, at, what = last
    fresh = (now - at).total_seconds() < 3600
    return Item(
        "detector_failures", title, "warn" if fresh else "ok",
        f"Last by {name}, {at:%Y-%m-%d %H:%M} UTC ({what[:120]}): a defect; its log line has the trace.",
        failures, "count",
    )  # fmt: skip


def job(known: Pass, now: datetime) -> Item:
    id_ = f"job_{known.job}"
    if known.done is None:
        advice = "Has not run yet." if not known.failing else "Has only failed so far: see the worker's log."
        # What runs once an hour may just not have had its turn.
        level: Level = "warn" if known.failing else "unknown"
        return Item(id_, known.name, level, advice)
    age = max((now - known.done).total_seconds(), 0.0)
    warn, bad = (turns * known.every + SILENT_GRACE_S for turns in SILENT_TURNS)
    level = above(age, warn, bad)
    if level != "ok":
        advice = "Is silent: start the worker and beat, or see the worker's log for what holds it up."
    elif known.failing:
        level, advice = "warn", "Failed at its last turn and is tried again: see the worker's log."
    else:
        advice = f"Runs every {every(known.every)}."
    return Item(id_, known.name, level, advice, age, "seconds")


def every(seconds: float) -> str:
    if seconds < 2:
        return "second"
    if seconds < 60:
        return f"{seconds:g} seconds"
    return {60: "minute", 3600: "hour"}.get(round(seconds), f"{seconds / 60:g} minutes")


def ingest_away(asked_elsewhere: bool) -> Item:
    advice = (
        "Ingest does not answer at its address (TRACESTORE_INGEST_URL): spans are not taken there."
        if asked_elsewhere
        else "Ingest does not answer on this machine: start it, or name its address (TRACESTORE_INGEST_URL)."
    )
    return Item("ingest", "Ingest", "bad", advice, text="does not answer")


def by_reason(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in Counter(counts).most_common(5))


def ingest(
    spans: Mapping[str, int], rejected: Mapping[str, int], refused: Mapping[str, int], failures: Mapping[str, int],
    within: float | None, processes: int,
) -> list[Item]:  # fmt: skip
    """Counted since each of ingest's processes started."""
    received = spans.get("received", 0)
    share = spans.get("rejected", 0) / received if received else 0.0
    level = above(share, *REJECTED) if received >= ENOUGH_SPANS else "ok"
    failed = sum(failures.values())
    found = [
        Item("ingest", "Processes that answer", "ok", "The figures below are theirs.", processes, "count"),
        Item(
            "spans_rejected", "Rejected spans", level,
            f"By reason: {by_reason(rejected)}. Their senders were told; see their exporters." if rejected
            else "None since ingest started.", spans.get("rejected", 0), "count",
        ),
        Item(
            "spans_refused", "Refused spans", "ok",
            f"To be sent again, by reason: {by_reason(refused)}." if refused else "None since ingest started.",
            spans.get("refused", 0), "count",
        ),
        Item(
            "insert_failures", "Failed inserts", "warn" if failed else "ok",
            f"By error: {by_reason(failures)}. See the store's log; their spans were refused and come again." if failed
            else "None since ingest started.", failed, "count",
        ),
    ]  # fmt: skip
    if within is not None:
        slow = within == float("inf")
        figure = ANSWER_S[1] if slow else within
        level = above(figure, *ANSWER_S)
        advice = (
            "Arrival to stored and visible, by the bounds of the histogram."
            if level == "ok"
            else "Storing is slow: see the store's disk and CPU, or add ingest processes."
        )
        text = "more than 30 s" if slow else f"≤ {within:g} s"
        found.append(Item("visible_lag", "95 % of requests visible within", level, advice, figure, "seconds", text))
    return found


def disk(space: tuple[int, int] | None, seen: Forecast) -> list[Item]:
    if space is None:
        return [Item("disk_free", "Free disk", "ok", "Object storage: it has no end.", text="no end")]
    free, total = space
    share = free / total if total else 0.0
    level: Level = "bad" if share < FREE_SHARE[1] else "warn" if share < FREE_SHARE[0] else "ok"
    advice = f"{share:.0%} of the disk." if level == "ok" else "Give it more disk, or keep less (Settings, Retention)."
    found = [Item("disk_free", "Free disk", level, advice, free, "bytes")]
    if seen.days is None:
        advice = "At the present rate it comes to rest before the disk is full." if seen.rest is not None else (
            "At the present rate it lasts for more than ten years."
        )  # fmt: skip
        found.append(Item("disk_full_days", "Full in", "ok", advice, text="not foreseen"))
    else:
        level = "bad" if seen.days < FULL_DAYS[1] else "warn" if seen.days < FULL_DAYS[0] else "ok"
        advice = "At the rate of the last day, retention counted." if level == "ok" else (
            "Keep less (Settings, Retention) or add disk before then: a full disk refuses spans."
        )  # fmt: skip
        found.append(Item("disk_full_days", "Full in", level, advice, seen.days, "days"))
    return found
