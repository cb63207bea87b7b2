"""Which sender a kind of channel has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tracestore.alerts.notify import alertmanager, apprise_url, mail, pagerduty, slack, webhook
from tracestore.alerts.notify.outcome import Outgoing, Permanent, Sent

SENDERS: Final[dict[str, Callable[[Outgoing], Sent]]] = {
    "webhook": webhook.send,
    "pagerduty": pagerduty.send,
    "slack": slack.send,
    "email": mail.send,
    "alertmanager": alertmanager.send,
    "apprise": apprise_url.send,
}
#: Seconds between two messages to one channel, where the receiver asks for it (Slack: one a second).
APART_S: Final = {"slack": 1.0}
#: Kinds whose receiver keeps an incident open until it hears of its end: that is never told in a digest.
KEEPS_STATE: Final = frozenset({"pagerduty", "alertmanager"})
#: Kinds that have limits of their own and wake nobody by themselves.
UNLIMITED: Final = frozenset({"alertmanager"})


def send(out: Outgoing) -> Sent:
    """Sends a message to a channel.

    Raises:
        Retry, Permanent: as `tracestore.alerts.notify.outcome` says.
    """
    sender = SENDERS.get(out.kind)
    if sender is None:
        raise Permanent(f"There is no kind of channel {out.kind!r}.")
    return sender(out)
