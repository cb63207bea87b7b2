"""The closed set of errors that Tracestore raises on purpose.

Each says what happened and what to do about it, in words that may be shown to a user. Transports
map `code` to their own status in one place (`ingest/status.py`, `dashboard/api/errors.py`).
Anything else that escapes is a defect and is shown only as "internal error".
"""

from __future__ import annotations

from typing import ClassVar


class TracestoreError(Exception):
    """Base of all errors raised on purpose. `retry_after_s` is None when retrying cannot help."""

    code: ClassVar[str] = "internal"
    retry_after_s: float | None = None

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.message = message
        if retry_after_s is not None:
            self.retry_after_s = retry_after_s


class InvalidInput(TracestoreError):
    """The request cannot be understood. `field` names the part, the message says what is expected.

    `offset` is the character of that part at which it went wrong, where that is known.
    """

    code = "invalid_input"

    def __init__(self, message: str, *, field: str = "", offset: int | None = None) -> None:
        super().__init__(message)
        self.field = field
        self.offset = offset


class TooLarge(TracestoreError):
    """The request is larger than a limit; the message names the limit. Send less at a time."""

    code = "too_large"


class Unauthenticated(TracestoreError):
    """No key or a wrong one. Send `authorization: Bearer KEY` or `x-api-key: KEY`."""

    code = "unauthenticated"


class Forbidden(TracestoreError):
    """The key or user is known but lacks the scope or role that the message names."""

    code = "forbidden"


class NotFound(TracestoreError):
    """No such thing in this project."""

    code = "not_found"


class Overloaded(TracestoreError):
    """A queue or limit is full. Try again after `retry_after_s` seconds; nothing was stored."""

    code = "overloaded"
    retry_after_s = 2.0


class Unavailable(TracestoreError):
    """A part that is needed (the store) does not answer. Try again; nothing was acknowledged."""

    code = "unavailable"
    retry_after_s = 2.0
