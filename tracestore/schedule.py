"""When each job runs. Read by beat through `CELERY_BEAT_SCHEDULE`.

Every entry expires before its next turn: jobs that piled up while no worker ran are worth nothing.
"""

from __future__ import annotations

from typing import Any, Final

SCHEDULE: Final[dict[str, dict[str, Any]]] = {
    "settle traces": {"task": "tracestore.settle_traces", "schedule": 1.0, "options": {"expires": 5}},
    "detect in traces": {"task": "tracestore.detect_traces", "schedule": 1.0, "options": {"expires": 5}},
    "detect over time": {"task": "tracestore.judge_windows", "schedule": 60.0, "options": {"expires": 60}},
    "alerts": {"task": "tracestore.evaluate_alerts", "schedule": 2.0, "options": {"expires": 10}},
    "notifications": {"task": "tracestore.send_notifications", "schedule": 2.0, "options": {"expires": 10}},
    "budgets": {"task": "tracestore.judge_budgets", "schedule": 2.0, "options": {"expires": 10}},
    "agent health": {"task": "tracestore.agent_health", "schedule": 60.0, "options": {"expires": 60}},
    # Days are the unit of retention, so an hour is soon enough; a run that finds nothing costs nothing.
    "expire data": {"task": "tracestore.expire_data", "schedule": 3600.0, "options": {"expires": 1800}},
    # An order sends its own job; this finds those that were left.
    "delete data": {"task": "tracestore.delete_data", "schedule": 30.0, "options": {"expires": 30}},
    "expire alerts": {"task": "tracestore.expire_alerts", "schedule": 3600.0, "options": {"expires": 1800}},
}
