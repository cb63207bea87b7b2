"""When each job runs. Read by beat through `CELERY_BEAT_SCHEDULE`.

Every entry expires before its next turn: jobs that piled up while no worker ran are worth nothing.
"""

from __future__ import annotations

from typing import Any, Final

SCHEDULE: Final[dict[str, dict[str, Any]]] = {
    "settle traces": {"task": "tracestore.settle_traces", "schedule": 1.0, "options": {"expires": 5}},
    # Days are the unit of retention, so an hour is soon enough; a run that finds nothing costs nothing.
    "expire data": {"task": "tracestore.expire_data", "schedule": 3600.0, "options": {"expires": 1800}},
}
