"""Anything else, by an address of Apprise (https://github.com/caronc/apprise): for operators.

Apprise makes its own connections. They do not go through `guarded_http`, so a channel of this kind can reach whatever
this machine can: it needs the scope admin, and TRACESTORE_ALLOW_PRIVATE_WEBHOOKS.
"""

from __future__ import annotations

import logging
import warnings
from functools import cache
from typing import Any, Final

from tracestore.alerts.message import Message
from tracestore.alerts.notify import guarded_http, words
from tracestore.alerts.notify.outcome import Outgoing, Permanent, Retry, Sent

MOST_BODY: Final = 20_000
REFUSED: Final = (
    "Channels of kind apprise can reach private addresses: the operator must allow these by "
    "TRACESTORE_ALLOW_PRIVATE_WEBHOOKS=true."
)


def send(out: Outgoing) -> Sent:
    if not guarded_http.private_allowed():
        raise Permanent(REFUSED)
    apprise = library()
    told = apprise.Apprise()
    if not told.add(out.config["url"]):
        raise Permanent("Apprise does not know this address.")
    message = out.message
    kind = kind_of(message)
    try:
        arrived = told.notify(
            body=words.as_text(message)[:MOST_BODY], title=words.headline(message, 200), notify_type=kind,
            body_format=apprise.NotifyFormat.TEXT,
        )  # fmt: skip
    except Exception:
        # Its many parts raise what they like; their words may hold the address.
        raise Retry("Apprise could not send it.") from None
    if not arrived:
        raise Retry("Apprise could not send it; it does not say why.")
    return Sent()


def known(url: str) -> bool:
    return bool(library().Apprise().add(url))


@cache
def library() -> Any:
    """Apprise with all its parts, which it loads at the first address. Late, since that takes a second."""
    logging.getLogger("apprise").setLevel(logging.CRITICAL)  # it logs addresses with their secrets
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of what its parts import
        import apprise

        apprise.Apprise().add("json://localhost")
    return apprise


def kind_of(message: Message) -> str:
    if message.event in ("test", "acknowledged"):
        return "info"
    if message.state == "resolved":
        return "success"
    return {"critical": "failure", "warning": "warning"}.get(message.severity, "info")
