"""Tells spans that come again, for the ledger only: they are written again all the same.

A sender that had no answer sends its request again. The second writing replaces the first row by its
like (docs/adr/0001-storage-layout.md), so nothing is doubled; but who adds up `stored` should not
count it twice. What was stored lately is remembered by a number for each portion of an export, of at most
512 spans. The memory is bounded, of this process, and gone after a restart, so it may miss a
repetition, or one that the sender has cut differently; those count as stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Final

from tracestore.spans.model import Span

#: Portions remembered: the last minutes at full load, in about a megabyte.
REMEMBERED: Final = 8_192

#: With the project, the key of the table: rows that agree in it replace each other.
_KEY: Final = attrgetter("record.trace_id", "record.span_id", "record.start_ns")


class Repeats:
    """What was stored lately. Not safe for threads: it belongs to the event loop."""

    def __init__(self, remembered: int = REMEMBERED) -> None:
        self._remembered = remembered
        # In order of arrival, which a dict keeps.
        self._seen: dict[int, None] = {}

    def again(self, project: str, spans: Sequence[Span]) -> bool:
        """Whether just these spans were stored before; remembers them in any case."""
        digest = hash((project, *map(_KEY, spans)))
        if digest in self._seen:
            return True
        if len(self._seen) >= self._remembered:
            del self._seen[next(iter(self._seen))]
        self._seen[digest] = None
        return False
