"""What a message says, in the words that all channels share. Pure.

Whoever reads it may have been asleep: first what and how bad, then since when and whether it goes on, what it costs
and how fast, and where to look. Texts come from agents and their tools, so they are made one line without control
characters here, and escaped in the way of each channel there.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

from tracestore.alerts.message import Message

_CONTROLS: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028\u2029\u202a-\u202e\u2060\u2066-\u2069\ud800-\udfff\ufeff\U000e0000-\U000e007f]+"
)
_SPACES: Final = re.compile(r"\s+")
#: Runs, evidence and lines of a digest that a message names one by one.
MOST_LISTED: Final = 5
MOST_LINES: Final = 30


def one_line(text: str, limit: int) -> str:
    """The text on one line without control, direction and zero-width characters, cut at `limit` with an …"""
    clean = _SPACES.sub(" ", _CONTROLS.sub(" ", text)).strip()
    return clean if len(clean) <= limit else clean[: limit - 1].rstrip() + "…"


def money(dollars: float | None) -> str:
    """`$0.0312`, `$12.50`, `$1,250`; `unknown` for None."""
    if dollars is None:
        return "unknown"
    if dollars == 0:
        return "$0"
    if dollars >= 1000:
        return f"${dollars:,.0f}"
    if dollars >= 1:
        return f"${dollars:.2f}"
    return f"${dollars:.3g}" if dollars >= 0.0001 else "less than $0.0001"


def count(number: int) -> str:
    for unit, size in (("M", 1_000_000), ("k", 1_000)):
        if number >= size:
            return f"{number / size:.3g} {unit}"
    return str(number)


def parsed(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text.replace("Z", "+00:00")) if text else None
    except ValueError:
        return None
    return found.replace(tzinfo=UTC) if found and found.tzinfo is None else found


def when(text: str) -> str:
    """`2026-11-26 08:15 UTC`; '' if it is no time."""
    at = parsed(text)
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if at else ""


def duration(begin: str, end: str) -> str:
    """`42 s`, `12 m`, `3 h 05 m`, `2 d 4 h`; '' if either is unknown."""
    first, last = parsed(begin), parsed(end)
    if first is None or last is None:
        return ""
    seconds = max(round((last - first).total_seconds()), 0)
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} m"
    if seconds < 86400:
        return f"{seconds // 3600} h {seconds % 3600 // 60:02d} m"
    return f"{seconds // 86400} d {seconds % 86400 // 3600} h"


def title(message: Message, limit: int = 300) -> str:
    return one_line(message.title or message.facts.title or "Something is wrong", limit)


def numbered(message: Message) -> str:
    """`#12`; '' for what is about no incident."""
    return f"#{message.number}" if message.number else ""


def state(message: Message) -> str:
    """`CRITICAL`, `WARNING`, `RESOLVED`, `TEST`…: how bad, in a word."""
    if message.event in ("test", "digest"):
        return message.event.upper()
    return "RESOLVED" if message.state == "resolved" else message.severity.upper()


def headline(message: Message, limit: int = 300) -> str:
    """One line that says how bad, where and what."""
    return one_line(f"[{state(message)}] {numbered(message)} {title(message, limit)}", limit)


def happened(message: Message) -> str:
    """Why this is told now, in a sentence."""
    by = one_line(message.actor, 150)
    person = by if by and by != "tracestore" else ""
    lasted = duration(message.opened_at, message.resolved_at or message.at)
    match message.event:
        case "opened":
            return "It has just begun."
        case "acknowledged":
            return f"Acknowledged by {person or 'somebody'}: who did so looks after it."
        case "unacknowledged":
            return f"Nobody looks after it any more: {person or 'somebody'} gave it back."
        case "resolved":
            how = f"Resolved by {person}" if person else "It is over by itself"
            return f"{how}{f', after {lasted}' if lasted else ''}."
        case "reopened":
            return f"It has come back{f': reopened by {person}' if person else ''}."
        case "severity":
            return f"It is {message.severity} now."
        case "reminder":
            taken = "acknowledged but not resolved" if message.state == "acknowledged" else "not acknowledged"
            return f"A reminder: it is {taken}{f', open for {lasted}' if lasted else ''}."
        case "escalated":
            return f"Escalated: nobody has acknowledged it{f' for {lasted}' if lasted else ''}."
        case "digest":
            return "More was to be told than this channel takes in an hour. In short:"
        case _:
            return "A test: nothing is wrong. Messages of incidents will arrive like this one."


def going_on(message: Message) -> str:
    """Since when, and whether it still goes on."""
    began = when(message.facts.first_seen or message.opened_at)
    last = when(message.facts.last_seen)
    if message.state == "resolved":
        return f"since {began}, over" if began else "over"
    now = "still going on" if message.facts.going_on else f"last seen {last}" if last else "no longer seen"
    return f"since {began}, {now}" if began else now


def cost(message: Message) -> str:
    """What it has cost and how fast that grows; '' if neither is known."""
    facts = message.facts
    told = []
    if facts.wasted_usd > 0:
        told.append(f"{money(facts.wasted_usd)} wasted so far")
    if facts.wasted_tokens > 0:
        told.append(f"{count(facts.wasted_tokens)} tokens wasted")
    if facts.usd_per_hour is not None and facts.usd_per_hour > 0 and message.state != "resolved":
        told.append(f"{money(facts.usd_per_hour)} an hour")
    return ", ".join(told)


def details(message: Message) -> list[tuple[str, str]]:
    """What else is to be said, as names and values; only what is known."""
    facts = message.facts
    if message.event in ("test", "digest"):
        return [("Project", one_line(message.project, 100))]
    where = [
        f"{name} {one_line(message.labels[name], 80)}"
        for name in ("agent", "tool", "model")
        if message.labels.get(name)
    ]
    runs = f"{count(facts.run_count)} run{'s' if facts.run_count != 1 else ''}" if facts.run_count else ""
    found = [
        ("Where", ", ".join([*where, f"project {one_line(message.project, 100)}"])),
        ("When", going_on(message)),
        ("Cost", cost(message)),
        ("Concerned", runs),
        ("Changed", "; ".join(one_line(one, 150) for one in facts.changed[:MOST_LISTED])),
        ("Owner", one_line(message.owner, 120)),
        ("Note", one_line(message.note, 500)),
    ]
    return [(name, value) for name, value in found if value]


def links(message: Message) -> list[tuple[str, str]]:
    """Where to look, as names and addresses; only addresses that a browser opens without doing anything else."""
    named = [
        ("Incident" if message.number else "Tracestore", message.url),
        ("Evidence", message.evidence_url),
        ("Runbook", message.runbook_url),
    ]
    return [(name, address) for name, address in named if is_web(address)]


def is_web(address: str) -> bool:
    return bool(re.fullmatch(r"https?://[^\s<>\"'|\\^`{}\x00-\x1f\x7f-\x9f]{1,1990}", address))


def summary(message: Message, limit: int = 1000) -> str:
    return one_line(message.facts.summary, limit)


def digest_lines(message: Message) -> list[str]:
    told = [one_line(line, 250) for line in message.lines[:MOST_LINES]]
    left = len(message.lines) - len(told)
    return [*told, f"… and {left} more"] if left > 0 else told


def in_short(message: Message) -> str:
    """A line of a digest."""
    words = {"severity": f"now {message.severity}", "reminder": "still open"}.get(message.event, message.event)
    spent = cost(message)
    return one_line(f"{headline(message, 180)} – {words}{f', {spent}' if spent else ''}", 250)


def as_text(message: Message) -> str:
    """The whole message as plain text."""
    parts = [headline(message), "", happened(message)]
    if summary(message):
        parts += ["", summary(message)]
    parts += [f"- {line}" for line in digest_lines(message)]
    if found := details(message):
        parts += ["", *(f"{name}: {value}" for name, value in found)]
    if places := links(message):
        parts += ["", *(f"{name}: {address}" for name, address in places)]
    return "\n".join(parts) + "\n"
