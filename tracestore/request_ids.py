"""The id of a request, and the trace that it belongs to: in every log line of it, and in its answer.

`x-request-id` is taken from the caller when it is short and plain, so that one id can be followed through a
proxy; else one is made. `traceparent` is W3C Trace Context, level 1, version 00 and later ones that begin alike.
"""

from __future__ import annotations

import re
import secrets
from typing import Final

import structlog

HEADER: Final = "x-request-id"
_PLAIN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/+=-]{0,127}")
_TRACEPARENT: Final = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?")


def request_id(sent: str | None) -> str:
    """What the caller sent, if it is at most 128 letters, digits and `._:/+=-`; else 32 hex digits of our own."""
    return sent if sent and _PLAIN.fullmatch(sent) else secrets.token_hex(16)


def trace_id(traceparent: str | None) -> str:
    """The trace id of a `traceparent` header, '' when there is none or it is not valid."""
    found = _TRACEPARENT.fullmatch(traceparent or "")
    if found is None or found[1] == "ff" or (found[1] == "00" and found[4]):
        return ""
    return "" if set(found[2]) == {"0"} or set(found[3]) == {"0"} else found[2]


def begin(sent: str | None, traceparent: str | None) -> str:
    """Names the request of this context for every log line to come; returns its id.

    It is not unbound at the end: a server gives each request a context of its own, and what is streamed
    after the answer began is of the request too.
    """
    made = request_id(sent)
    structlog.contextvars.unbind_contextvars("trace_id")
    trace = trace_id(traceparent)
    structlog.contextvars.bind_contextvars(request_id=made, **({"trace_id": trace} if trace else {}))
    return made
