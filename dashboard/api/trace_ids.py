"""Ids in addresses: hexadecimal in either case. Any other text names nothing that can exist: 404."""

from __future__ import annotations

import re

from tracestore.errors import NotFound

TRACE_ID = re.compile(r"[0-9a-f]{32}")
SPAN_ID = re.compile(r"[0-9a-f]{16}")


def trace_id(text: str) -> str:
    found = text.lower()
    if not TRACE_ID.fullmatch(found):
        raise NotFound("There is no such trace: a trace id is 32 hexadecimal digits.")
    return found


def span_id(text: str) -> str:
    found = text.lower()
    if not SPAN_ID.fullmatch(found):
        raise NotFound("There is no such span: a span id is 16 hexadecimal digits.")
    return found
