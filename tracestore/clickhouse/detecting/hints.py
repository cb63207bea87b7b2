"""Where to look first in a stored run that failed. The rule is `tracestore/detectors/look_here.py`."""

from __future__ import annotations

import time
from typing import Final

from tracestore.clickhouse.detecting.looking import Touched
from tracestore.clickhouse.detecting.trajectories import Traces
from tracestore.clickhouse.rows import TraceSummary
from tracestore.detectors import look_here
from tracestore.detectors.look_here import Hint

#: Of a longer run the hint would cost more than it says.
MOST_SPANS: Final = 2_000


def has_hint(summary: TraceSummary) -> bool:
    """Whether a hint is given of the trace: it failed and is not too long."""
    return summary.status == "error" and summary.span_count <= MOST_SPANS


def hint(project: str, summary: TraceSummary) -> Hint | None:
    """The step to open first and why; None when the trace has no step, did not fail, or is too long.

    Raises:
        Unavailable: the store does not answer.
    """
    if not has_hint(summary):
        return None
    traces, now_ns = Traces(), time.time_ns()
    traces.read([Touched(project, summary.trace_id, summary.start_ns, 0, 0, 0)], now_ns)
    return look_here.hint(traces.trajectory((project, summary.trace_id), now_ns, complete=True))
