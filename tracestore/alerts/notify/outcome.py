"""How an attempt to tell a receiver ends: `Sent`, or one of two errors. Nothing else is raised by a sender on purpose.

Neither error reaches an API or a page as it is: `tracestore.alerts.delivery` writes their reason down.
"""

from __future__ import annotations

from typing import Any

import msgspec

from tracestore.alerts.message import Message


class Sent(msgspec.Struct, frozen=True):
    """`status` is the receiver's (HTTP or SMTP); `receipt` what it calls the message, if it said; `note` what a person
    should know of it all the same (a recipient that was refused, say).
    """

    status: int = 0
    receipt: str = ""
    note: str = ""


class Retry(Exception):
    """It may work later. `after_s`: not sooner than so many seconds from now, None if the receiver did not say.

    `status` is 0 if it did not answer.
    """

    def __init__(self, reason: str, after_s: float | None = None, status: int = 0) -> None:
        super().__init__(reason)
        self.reason, self.after_s, self.status = reason, after_s, status


class Permanent(Exception):
    """It will not work as it is. `this_one_only`: the message is to blame, not the channel."""

    def __init__(self, reason: str, status: int = 0, *, this_one_only: bool = False) -> None:
        super().__init__(reason)
        self.reason, self.status, self.this_one_only = reason, status, this_one_only


class Outgoing(msgspec.Struct, frozen=True):
    """All that a sender may know. Senders run in threads and touch no database.

    `id` is that of the notification and the same in each attempt; `at` when this attempt began, in seconds since
    1970. `thread` is the receipt of the first message of this incident to this channel, `first_title` its title,
    `earlier` the last message that arrived.
    """

    id: int
    channel: str
    kind: str
    config: dict[str, Any]
    message: Message
    at: float
    thread: str = ""
    first_title: str = ""
    earlier: Message | None = None
