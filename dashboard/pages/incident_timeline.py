"""The timeline of an incident: what changed, who said what, and who was told with what outcome."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from dashboard import figures_as_text
from tracestore.alerts import reading
from tracestore.alerts.models import Incident, Notification, Transition

#: Entries that are shown, the newest; the API has all.
SHOWN: Final = 100
SYSTEM: Final = "tracestore"
MOST_SAID: Final = 80
KINDS: Final = {
    "pagerduty": "PagerDuty",
    "slack": "Slack",
    "email": "e-mail",
    "alertmanager": "Alertmanager",
    "apprise": "Apprise",
}

#: Kind of a transition → icon and words; `{who}` is the actor.
WORDS: Final[dict[str, tuple[str, str]]] = {
    "opened": ("error", "Opened"),
    "acknowledged": ("ok", "Acknowledged"),
    "unacknowledged": ("odd", "Acknowledgement taken back"),
    "resolved": ("ok", "Resolved"),
    "reopened": ("error", "Reopened"),
    "snoozed": ("why", "Snoozed"),
    "woken": ("odd", "Snooze over"),
    "severity": ("odd", "Severity changed"),
    "grew": ("odd", "Grew"),
    "escalated": ("error", "Escalated: nobody had acknowledged it"),
    "silenced": ("why", "Silenced"),
    "cause": ("list", "Told as part of its cause"),
    "halted": ("error", "Halted"),
    "noted": ("sessions", "Note"),
}
OUTCOMES: Final = {
    "waiting": ("soft", "waiting to be sent"),
    "sending": ("soft", "being sent"),
    "sent": ("good", "sent"),
    "failed": ("bad", "not sent"),
    "skipped": ("soft", "not sent by itself: part of a digest, or out of date"),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One line. `about` is soft, `note` what somebody wrote; `sense` colours the outcome of a notification."""

    at: datetime
    icon: str
    words: str
    who: str = ""
    about: str = ""
    note: str = ""
    sense: str = ""
    outcome: str = ""
    error: str = ""

    @property
    def is_note(self) -> bool:
        return self.icon == "sessions"


def entries(one: Incident) -> list[Entry]:
    """The newest first."""
    changes = [changed(change) for change in reading.history(one)]
    sent = one.notifications.select_related("channel").order_by("-pk")[:SHOWN]
    found = changes + [told(notification) for notification in reversed(sent)]
    found.sort(key=lambda entry: entry.at)  # stable: what happened at once stays in its order
    return found[::-1][:SHOWN]


def changed(change: Transition) -> Entry:
    icon, words = WORDS.get(change.kind, ("other", change.kind))
    return Entry(
        change.at,
        icon,
        words,
        who="" if change.actor == SYSTEM else change.actor,
        about=about(change),
        note=change.note,
    )


def about(change: Transition) -> str:
    """What a transition keeps beside its kind, as far as it is worth reading in passing."""
    data, found = change.data, []
    match change.kind:
        case "severity":
            found = [f"{data.get('from', '')} → {data.get('to', '')}"]
        case "snoozed":
            found = [f"until {str(data.get('until', ''))[:16].replace('T', ' ')} UTC"]
        case "escalated":
            found = [f"step {data.get('step', '')}"]
        case "opened" | "grew":
            wasted = data.get("wasted_usd")
            found = [str(data.get("severity", ""))]
            if isinstance(wasted, int | float) and wasted > 0:
                found.append(f"{figures_as_text.cost(float(wasted))} wasted")
        case "halted":
            found = [str(data.get(name) or "") for name in ("by", "subject", "agent", "tool")]
    return ", ".join(word[:MOST_SAID] for word in found if word)


def told(sent: Notification) -> Entry:
    sense, outcome = OUTCOMES.get(sent.state, ("soft", sent.state))
    tries = f" after {sent.attempts} attempts" if sent.attempts > 1 else ""
    return Entry(
        sent.sent_at or sent.created_at,
        "out",
        f"Told {sent.channel.name}",
        about=f"{sent.event}, {KINDS.get(sent.channel.kind, sent.channel.kind)}",
        sense=sense,
        outcome=outcome + tries,
        error=sent.error if sent.state != Notification.State.SENT else "",
    )


def digest(one: Incident) -> str:
    """Changes whenever the page would say something else; relative times do not count."""
    last = one.transitions.order_by("-pk").values_list("pk", flat=True).first()
    sent = one.notifications.order_by("-pk").values_list("pk", "state", "attempts")[:SHOWN]
    halts = one.halts.order_by("-pk").values_list("pk", "active_key")[:5]
    text = f"{one.version} {one.facts} {one.last_seen_at} {last} {list(sent)} {list(halts)} {one.snoozed_until}"
    return hashlib.blake2s(text.encode(), digest_size=8).hexdigest()
