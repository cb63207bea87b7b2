"""Traces kept for the seconds until the page that was made from them asks for their columns.

Otherwise each trace would be read and understood twice. Small, short-lived, per process: a miss only
costs time, and a trace that was written to since is a miss.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict

from dashboard.timeline import Timeline

#: Spans kept in all: one giant and a few others, some 60 MB.
MOST_SPANS = 150_000


class RecentTraces:
    """At most `entries`, for `seconds`, of one version each."""

    def __init__(self, entries: int = 4, seconds: float = 30.0) -> None:
        self.entries, self.seconds = entries, seconds
        self._kept: OrderedDict[tuple[str, str], tuple[float, Timeline]] = OrderedDict()
        self._lock = threading.Lock()

    def put(self, project: str, trace_id: str, timeline: Timeline) -> None:
        now = time.monotonic()
        with self._lock:
            self._kept[project, trace_id] = (now, timeline)
            self._kept.move_to_end((project, trace_id))
            while self._kept and self.is_too_much(now):
                self._kept.popitem(last=False)

    def is_too_much(self, now: float) -> bool:
        """Whether the oldest has to go."""
        oldest, _ = next(iter(self._kept.values()))
        spans = sum(timeline.total for _, timeline in self._kept.values())
        return len(self._kept) > self.entries or spans > MOST_SPANS or oldest < now - self.seconds

    def get(self, project: str, trace_id: str, version: str) -> Timeline | None:
        """What was put, if it is still of this version of the trace."""
        with self._lock:
            found = self._kept.get((project, trace_id))
        if found is None or found[1].version != version or time.monotonic() - found[0] > self.seconds:
            return None
        return found[1]
