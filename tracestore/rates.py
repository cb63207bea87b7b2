"""How much a project may send: the values, what is possible among them, and how they are written. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Final

from tracestore.errors import InvalidInput

#: Far above what any machine takes in; larger is a slip of the keyboard.
MOST: Final = 10**12

#: What may come at once where no burst is set: what is allowed in this many seconds. SDKs send every
#: 5 s what has gathered (`OTEL_BSP_SCHEDULE_DELAY`), so an even flow of spans arrives in lumps of that size.
BURST_SECONDS: Final = 5


@dataclass(frozen=True, slots=True)
class Rates:
    """The limits of a project on everything it sends; None sets no limit.

    spans_per_second: spans and log records together, sustained.
    burst: how many may come at once after a pause; None means `BURST_SECONDS` of the above.
    bytes_per_second: request bodies after decompression; at once as much as in `BURST_SECONDS`.
    """

    spans_per_second: int | None = None
    burst: int | None = None
    bytes_per_second: int | None = None


NAMES: Final = tuple(field.name for field in fields(Rates))


def changed(present: Rates, sent: Mapping[str, int | None]) -> Rates:
    """The limits with what was sent in place of what was. A burst goes with the rate that it belongs to.

    Raises:
        InvalidInput: a limit that is unknown or impossible; names it.
    """
    for name, value in sent.items():
        if name not in NAMES:
            raise InvalidInput(f"There is no such limit; expected some of {', '.join(NAMES)}.", field=name[:100])
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MOST):
            raise InvalidInput(f"{name}: expected a whole number from 1 to {MOST}, or none.", field=name)
    if "spans_per_second" in sent and sent["spans_per_second"] is None:
        sent = {"burst": None, **sent}
    rates = replace(present, **sent)
    if rates.burst is not None and rates.spans_per_second is None:
        raise InvalidInput("burst: expected spans_per_second too, which it exceeds for a moment.", field="burst")
    return rates


def written(name: str, text: str) -> int | None:
    """A limit as somebody writes it in a form or a shell: a number, or nothing or `none` for no limit.

    Raises:
        InvalidInput: it is neither.
    """
    text = text.strip()
    if text.lower() in ("", "none"):
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= len(str(MOST))):
        raise InvalidInput(f"{text[:100]!r}: expected a whole number from 1 to {MOST}, or none.", field=name)
    return int(text)
