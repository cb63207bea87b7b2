"""What the worker counts of its jobs, and the small server that shows it: on loopback, where it is asked for."""

from __future__ import annotations

import time
from typing import Any, Final

import structlog
from celery.signals import task_failure, task_postrun, task_prerun, worker_ready
from django.conf import settings
from prometheus_client import CollectorRegistry, Counter, Histogram, Info, start_http_server
from prometheus_client.process_collector import ProcessCollector

from tracestore import own_traces, versions

log = structlog.get_logger(__name__)

#: Nobody else has business with it: no key is asked for.
HOST: Final = "127.0.0.1"

REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)
RUNS = Counter("tracestore_job_runs", "Runs of a job by how they ended.", ["job", "outcome"], registry=REGISTRY)
SECONDS = Histogram(
    "tracestore_job_duration_seconds",
    "How long a run of a job took.",
    ["job"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0),
    registry=REGISTRY,
)
BUILD = Info("tracestore_build", "Which Tracestore this is.", registry=REGISTRY)


REGISTRY.register(own_traces.SPANS)

BUILD.info(versions.own())

_began: dict[str, float] = {}


def job_of(task: Any) -> str:
    return str(getattr(task, "name", "")).removeprefix("tracestore.")


def begun(task_id: str = "", **_: object) -> None:
    _began[task_id] = time.perf_counter()


def ended(task_id: str = "", task: Any = None, state: str | None = None, **_: object) -> None:
    began = _began.pop(task_id, None)
    RUNS.labels(job_of(task), "ok" if state == "SUCCESS" else "failed").inc()
    if began is not None:
        seconds = time.perf_counter() - began
        SECONDS.labels(job_of(task)).observe(seconds)
        own_traces.job(job_of(task), seconds, failed=state != "SUCCESS")


def broke(sender: Any = None, **_: object) -> None:
    # Imported late: this module is read before Django's apps are there.
    from tracestore import passes

    passes.failed(job_of(sender))


def serve(**_: object) -> None:
    """Starts the server where `TRACESTORE_WORKER_METRICS_PORT` names a port. Without it the jobs still run."""
    port = settings.ENVIRONMENT.worker_metrics_port
    if port is None:
        return
    try:
        start_http_server(port, addr=HOST, registry=REGISTRY)
    except OSError as error:
        log.error("the worker's metrics cannot be served", port=port, reason=error.strerror)


task_prerun.connect(begun, weak=False)
task_postrun.connect(ended, weak=False)
task_failure.connect(broke, weak=False)
worker_ready.connect(serve, weak=False)
