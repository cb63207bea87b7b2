"""With Redis, a job is handed on when nobody acknowledged it for long: never while it may still run."""

from __future__ import annotations

import os
import subprocess
import sys

import tracestore.tasks  # noqa: F401 (registers them)
from tracestore.celery import app
from tracestore.environment import ROOT


def test_no_job_may_take_longer_than_redis_waits() -> None:
    longest = max(
        task.time_limit or app.conf.task_time_limit
        for name, task in app.tasks.items()
        if name.startswith("tracestore.")
    )
    assert longest >= 3600
    code = "from tracestore import settings; print(settings.CELERY_BROKER_TRANSPORT_OPTIONS['visibility_timeout'])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60,
        env={**os.environ, "TRACESTORE_BROKER_URL": "redis://127.0.0.1:1/0"},
    )  # fmt: skip
    assert int(done.stdout) > longest
