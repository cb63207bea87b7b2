"""The worker's own metrics: what it counts, and that they are shown only where they are asked for."""

from __future__ import annotations

import urllib.request
from dataclasses import replace
from types import SimpleNamespace

import pytest
from django.conf import settings

from tests.ports import free_port
from tracestore import environment, passes, worker_metrics
from tracestore.environment import BadEnvironment
from tracestore.status import jobs


def runs(job: str, outcome: str) -> float:
    return worker_metrics.REGISTRY.get_sample_value("tracestore_job_runs_total", {"job": job, "outcome": outcome}) or 0


def test_runs_are_counted_by_job_and_outcome() -> None:
    task = SimpleNamespace(name="tracestore.settle_traces")
    before = runs("settle_traces", "ok"), runs("settle_traces", "failed")
    for state in ("SUCCESS", "FAILURE"):
        worker_metrics.begun(task_id="1")
        worker_metrics.ended(task_id="1", task=task, state=state)
    assert (runs("settle_traces", "ok"), runs("settle_traces", "failed")) == (before[0] + 1, before[1] + 1)
    assert not worker_metrics._began


@pytest.mark.django_db
def test_a_job_that_breaks_is_written_down() -> None:
    passes.forget()
    worker_metrics.broke(sender=SimpleNamespace(name="tracestore.expire_alerts"))
    assert next(one for one in jobs.all_passes() if one.job == "expire_alerts").failing


def test_they_are_shown_on_the_port_that_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[object] = []
    monkeypatch.setattr(worker_metrics, "start_http_server", lambda *args, **more: started.append(args))
    worker_metrics.serve()
    assert started == []
    monkeypatch.undo()
    port = free_port()
    monkeypatch.setattr(settings, "ENVIRONMENT", replace(settings.ENVIRONMENT, worker_metrics_port=port))
    servers = []
    real = worker_metrics.start_http_server
    monkeypatch.setattr(worker_metrics, "start_http_server", lambda *args, **more: servers.append(real(*args, **more)))
    worker_metrics.serve()
    try:
        text = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5).read().decode()
        assert "tracestore_build_info" in text
        # A port that is taken ends no worker.
        worker_metrics.serve()
    finally:
        for server, thread in servers:
            server.shutdown()
            server.server_close()
            thread.join()


def test_the_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    assert environment.read().worker_metrics_port is None
    monkeypatch.setenv("TRACESTORE_WORKER_METRICS_PORT", "9464")
    assert environment.read().worker_metrics_port == 9464
    monkeypatch.setenv("TRACESTORE_WORKER_METRICS_PORT", "none")
    with pytest.raises(BadEnvironment, match="TRACESTORE_WORKER_METRICS_PORT"):
        environment.read()
