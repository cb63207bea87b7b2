"""The orders of the trace list, and cursors: places in an order, not page numbers. Pure.

Every order is by one whole number and then the trace id, so that a place is exact and nothing is
shown twice or left out. A cost's number is the bits of its double, which are in the order of the
costs themselves (IEEE 754, non-negative), plus one; 0 is an unknown cost.
"""

from __future__ import annotations

import base64
import binascii
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tracestore.clickhouse.rows import TraceSummary
from tracestore.errors import InvalidInput


def _cost(row: TraceSummary) -> int:
    if row.cost_usd is None:
        return 0
    return int(struct.unpack("<Q", struct.pack("<d", max(0.0, row.cost_usd)))[0]) + 1


@dataclass(frozen=True, slots=True)
class Order:
    """By `key`, the largest first unless `up`. `expression` is the same key over a summary's columns."""

    name: str
    expression: str
    key: Callable[[TraceSummary], int]
    up: bool = False

    @property
    def by_time(self) -> bool:
        """Whether it is the order of the table's own key, or its reverse."""
        return self.name.startswith("time")

    def place(self, row: TraceSummary) -> tuple[int, str]:
        return self.key(row), row.trace_id


_KEYS: Final[dict[str, tuple[str, Callable[[TraceSummary], int]]]] = {
    "time": ("toUnixTimestamp64Nano(start_time)", lambda row: row.start_ns),
    "duration": ("duration_ns", lambda row: row.duration_ns),
    "cost": ("if(cost_usd IS NULL, 0, reinterpretAsUInt64(greatest(0., assumeNotNull(cost_usd))) + 1)", _cost),
    "tokens": ("(input_tokens + output_tokens)", lambda row: row.input_tokens + row.output_tokens),
    "errors": ("errors", lambda row: row.errors),
}
#: `duration` is the longest first, `duration-up` the shortest.
ORDERS: Final = {
    name + ("-up" if up else ""): Order(name + ("-up" if up else ""), *of, up)
    for name, of in _KEYS.items()
    for up in (False, True)
}
NEWEST: Final = ORDERS["time"]


def cursor_after(order: Order, place: tuple[int, str]) -> str:
    """The cursor of what comes after this place."""
    return base64.urlsafe_b64encode(f"{order.name}.{place[0]}.{place[1]}".encode()).decode().rstrip("=")


def read_cursor(order: Order, cursor: str) -> tuple[int, str]:
    """The place of a cursor.

    Raises:
        InvalidInput: it is none that `cursor_after` made in this order.
    """
    try:
        name, key, trace_id = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode().split(".")
        number = int(key)
        if name != order.name or not 0 <= number < 2**63 or not trace_id.isalnum():
            raise ValueError
    except (ValueError, binascii.Error) as error:
        raise InvalidInput(
            "Expected a cursor from the `next` of an earlier answer in this order.", field="cursor"
        ) from error
    return number, trace_id
